"""What the calls before a variant say of it: the linkage that a latent shared by the whole genome does not hold."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.models.base import DataSpec

FLOOR = 0.05  # smallest standard deviation that dosages are divided by: a variant that hardly varies says little
NEGLIGIBLE = 0.2  # effect of a neighbour, in logits per standard deviation, up to which it is suspected to be noise


class Neighbours(nn.Module):
    """Effects of the calls at the `reach` variants before a variant, on the same contig, on its allele count.

    Given z alone variants are independent, and what no latent tells of close variants would be lost. With
    log P(x_j = k | z, x_<j) = … + k Σ_w B_wj x_{j-w} the latent keeps what is common to the genome (ancestry) and B
    what is local (linkage): a lossy autoencoder in the sense of Chen et al. (2017).
    """

    allowed: Tensor
    mean: Tensor
    deviation: Tensor

    def __init__(self, reach: int, spec: DataSpec) -> None:
        super().__init__()
        self.reach = min(reach, spec.variants - 1)
        self.weight = nn.Parameter(torch.zeros(spec.variants, self.reach))
        before = np.arange(spec.variants)[:, None] - self.reach + np.arange(self.reach)
        same = (before >= 0) & (spec.contig[before.clip(min=0)] == spec.contig[:, None])
        self.register_buffer("allowed", torch.from_numpy(same.astype(np.float32)), persistent=False)
        self.register_buffer("mean", torch.zeros(spec.variants))
        self.register_buffer("deviation", torch.ones(spec.variants))

    def prepare(self, frequency: Tensor) -> None:
        """Scale of the dosages, from genotype frequencies (categories, m)."""
        dose = torch.arange(len(frequency), device=frequency.device, dtype=torch.float64)[:, None]
        mean = (dose * frequency).sum(0)
        self.mean.copy_(mean)
        self.deviation.copy_(((dose - mean).square() * frequency).sum(0).sqrt().clamp(min=FLOOR))

    @property
    def effects(self) -> Tensor:
        """(m, reach), the nearest neighbour last; 0 across the border of a contig."""
        return self.weight * self.allowed

    def penalty(self) -> Tensor:
        """Σ e log(1 + |B| / e): a lasso on effects below e, little on strong ones (Candès et al. 2008, eq. 12).

        Over √n, it leaves out what n individuals cannot tell from 0; a plain lasso would loosen tight linkage too.
        """
        return NEGLIGIBLE * (self.effects.abs() / NEGLIGIBLE).log1p().sum()

    def forward(self, calls: Tensor, variants: slice | None = None) -> Tensor:
        """(b, m) int8 calls, all of them known, to (b, variants): what to add to the logits per allele of these."""
        variants = variants or slice(0, calls.shape[1])
        read = slice(max(0, variants.start - self.reach), variants.stop)
        x = (calls[:, read].float() - self.mean[read]) / self.deviation[read]
        x = functional.pad(x, (self.reach - (variants.start - read.start), 0))
        return torch.einsum("bmw,mw->bm", x.unfold(1, self.reach, 1)[:, :-1], self.effects[variants])
