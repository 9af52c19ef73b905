"""Conditional VAE with a learned decoder variance."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.config.schema import setting
from core.modalities.base import Observation
from core.models.gde.backbones import NetConfig, VectorNet
from core.models.gde.base import Generator, generators
from core.models.gde.gaussian_base import GaussianBase

CALIBRATION = 512  # points that tell mean and covariance of what the decoder gives


@dataclass(frozen=True)
class CVAEConfig(NetConfig):
    """Settings of the conditional VAE."""

    code: int = setting(16, "Width of the code of one observation.", low=1, high=4096)


@generators.register(
    "cvae",
    title="CVAE",
    kind="sets",
    config=CVAEConfig,
    help="Conditional VAE whose decoder variance is learned and sampled: one network call a sample, full variance.",
    source="Sohn et al. 2015; decoder variance after Rybkin et al. 2021 (sigma-VAE); Gaussian base ours",
)
class CVAEGenerator(Generator):
    """−log p(y|z) ≤ Σ_d [(y − ŷ)²/2s² + log s] + Σ KL(q(v|y, z) ‖ N(0, I)) in the coordinates of the Gaussian base.

    All terms are sums, so that the bound is a likelihood; s (one per feature and set) is learned, and sampling
    adds its noise. Averaging both terms and returning the decoder mean, as published, loses variance.
    """

    calibration: Tensor

    def __init__(self, config: CVAEConfig, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent)
        d = observation.d
        self.base = GaussianBase(d, latent, config.width)
        self.register_buffer("calibration", self.base.points(CALIBRATION, config.code), persistent=False)
        self.encoder = VectorNet(d, 2 * config.code, latent, config)
        self.decoder = VectorNet(config.code, d, latent, config)
        self.log_deviation = nn.Linear(latent, d)
        nn.init.zeros_(self.log_deviation.weight)
        nn.init.zeros_(self.log_deviation.bias)

    def prepare(self, x: Tensor, z: Tensor) -> None:
        self.base.start(x.flatten(2), z)

    def loss(self, x: Tensor, z: Tensor, weights: Tensor | None = None) -> dict[str, Tensor]:
        mean, scale = self.base.parameters_of(z)
        y = self.base.whiten(x.flatten(2), mean, scale)
        likelihood = self.base.negative_log_likelihood(y, scale, weights)
        y = y.detach()
        centre, log_variance = self.encoder(y, z).chunk(2, dim=-1)
        log_variance = log_variance.clamp(-10, 10)
        code = centre + (0.5 * log_variance).exp() * torch.randn_like(centre)
        log_s = self._log_deviation(z)
        error = 0.5 * ((y - self.decoder(code, z)) * (-log_s).exp()).square() + log_s
        divergence = 0.5 * (centre.square() + log_variance.exp() - 1 - log_variance)
        # Per feature, so that the size of the loss does not depend on the number of features.
        bound = (error.sum(dim=-1) + divergence.sum(dim=-1)).mean() / self.base.d
        parts = {"reconstruction": error.mean(), "divergence": divergence.sum(dim=-1).mean(), "likelihood": likelihood}
        return {"loss": bound + likelihood, **{k: v.detach() for k, v in parts.items()}}

    @torch.no_grad()
    def sample(self, z: Tensor, n: int, generator: torch.Generator) -> Tensor:
        mean, scale = self.base.parameters_of(z)
        draw = torch.randn(len(z), n, self.config.code + self.base.d, generator=generator, device=generator.device)
        both = torch.cat([self.calibration.expand(len(z), -1, -1), draw.to(z.device)], dim=1)
        y = self.decoder(both[..., self.base.d :], z) + self._log_deviation(z).exp() * both[..., : self.base.d]
        y = self.base.standardise(y[:, CALIBRATION:], y[:, :CALIBRATION])
        return self.base.colour(y, mean, scale).reshape(len(z), n, *self.shape)

    def _log_deviation(self, z: Tensor) -> Tensor:
        # Bounded below: a feature that the code explains fully must not drive the density to infinity.
        return self.log_deviation(z)[:, None].clamp(-6, 2)
