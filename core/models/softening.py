"""The noise that softens one-hot real calls: frozen, and yet kept nowhere."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from core.models.base import DataSpec

ODD = (0x2C1B3C6D, 0x297A2D39)  # multipliers of a 32-bit integer hash with hardly any bias (Wellons 2018)


class FrozenNoise(nn.Module):
    """Each 0 becomes u ~ U(0, most) and the 1 loses their sum, which keeps the simplex; u never changes.

    The published code draws u once for all individuals and keeps it, which takes as much memory as the one-hot calls of
    the whole cohort. Here u is a hash of all calls of the individual, of the variant and of the category: the same
    individual gets the same noise in every step.
    """

    rows: Tensor
    cells: Tensor

    def __init__(self, spec: DataSpec, most: float) -> None:
        super().__init__()
        self.most = most
        seeded = torch.Generator().manual_seed(0)
        keys = torch.randint(-(2**31), 2**31, (spec.categories + 1, spec.variants), generator=seeded).to(torch.int32)
        self.register_buffer("rows", keys[0], persistent=False)
        self.register_buffer("cells", keys[1:], persistent=False)

    def forward(self, real: Tensor, calls: Tensor) -> Tensor:
        """One-hot calls (b, categories, m) softened; calls (b, m) int8 tells whose they are."""
        if not self.most:
            return real
        noise = self.uniform(calls) * self.most * (1 - real)
        return real + noise - real * noise.sum(1, keepdim=True)

    def uniform(self, calls: Tensor) -> Tensor:
        """(b, categories, m) float32 in [0, 1), a function of calls (b, m)."""
        individual = ((calls * self.rows).sum(1) & 0x7FFFFFFF).to(torch.int32)
        x = individual[:, None, None] ^ self.cells
        for multiplier in ODD:
            x = (x ^ ((x >> 15) & 0x1FFFF)) * multiplier
        return ((x >> 8) & 0xFFFFFF).float() / 2**24
