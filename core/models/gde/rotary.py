"""Transformer layers with rotary positions, for causal and for two-sided attention."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention, silu

from core.models.gde.cross_attention import CrossAttentions, Seen

Kept = list[tuple[Tensor, Tensor]]  # keys and values (n, heads, t, d) of each layer


class Rotary(nn.Module):
    """Pairs of coordinates turned by angles that grow with the position (Su et al. 2021, eq. 34)."""

    def __init__(self, dimension: int, base: float = 10_000.0) -> None:
        super().__init__()
        self.dimension = dimension - dimension % 2
        frequency = base ** (-torch.arange(0, self.dimension, 2).float() / max(self.dimension, 1))
        self.register_buffer("frequency", frequency, persistent=False)

    def forward(self, x: Tensor, place: int = 0) -> Tensor:
        """x (n, heads, t, d) of tokens at `place`, `place` + 1, …; the first `dimension` coordinates are turned."""
        t = torch.arange(place, place + x.shape[2], device=x.device)
        angle = t[:, None] * self.frequency  # type: ignore[operator]
        cos, sin = angle.cos(), angle.sin()
        turned, rest = x[..., : self.dimension], x[..., self.dimension :]
        a, b = turned[..., ::2], turned[..., 1::2]
        pairs = torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)
        return torch.cat([pairs, rest], dim=-1)


class Attention(nn.Module):
    """Attention of tokens to those before them (`causal`) or to all."""

    def __init__(self, width: int, heads: int, turned: float, causal: bool) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.rotary = Rotary(int(width // heads * turned))

    def forward(self, h: Tensor, place: int = 0, kept: Kept | None = None, layer: int = 0) -> Tensor:
        """h (n, t, width); with `kept`, one token (t = 1) at `place` that sees what is kept of those before."""
        n, t, width = h.shape
        q, k, v = self.qkv(h).reshape(n, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k = self.rotary(q, place), self.rotary(k, place)
        if kept is not None:
            keys, values = kept[layer]
            keys[:, :, place], values[:, :, place] = k[:, :, 0], v[:, :, 0]
            k, v = keys[:, :, : place + 1], values[:, :, : place + 1]
        seen = scaled_dot_product_attention(q, k, v, is_causal=self.causal and kept is None)
        return self.out(seen.transpose(1, 2).reshape(n, t, width))


class GatedLayer(nn.Module):
    """h ← h + attention(norm h); h ← h + W₃(silu(W₁ norm h) ⊙ W₂ norm h) (Shazeer 2020, SwiGLU)."""

    def __init__(self, width: int, heads: int, causal: bool, dropout: float = 0.0) -> None:
        super().__init__()
        self.first, self.second = nn.RMSNorm(width), nn.RMSNorm(width)
        self.attention = Attention(width, heads, 1.0, causal)
        inner = 8 * -(-width // 3)
        self.up, self.down = nn.Linear(width, 2 * inner, bias=False), nn.Linear(inner, width, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, h: Tensor, place: int = 0, kept: Kept | None = None, layer: int = 0) -> Tensor:
        """As of `Attention`."""
        h = h + self.dropout(self.attention(self.first(h), place, kept, layer))
        gate, value = self.up(self.second(h)).chunk(2, dim=-1)
        return h + self.dropout(self.down(silu(gate) * value))


class ParallelLayer(nn.Module):
    """h ← h + attention(norm h) + MLP(norm h), both from the same norm (Nijkamp et al. 2022; Wang & Komatsuzaki 2021).

    Half of the coordinates of a head are turned.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads, 0.5, causal=True)
        self.net = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, h: Tensor, place: int = 0, kept: Kept | None = None, layer: int = 0) -> Tensor:
        """As of `Attention`."""
        x = self.norm(h)
        return h + self.dropout(self.attention(x, place, kept, layer)) + self.dropout(self.net(x))


class Stack(nn.Module):
    """Layers one behind the other, where wanted each behind a cross-attention, and a last norm."""

    def __init__(
        self,
        layers: list[GatedLayer] | list[ParallelLayer],
        norm: nn.Module,
        crossings: CrossAttentions | None = None,
    ) -> None:
        super().__init__()
        self.layers, self.norm = nn.ModuleList(layers), norm
        self.crossings = crossings or CrossAttentions(0, 1, 0)

    def forward(self, h: Tensor, place: int = 0, kept: Kept | None = None, seen: Sequence[Seen] = ()) -> Tensor:
        """As of `Attention`; `seen`: keys and values of what each layer's cross-attention looks at."""
        for i, layer in enumerate(self.layers):
            h = layer(self.crossings(h, i, seen), place, kept, i)
        return self.norm(h)

    def nothing_kept(self, n: int, most: int) -> Kept:
        """Room for the keys and values of `most` tokens of n sequences in each layer."""
        kept = []
        for layer in self.layers:
            attention: Attention = layer.attention  # type: ignore[assignment]
            weight = attention.out.weight
            shape = (n, attention.heads, most, weight.shape[0] // attention.heads)
            kept.append((weight.new_zeros(shape), weight.new_zeros(shape)))
        return kept


def heads_of(width: int) -> int:
    """Heads of 32 coordinates, as many as divide the width."""
    return next(heads for heads in range(max(1, width // 32), 0, -1) if width % heads == 0)
