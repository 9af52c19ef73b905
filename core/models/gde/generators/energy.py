"""Direct generator trained by the energy distance."""

from __future__ import annotations

from torch import Tensor

from core.models.gde.base import generators
from core.models.gde.direct import DirectConfig, DirectGenerator
from core.models.gde.divergences import energy_distance


@generators.register(
    "energy",
    title="Energy",
    kind="sets",
    config=DirectConfig,
    help="One network call a sample, trained by the energy distance (no bandwidth to choose).",
    source="Székely & Rizzo 2013, eq. 5; Bellemare et al. 2017",
)
class EnergyGenerator(DirectGenerator):
    """Minimises 2 E‖x−y‖ − E‖x−x′‖ − E‖y−y′‖."""

    def divergence(self, x: Tensor, y: Tensor) -> Tensor:
        return energy_distance(x, y)
