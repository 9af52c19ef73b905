"""How far a generated batch is from the training individuals in allele frequencies and linkage, without bias."""

from __future__ import annotations

import torch
from torch import Tensor, nn

GROUP = 1024  # variants whose pairs are compared in one step; a 1024 x 1024 target is 4 MiB
REACH = 16  # neighbours on each side whose linkage is compared at every variant in every step


class Moments(nn.Module):
    """Squared error of first and second moments of standardised dosages, as U-statistics of two half batches.

    With x the expected dosages of a batch, standardised by the training individuals, and T the training moments,
    ||M(x) - T||^2 is estimated by the inner product <M(x_1) - T, M(x_2) - T> of the two halves: the sampling
    noise of a small batch has expectation zero, so the minimum lies at M = T for any batch size. Given the latent,
    calls are independent, so expected dosages have the covariances of the sampled calls off the diagonal.
    """

    mean: Tensor
    deviation: Tensor
    groups: Tensor
    pairs: Tensor
    near: Tensor

    def __init__(self, calls: Tensor) -> None:
        """calls (n, m) int8 without missing entries; a variant that does not vary has no pairs to match."""
        super().__init__()
        m = calls.shape[1]
        dosage = calls.float()
        deviation = dosage.std(0, correction=0)
        self.register_buffer("mean", dosage.mean(0))
        self.register_buffer("deviation", torch.where(deviation > 0, deviation, torch.inf))
        x = self._standardise(dosage)
        size = min(GROUP, m)
        order = torch.randperm(m, generator=torch.Generator().manual_seed(0)).to(calls.device)
        extra = -m % size
        groups = torch.cat([order, order[:extra]]).unflatten(0, (-1, size))
        self.register_buffer("groups", groups)
        self.register_buffer("pairs", torch.stack([_products(x[:, g]) for g in groups]))
        self.register_buffer("near", _neighbours(x))

    def forward(self, probabilities: Tensor) -> tuple[Tensor, Tensor]:
        """(b, categories, m) to two scalars: mean squared error of the frequencies and of the correlations."""
        weights = torch.arange(probabilities.shape[1], device=probabilities.device, dtype=probabilities.dtype)
        x = self._standardise(torch.einsum("bkm,k->bm", probabilities, weights))
        halves = x.chunk(2)
        frequency = (halves[0].mean(0) * halves[1].mean(0)).mean()
        group = torch.randint(len(self.groups), (1,), device=x.device)
        columns = self.groups[group][0]
        target = self.pairs[group][0]
        errors = [_products(half[:, columns]) - target for half in halves]
        size = len(columns)
        pairs = (errors[0] * errors[1]).sum() / (size * max(size - 1, 1))
        near_errors = [_neighbours(half) - self.near for half in halves]
        return frequency, pairs + (near_errors[0] * near_errors[1]).mean()

    def _standardise(self, dosage: Tensor) -> Tensor:
        return (dosage - self.mean) / self.deviation


def _products(x: Tensor) -> Tensor:
    """Mean products of all pairs of columns, (m, m), with a zero diagonal: a call's own variance is not linkage."""
    return (x.T @ x / len(x)).fill_diagonal_(0.0)


def _neighbours(x: Tensor) -> Tensor:
    """Mean products of each column with the next REACH columns, concatenated; empty for one variant."""
    reach = range(1, min(REACH, x.shape[1] - 1) + 1)
    parts = [(x[:, :-lag] * x[:, lag:]).mean(0) for lag in reach]
    return torch.cat(parts) if parts else x.new_zeros(1)
