"""Direct generator trained by the maximum mean discrepancy."""

from __future__ import annotations

from torch import Tensor

from core.models.gde.base import generators
from core.models.gde.direct import DirectConfig, DirectGenerator
from core.models.gde.divergences import mmd


@generators.register(
    "mmd",
    title="MMD",
    kind="sets",
    config=DirectConfig,
    help="One network call a sample, trained by the kernel two-sample statistic at five bandwidths.",
    source="Gretton et al. 2012, eq. 3; Li et al. 2015; Fishman et al. 2025, appendix C (direct, MMD)",
)
class MMDGenerator(DirectGenerator):
    """Minimises the unbiased MMD² with Gaussian kernels at multiples of the median distance."""

    def divergence(self, x: Tensor, y: Tensor) -> Tensor:
        return mmd(x, y)
