"""Conditional VAE with a learned decoder variance."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.config.schema import setting
from core.modalities.base import Observation
from core.models.gde.backbones import NetConfig, VectorNet
from core.models.gde.base import generators
from core.models.gde.gaussian_base import BasedGenerator

CALIBRATION = 512  # points that tell mean and covariance of what the decoder gives


@dataclass(frozen=True)
class CVAEConfig(NetConfig):
    """Settings of the conditional VAE."""

    code: int = setting(16, "Width of the code of one observation.", low=1, high=4096)


@generators.register(
    "cvae",
    title="CVAE",
    takes=("vector", "image"),
    config=CVAEConfig,
    help="Conditional VAE whose decoder variance is learned and sampled: one network call a sample, full variance.",
    source="Sohn et al. 2015; decoder variance after Rybkin et al. 2021 (sigma-VAE); Gaussian base ours",
)
class CVAEGenerator(BasedGenerator):
    """−log p(y|z) ≤ Σ_d [(y − ŷ)²/2s² + log s] + Σ KL(q(v|y, z) ‖ N(0, I)) in the coordinates of the Gaussian base.

    All terms are sums, so that the bound is a likelihood; s (one per feature and set) is learned, and sampling
    adds its noise. Averaging both terms and returning the decoder mean, as published, loses variance.
    """

    def __init__(self, config: CVAEConfig, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent, CALIBRATION, extra=config.code)
        d = observation.d
        self.encoder = VectorNet(d, 2 * config.code, latent, config)
        self.decoder = VectorNet(config.code, d, latent, config)
        self.log_deviation = nn.Linear(latent, d)
        nn.init.zeros_(self.log_deviation.weight)
        nn.init.zeros_(self.log_deviation.bias)

    def loss(self, x: Tensor, z: Tensor, weights: Tensor | None = None) -> dict[str, Tensor]:
        y, likelihood = self.whitened(x, z, weights)
        z = self.base.learned(z)
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

    def transformed(self, noise: Tensor, z: Tensor) -> Tensor:
        d, z = self.base.d, self.base.learned(z)
        return self.decoder(noise[..., d:], z) + self._log_deviation(z).exp() * noise[..., :d]

    def _log_deviation(self, z: Tensor) -> Tensor:
        # Bounded below: a feature that the code explains fully must not drive the density to infinity.
        return self.log_deviation(z)[:, None].clamp(-6, 2)
