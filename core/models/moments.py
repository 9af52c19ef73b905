"""How far a generated batch is from the training individuals in allele frequencies and linkage, without bias."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from core.models.base import Condition

GROUP = 1024  # variants whose pairs are compared in one step; a 1024 x 1024 target is 4 MiB
RAREST = 0.01  # added to a genotype's frequency where its squared error is divided by it
REACH = 16  # neighbours on each side whose linkage is compared at every variant in every step


class Moments(nn.Module):
    """Squared error of first and second moments of standardised dosages, as U-statistics of two half batches.

    With x the expected dosages of a batch, standardised by the training individuals, and T the training moments,
    ||M(x) - T||^2 is estimated by the inner product <M(x_1) - T, M(x_2) - T> of the two halves: the sampling
    noise of a small batch has expectation zero, so the minimum lies at M = T for any batch size. Given the latent,
    calls are independent, so expected dosages have the covariances of the sampled calls off the diagonal.
    """

    frequency: Tensor
    mean: Tensor
    deviation: Tensor
    groups: Tensor
    pairs: Tensor
    near: Tensor
    traits: Tensor

    def __init__(self, calls: Tensor, condition: Condition, categories: int) -> None:
        """calls (n, m) int8 without missing entries; a variant that does not vary has no pairs to match."""
        super().__init__()
        m = calls.shape[1]
        dosage = calls.float()
        frequency = torch.stack([(calls == k).float().mean(0) for k in range(categories)])
        self.register_buffer("frequency", frequency)
        deviation = dosage.std(0, correction=0)
        self.register_buffer("mean", dosage.mean(0))
        self.register_buffer("deviation", torch.where(deviation > 0, deviation, torch.inf))
        x = self._standardise(dosage)
        size = min(GROUP, m)
        order = torch.randperm(m, generator=torch.Generator().manual_seed(0)).to(calls.device)
        extra = -m % size
        groups = torch.cat([order, order[:extra]]).reshape(-1, size)
        self.register_buffer("groups", groups)
        self.register_buffer("pairs", torch.stack([_denoised(_products(x[:, g]), len(x)) for g in groups]))
        self.register_buffer("traits", _denoised(_with_traits(x, condition.phenotypes), len(x)))
        self.register_buffer("near", _denoised(_neighbours(x), len(x)))

    def forward(self, probabilities: Tensor, condition: Condition) -> dict[str, Tensor]:
        """Mean squared errors of a batch (b, categories, m) generated on `condition`.

        "frequency" of the genotype frequencies (chi-squared), "linkage" of the correlations between variants (a group
        of up to GROUP of them, plus neighbours), "association" of those with phenotypes.
        """
        weights = torch.arange(probabilities.shape[1], device=probabilities.device, dtype=probabilities.dtype)
        x = self._standardise(torch.einsum("bkm,k->bm", probabilities, weights))
        halves = x[: len(x) // 2], x[len(x) // 2 :]
        conditions = condition.phenotypes[: len(x) // 2], condition.phenotypes[len(x) // 2 :]
        misses = [
            half.mean(0) - self.frequency for half in (probabilities[: len(x) // 2], probabilities[len(x) // 2 :])
        ]
        frequency = (misses[0] * misses[1] / (self.frequency + RAREST)).sum(0).mean()
        group = torch.randint(len(self.groups), (1,), device=x.device)
        columns = self.groups[group][0]
        target = self.pairs[group][0]
        errors = [_products(half[:, columns]) - target for half in halves]
        size = len(columns)
        pairs = (errors[0] * errors[1]).sum() / (size * max(size - 1, 1))
        near = [_neighbours(half) - self.near for half in halves]
        linkage = pairs + (near[0] * near[1]).mean()
        traits = [_with_traits(half, c) - self.traits for half, c in zip(halves, conditions, strict=True)]
        association = (traits[0] * traits[1]).sum() / len(self.mean)
        return {"frequency": frequency, "linkage": linkage, "association": association}

    def _standardise(self, dosage: Tensor) -> Tensor:
        return (dosage - self.mean) / self.deviation


def _products(x: Tensor) -> Tensor:
    """Mean products of all pairs of columns, (m, m), with a zero diagonal: a call's own variance is not linkage."""
    return (x.T @ x / len(x)).fill_diagonal_(0.0)


def _denoised(r: Tensor, n: int) -> Tensor:
    """Correlations r of n individuals with r^2 made unbiased: r^2 -> max(0, r^2 - 1/n), the sign kept.

    Sampling noise adds 1/n to every r^2. A generator that matched it would vary along directions that are noise,
    and its individuals would lie closer to each other than real ones do.
    """
    return r.sign() * (r**2 - 1 / n).clamp(min=0).sqrt()


def _neighbours(x: Tensor) -> Tensor:
    """Mean products of each column with the next REACH columns, concatenated; empty for one variant."""
    reach = range(1, min(REACH, x.shape[1] - 1) + 1)
    parts = [(x[:, :-lag] * x[:, lag:]).mean(0) for lag in reach]
    return torch.cat(parts) if parts else x.new_zeros(1)


def _with_traits(x: Tensor, phenotypes: Tensor) -> Tensor:
    """(P, m) mean products with standardised phenotypes; an unknown value counts as the mean."""
    return phenotypes.nan_to_num(0.0).T @ x / len(x)
