"""Causal transformers with rotary positions: ours, and ProGen2's with attention and MLP side by side."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from core.config.schema import more
from core.errors import InputError
from core.modalities.base import Observation
from core.models.gde.base import generators
from core.models.gde.cross_attention import CrossAttentions, Seen
from core.models.gde.letters import Autoregressive, AutoregressiveConfig
from core.models.gde.rotary import GatedLayer, Kept, ParallelLayer, Stack, heads_of


@dataclass(frozen=True)
class TransformerConfig(AutoregressiveConfig):
    """Settings of the causal transformers."""

    heads: int = more(0, "Attention heads; 0: one for every 32 coordinates.", low=0, high=256)


class CausalStack(Autoregressive):
    """A stack of causal layers."""

    stack: Stack

    def hidden(self, tokens: Tensor, memory: Tensor | None) -> Tensor:
        return self.stack(tokens, seen=self.stack.crossings.seen(memory))

    def begin(self, n: int, memory: Tensor | None) -> tuple[Kept, list[Seen]]:
        return self.stack.nothing_kept(n, self.length + 1), self.stack.crossings.seen(memory)

    def step(self, token: Tensor, place: int, kept: tuple[Kept, list[Seen]]) -> Tensor:
        return self.stack(token[:, None], place, *kept)[:, 0]

    def crossings(self) -> CrossAttentions:
        """One cross-attention a layer where the latent enters so."""
        return CrossAttentions(self.config.width, self.heads(), self.config.depth if self.crossed else 0)

    def heads(self) -> int:
        """Heads that divide the width. Raises InputError."""
        heads: int = self.config.heads or heads_of(self.config.width)
        if self.config.width % heads:
            raise InputError(f"generator.width is {self.config.width}, which {heads} heads do not divide.")
        return heads


@generators.register(
    "causal_transformer",
    title="Causal transformer",
    takes=("sequence",),
    config=TransformerConfig,
    help="A small causal transformer with rotary positions and gated layers: the default for sequences.",
    source="Vaswani et al. 2017; Su et al. 2021 (rotary positions); Shazeer 2020 (SwiGLU); the start at position "
    "weights is ours",
)
class CausalTransformer(CausalStack):
    """Adds what letters before say to the position weights."""

    def __init__(self, config: TransformerConfig, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent)
        layers = [GatedLayer(config.width, self.heads(), True, config.dropout) for _ in range(config.depth)]
        self.stack = Stack(layers, nn.RMSNorm(config.width), self.crossings())


@generators.register(
    "progen2",
    title="ProGen2",
    takes=("sequence",),
    config=TransformerConfig,
    help="ProGen2's causal transformer, trained from nothing: rotary positions, attention and MLP side by side.",
    source="Nijkamp et al. 2022 (ProGen2); Fishman et al. 2025, appendix A.2",
)
class ProGen2(CausalStack):
    """The layers of ProGen2 at any width."""

    def __init__(self, config: TransformerConfig, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent)
        layers = [ParallelLayer(config.width, self.heads(), config.dropout) for _ in range(config.depth)]
        self.stack = Stack(layers, nn.LayerNorm(config.width), self.crossings())
