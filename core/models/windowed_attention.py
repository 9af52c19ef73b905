"""Attention of tokens along the genome: to a window on the same contig, and to a few tokens that stand for all."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from core.models.base import DataSpec

DISTANCES = 16  # classes of distance between two tokens on each side: one for every factor of two


class Layout:
    """Where the variants stand: patches of neighbours on one contig, and who attends to whom.

    variants (N, p) int64: the variants of each token, m where a patch is not full. distance (N / w, w, 3 w) int64:
    class of the distance from each token of a block to those of the blocks before, of its own and after; -1 where it
    may not look (farther than w tokens, another contig, no token).
    """

    def __init__(self, spec: DataSpec, patch: int, window: int) -> None:
        m = spec.variants
        starts = np.flatnonzero(np.r_[True, np.diff(spec.contig) != 0])
        tokens = [
            np.arange(a, b)
            for first, last in zip(starts, [*starts[1:], m], strict=True)
            for a, b in zip(range(first, last, patch), [*range(first + patch, last, patch), last], strict=True)
        ]
        window = min(window, len(tokens))
        count = -(-len(tokens) // window) * window
        self.window, self.blocks = window, count // window
        variants = np.full((count, patch), m)
        for i, token in enumerate(tokens):
            variants[i, : len(token)] = token
        self.variants = torch.from_numpy(variants)
        self.distance = torch.from_numpy(self._distances(spec, tokens, count))

    def _distances(self, spec: DataSpec, tokens: list[npt.NDArray[np.int64]], count: int) -> npt.NDArray[np.int64]:
        known = bool((spec.position > 0).all())
        place = np.array([spec.position[t].mean() if known else t.mean() for t in tokens])
        contig = np.array([spec.contig[t[0]] for t in tokens])
        query = np.arange(count).reshape(self.blocks, self.window, 1)
        key = query[:, :1] + np.arange(-self.window, 2 * self.window)
        a, b = query.clip(max=len(tokens) - 1), key.clip(0, len(tokens) - 1)
        gaps = np.abs(np.diff(place))[contig[1:] == contig[:-1]]
        unit = max(float(np.median(gaps)) / 4, 1e-9) if len(gaps) else 1.0
        far = np.log2(np.abs(place[a] - place[b]) / unit + 1)
        side = far.astype(np.int64).clip(max=DISTANCES - 1) + DISTANCES * (place[b] > place[a])
        allowed = (contig[a] == contig[b]) & (np.abs(query - key) <= self.window) & (key >= 0) & (key < len(tokens))
        allowed |= query == key  # a token that only fills the last block looks at itself
        return np.where(allowed, side, -1)


class Attention(nn.Module):
    """Each token attends to its window and to the summaries; a summary attends to everything."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm = nn.LayerNorm(width)
        self.enter = nn.Linear(width, 3 * width)
        self.leave = nn.Linear(width, width)
        # One bias a head for each class of distance, and one for the summaries.
        self.bias = nn.Parameter(torch.zeros(heads, 2 * DISTANCES + 1))

    def forward(self, x: Tensor, summaries: int, distance: Tensor) -> Tensor:
        """(b, S + N, width) to the same, with the S summaries first."""
        b, _, width = x.shape
        blocks, w = distance.shape[:2]
        q, k, v = self.enter(self.norm(x)).reshape(b, -1, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)

        whole = scaled_dot_product_attention(q[:, :, :summaries], k, v)
        near = scaled_dot_product_attention(
            q[:, :, summaries:].reshape(b, self.heads * blocks, w, -1),
            self._window(k, summaries, blocks, w),
            self._window(v, summaries, blocks, w),
            attn_mask=self._mask(distance, summaries),
        ).reshape(b, self.heads, blocks * w, -1)
        joined = torch.cat([whole, near], dim=2).transpose(1, 2).reshape(x.shape)
        out: Tensor = self.leave(joined)
        return out

    @staticmethod
    def _window(t: Tensor, summaries: int, blocks: int, w: int) -> Tensor:
        """Keys or values of each block: (b, heads, S + N, e) to (b, heads · blocks, 3 w + S, e)."""
        b, heads, _, e = t.shape
        whole = t[:, :, None, :summaries].expand(b, heads, blocks, summaries, e)
        local = nn.functional.pad(t[:, :, summaries:], (0, 0, w, w)).reshape(b, heads, blocks + 2, w, e)
        return torch.cat([local[:, :, :-2], local[:, :, 1:-1], local[:, :, 2:], whole], dim=3).flatten(1, 2)

    def _mask(self, distance: Tensor, summaries: int) -> Tensor:
        """(1, heads · blocks, w, 3 w + S): the bias of each pair, minus infinity where a token may not look."""
        local = self.bias[:, distance.clamp(min=0)].masked_fill(distance < 0, -torch.inf)
        whole = self.bias[:, -1, None, None, None].expand(*local.shape[:3], summaries)
        return torch.cat([local, whole], dim=3).flatten(0, 1)[None]
