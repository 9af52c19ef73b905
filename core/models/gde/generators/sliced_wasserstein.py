"""Direct generator trained by the sliced Wasserstein distance."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from core.config.schema import setting
from core.models.gde.base import generators
from core.models.gde.direct import DirectConfig, DirectGenerator
from core.models.gde.divergences import random_projections, sliced_wasserstein


@dataclass(frozen=True)
class SlicedWassersteinConfig(DirectConfig):
    """Settings of the sliced Wasserstein generator."""

    projections: int = setting(64, "Random directions of each step.", low=1, high=10_000)


@generators.register(
    "sliced_wasserstein",
    title="Sliced Wasserstein",
    kind="sets",
    config=SlicedWassersteinConfig,
    help="One network call a sample, trained by sliced optimal transport.",
    source="Bonneel et al. 2015; Fishman et al. 2025, appendix C (direct, SW)",
)
class SlicedWassersteinGenerator(DirectGenerator):
    """Minimises d · E_θ W2²(θ·x, θ·y) over fresh directions."""

    def divergence(self, x: Tensor, y: Tensor) -> Tensor:
        return sliced_wasserstein(x, y, random_projections(x.shape[-1], self.config.projections, x))
