"""The encoder of Wasserstein Wormhole."""

from __future__ import annotations

from torch import nn

from core.modalities.base import Observation
from core.models.gde.base import encoders
from core.models.gde.encoders.set_transformer import SetTransformerConfig, SetTransformerEncoder


@encoders.register(
    "wormhole",
    title="Wormhole",
    kind="sets",
    config=SetTransformerConfig,
    help="The Wasserstein Wormhole encoder: attention blocks, nonlinear embedding, mean.",
    source="Haviv et al. 2024, section 3",
)
class WormholeEncoder(SetTransformerEncoder):
    """As the set transformer with a two-layer embedding of each observation before the attention."""

    def __init__(self, config: SetTransformerConfig, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent)
        width = self.width
        self.first = nn.Sequential(nn.Linear(observation.d, width), nn.SiLU(), nn.Linear(width, width))
