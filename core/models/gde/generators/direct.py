"""Direct generators: noise in, observation out, trained by a divergence between generated and real samples."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from core.config.schema import setting
from core.modalities.base import Observation
from core.models.gde.backbones import NetConfig, VectorNet
from core.models.gde.base import generators
from core.models.gde.divergences import (
    energy_distance,
    mmd,
    random_projections,
    sinkhorn_divergence,
    sliced_wasserstein,
)
from core.models.gde.gaussian_base import BasedGenerator

CALIBRATION = 1024  # points that tell mean and covariance of what the network gives


@dataclass(frozen=True)
class DirectConfig(NetConfig):
    """Settings that direct generators share."""

    noise: int = setting(8, "Noise dimensions beside the Gaussian base's own.", low=0, high=4096)


class DirectGenerator(BasedGenerator):
    """x = μ(z) + L(z) s(n + f(n, m, z)), f = 0 at the start; s standardises each coordinate over the draws of a set.

    The divergence is measured in whitened coordinates, where every set has the same scale. A divergence of two
    small samples is least for a generator that shrinks (its draws are then nearer on average); so mean and scale
    belong to the base, which maximum likelihood fits without that bias, and the divergence shapes the rest.
    """

    def __init__(self, config: DirectConfig, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent, CALIBRATION, extra=config.noise)
        self.net = VectorNet(self.base.d + config.noise, self.base.d, latent, config)

    @abstractmethod
    def divergence(self, x: Tensor, y: Tensor) -> Tensor:
        """(b, k, d) generated and (b, k, d) real, whitened → (b,)."""

    def transformed(self, noise: Tensor, z: Tensor) -> Tensor:
        return noise[..., : self.base.d] + self.net(noise, self.base.learned(z))

    def loss(self, x: Tensor, z: Tensor, weights: Tensor | None = None) -> dict[str, Tensor]:
        y, likelihood = self.whitened(x, z, weights)
        noise = torch.randn(*y.shape[:2], self.base.d + self.config.noise, device=y.device)
        raw = self.transformed(noise, z)
        generated = (raw - raw.mean(dim=1, keepdim=True)) / raw.std(dim=1, keepdim=True).clamp_min(1e-3)
        divergence = self.divergence(generated, y).mean()
        return {
            "loss": divergence + likelihood,
            "divergence": divergence.detach(),
            "likelihood": likelihood.detach(),
        }


@generators.register(
    "energy",
    title="Energy",
    takes=("vector", "image"),
    config=DirectConfig,
    help="One network call a sample, trained by the energy distance (no bandwidth to choose).",
    source="Székely & Rizzo 2013, eq. 5; Bellemare et al. 2017",
)
class EnergyGenerator(DirectGenerator):
    """Minimises 2 E‖x−y‖ − E‖x−x′‖ − E‖y−y′‖."""

    def divergence(self, x: Tensor, y: Tensor) -> Tensor:
        return energy_distance(x, y)


@generators.register(
    "mmd",
    title="MMD",
    takes=("vector", "image"),
    config=DirectConfig,
    help="One network call a sample, trained by the kernel two-sample statistic at five bandwidths.",
    source="Gretton et al. 2012, eq. 3; Li et al. 2015; Fishman et al. 2025, appendix C (direct, MMD)",
)
class MMDGenerator(DirectGenerator):
    """Minimises the unbiased MMD² with Gaussian kernels at multiples of the median distance."""

    def divergence(self, x: Tensor, y: Tensor) -> Tensor:
        return mmd(x, y)


@dataclass(frozen=True)
class SinkhornConfig(DirectConfig):
    """Settings of the Sinkhorn generator."""

    blur: float = setting(0.3, "Blur of the transport in whitened units: small is exact and slow.", low=0.01, high=10.0)


@generators.register(
    "sinkhorn",
    title="Sinkhorn",
    takes=("vector", "image"),
    config=SinkhornConfig,
    help="One network call a sample, trained by debiased entropic optimal transport.",
    source="Feydy et al. 2019, eq. 3; Fishman et al. 2025, appendix C (direct, Sinkhorn)",
)
class SinkhornGenerator(DirectGenerator):
    """Minimises the Sinkhorn divergence with cost ‖x − y‖²."""

    def divergence(self, x: Tensor, y: Tensor) -> Tensor:
        return sinkhorn_divergence(x, y, self.config.blur)


@dataclass(frozen=True)
class SlicedWassersteinConfig(DirectConfig):
    """Settings of the sliced Wasserstein generator."""

    projections: int = setting(64, "Random directions of each step.", low=1, high=10_000)


@generators.register(
    "sliced_wasserstein",
    title="Sliced Wasserstein",
    takes=("vector", "image"),
    config=SlicedWassersteinConfig,
    help="One network call a sample, trained by sliced optimal transport.",
    source="Bonneel et al. 2015; Fishman et al. 2025, appendix C (direct, SW)",
)
class SlicedWassersteinGenerator(DirectGenerator):
    """Minimises d · E_θ W2²(θ·x, θ·y) over fresh directions."""

    def divergence(self, x: Tensor, y: Tensor) -> Tensor:
        return sliced_wasserstein(x, y, random_projections(x.shape[-1], self.config.projections, x))
