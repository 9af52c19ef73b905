"""The mean of the observations, linearly projected: blind to everything but the first moment."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from core.config.schema import NoSettings
from core.modalities.base import Observation
from core.models.gde.base import encoders
from core.models.gde.pooled import PooledEncoder


@encoders.register(
    "mean",
    title="Mean",
    config=NoSettings,
    help="Mean of the observations, linearly projected: the baseline that every learned encoder must beat.",
    source="Fishman et al. 2025, appendix C (mean encoder)",
)
class MeanEncoder(PooledEncoder):
    """z = W mean(x) + b."""

    def __init__(self, config: Any, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent)
        self.project = nn.Linear(observation.d, latent)

    def head(self, pooled: Tensor) -> Tensor:
        return self.project(pooled)
