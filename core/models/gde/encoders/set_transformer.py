"""Self-attention without positions, then the mean: invariant because attention is a ratio of means."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from core.config.schema import setting
from core.modalities.base import Observation
from core.models.gde.base import Encoder, encoders
from core.models.gde.layers import weighted_mean


@dataclass(frozen=True)
class SetTransformerConfig:
    """Settings of the attention encoders."""

    width: int = setting(128, "Width of the hidden layers; a multiple of the number of heads.", low=4, high=8192)
    heads: int = setting(4, "Attention heads.", low=1, high=64)
    rounds: int = setting(2, "Attention blocks.", low=1, high=24)


class AttentionBlock(nn.Module):
    """Pre-norm self-attention and feed-forward; observation weights enter as log w in the attention logits."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention, self.norm_forward = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.forward_net = nn.Sequential(nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, width))

    def forward(self, h: Tensor, weights: Tensor | None) -> Tensor:
        """h: (b, k, width); weights: (b, k) or None."""
        qkv = self.qkv(self.norm_attention(h)).unflatten(-1, (3, self.heads, -1))
        q, k, v = (t.transpose(1, 2) for t in qkv.unbind(dim=2))
        bias = None if weights is None else weights.clamp_min(1e-12).log()[:, None, None, :].to(h.dtype)
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        h = h + self.out(mixed.transpose(1, 2).flatten(2))
        return h + self.forward_net(self.norm_forward(h))


@encoders.register(
    "set_transformer",
    title="Set transformer",
    config=SetTransformerConfig,
    help="Self-attention between the observations, then the mean; cost grows with the square of the set size.",
    source="Lee et al. 2019; Fishman et al. 2025, appendix C (self-attention)",
)
class SetTransformerEncoder(Encoder):
    """h ← attention blocks on linear(x); z = linear(mean h)."""

    def __init__(self, config: SetTransformerConfig, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent)
        # A width that the heads do not divide would be refused by the attention; round it up.
        width = config.heads * math.ceil(config.width / config.heads)
        self.width = width
        self.first: nn.Module = nn.Linear(observation.d, width)
        self.blocks = nn.ModuleList(AttentionBlock(width, config.heads) for _ in range(config.rounds))
        self.last = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, latent))

    def forward(self, x: Tensor, weights: Tensor | None = None) -> Tensor:
        h = self.first(x.flatten(2))
        for block in self.blocks:
            h = block(h, weights)
        return self.last(weighted_mean(h, weights))


@encoders.register(
    "wormhole",
    title="Wormhole",
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
