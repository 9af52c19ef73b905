"""Direct generator trained by the Sinkhorn divergence."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from core.config.schema import setting
from core.models.gde.base import generators
from core.models.gde.direct import DirectConfig, DirectGenerator
from core.models.gde.divergences import sinkhorn_divergence


@dataclass(frozen=True)
class SinkhornConfig(DirectConfig):
    """Settings of the Sinkhorn generator."""

    blur: float = setting(0.3, "Blur of the transport in whitened units: small is exact and slow.", low=0.01, high=10.0)


@generators.register(
    "sinkhorn",
    title="Sinkhorn",
    kind="sets",
    config=SinkhornConfig,
    help="One network call a sample, trained by debiased entropic optimal transport.",
    source="Feydy et al. 2019, eq. 3; Fishman et al. 2025, appendix C (direct, Sinkhorn)",
)
class SinkhornGenerator(DirectGenerator):
    """Minimises the Sinkhorn divergence with cost ‖x − y‖²."""

    def divergence(self, x: Tensor, y: Tensor) -> Tensor:
        return sinkhorn_divergence(x, y, self.config.blur)
