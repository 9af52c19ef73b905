"""No learned part: the latent is the exact mean and spread of a set alone."""

from __future__ import annotations

from torch import Tensor

from core.config.schema import NoSettings
from core.modalities.base import Observation
from core.models.gde.base import encoders
from core.models.gde.pooled import PooledEncoder


@encoders.register(
    "none",
    title="None",
    config=NoSettings,
    help="Nothing is learned: mean and spread of a set alone, for model.exact=true.",
    source="empirical Bayes estimates of `core.models.gde.exact`",
)
class NoEncoder(PooledEncoder):
    """z has no entries."""

    def __init__(self, config: NoSettings, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, 0)

    def head(self, pooled: Tensor) -> Tensor:
        return pooled[:, :0]
