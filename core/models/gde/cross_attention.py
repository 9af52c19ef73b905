"""Cross-attention: tokens look at what a latent says, in front of each layer of a network."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

Seen = tuple[Tensor, Tensor]  # keys and values (n, heads, m, d) of a memory


class CrossAttention(nn.Module):
    """h ← h + attention of norm h to the unordered tokens of a memory (Vaswani et al. 2017, section 3.2.3)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.norm = heads, nn.RMSNorm(width)
        self.query, self.out = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        self.key_value = nn.Linear(width, 2 * width, bias=False)

    def seen(self, memory: Tensor) -> Seen:
        """Keys and values of a memory (n, m, width)."""
        n, m, _ = memory.shape
        k, v = self.key_value(memory).reshape(n, m, 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        return k, v

    def forward(self, h: Tensor, seen: Seen) -> Tensor:
        """(n, t, width) → (n, t, width); no token looks at another."""
        n, t, width = h.shape
        q = self.query(self.norm(h)).reshape(n, t, self.heads, -1).transpose(1, 2)
        return h + self.out(scaled_dot_product_attention(q, *seen).transpose(1, 2).reshape(n, t, width))


class CrossAttentions(nn.ModuleList):
    """One in front of each layer, or none at all (`depth` 0): then tokens pass unchanged."""

    def __init__(self, width: int, heads: int, depth: int) -> None:
        super().__init__(CrossAttention(width, heads) for _ in range(depth))

    def seen(self, memory: Tensor | None) -> list[Seen]:
        """Keys and values of each, worked out once for all tokens."""
        return [] if memory is None else [one.seen(memory) for one in self]  # type: ignore[operator]

    def forward(self, h: Tensor, layer: int, seen: Sequence[Seen]) -> Tensor:
        """What goes into the layer: h (n, t, width) → (n, t, width)."""
        return self[layer](h, seen[layer]) if seen else h
