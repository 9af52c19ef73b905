"""Direct generators: noise in, observation out, trained by a divergence between generated and real samples."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from core.config.schema import setting
from core.modalities.base import Observation
from core.models.gde.backbones import NetConfig, VectorNet
from core.models.gde.base import Generator
from core.models.gde.gaussian_base import GaussianBase

CALIBRATION = 1024  # points that tell mean and covariance of what the network gives


@dataclass(frozen=True)
class DirectConfig(NetConfig):
    """Settings that direct generators share."""

    noise: int = setting(8, "Noise dimensions beside the Gaussian base's own.", low=0, high=4096)


class DirectGenerator(Generator):
    """x = μ(z) + L(z) s(n + f(n, m, z)), f = 0 at the start; s standardises each coordinate over the draws of a set.

    The divergence is measured in whitened coordinates, where every set has the same scale. A divergence of two
    small samples is least for a generator that shrinks (its draws are then nearer on average); so mean and scale
    belong to the base, which maximum likelihood fits without that bias, and the divergence shapes the rest.
    """

    calibration: Tensor

    def __init__(self, config: DirectConfig, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent)
        self.base = GaussianBase(observation.d, latent, config.width)
        self.register_buffer("calibration", self.base.points(CALIBRATION, config.noise), persistent=False)
        self.net = VectorNet(self.base.d + config.noise, self.base.d, latent, config)

    @abstractmethod
    def divergence(self, x: Tensor, y: Tensor) -> Tensor:
        """(b, k, d) generated and (b, k, d) real, whitened → (b,)."""

    def prepare(self, x: Tensor, z: Tensor) -> None:
        self.base.start(x.flatten(2), z)

    def loss(self, x: Tensor, z: Tensor, weights: Tensor | None = None) -> dict[str, Tensor]:
        mean, scale = self.base.parameters_of(z)
        y = self.base.whiten(x.flatten(2), mean, scale)
        likelihood = self.base.negative_log_likelihood(y, scale, weights)
        noise = torch.randn(*y.shape[:2], self.base.d + self.config.noise, device=y.device)
        raw = self._raw(noise, z)
        generated = (raw - raw.mean(dim=1, keepdim=True)) / raw.std(dim=1, keepdim=True).clamp_min(1e-3)
        divergence = self.divergence(generated, y.detach()).mean()
        return {
            "loss": divergence + likelihood,
            "divergence": divergence.detach(),
            "likelihood": likelihood.detach(),
        }

    @torch.no_grad()
    def sample(self, z: Tensor, n: int, generator: torch.Generator) -> Tensor:
        mean, scale = self.base.parameters_of(z)
        width = self.base.d + self.config.noise
        noise = torch.randn(len(z), n, width, generator=generator, device=generator.device).to(z.device)
        raw = self._raw(torch.cat([self.calibration.expand(len(z), -1, -1), noise], dim=1), z)
        y = self.base.standardise(raw[:, CALIBRATION:], raw[:, :CALIBRATION])
        return self.base.colour(y, mean, scale).reshape(len(z), n, *self.shape)

    def _raw(self, noise: Tensor, z: Tensor) -> Tensor:
        return noise[..., : self.base.d] + self.net(noise, z)
