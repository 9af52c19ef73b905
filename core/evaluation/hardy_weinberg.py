"""Hardy–Weinberg proportions of diploid genotype counts: heterozygosity, F_IS and the exact test."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def heterozygosity_observed(counts: npt.NDArray[np.int64]) -> Floats:
    """(m,) float64 share of heterozygotes from (3, m) genotype counts; NaN where nothing is called."""
    called = counts.sum(axis=0)
    return np.asarray(counts[1] / np.where(called > 0, called, np.nan))


def f_is(counts: npt.NDArray[np.int64]) -> Floats:
    """(m,) float64 F_IS = 1 − H_o / 2p(1−p) from (3, m) genotype counts; NaN where the variant does not vary."""
    called = counts.sum(axis=0)
    p = (counts[1] + 2 * counts[2]) / np.where(called > 0, 2 * called, np.nan)
    expected = 2 * p * (1 - p)
    return np.asarray(1 - heterozygosity_observed(counts) / np.where(expected > 0, expected, np.nan))


def hwe_exact(counts: npt.NDArray[np.int64]) -> Floats:
    """(m,) float64 p-values of Wigginton's exact test from (3, m) genotype counts; 1 where the variant does not vary.

    P(h | n, r) = n! / (a! h! b!) · 2^h · r! (2n−r)! / (2n)!, summed over all h no likelier than the one
    observed. The distribution depends only on the individuals called n and the copies of the rare allele r, so it
    is made once for each pair that occurs. NaN where nothing is called.
    """
    called = counts.sum(axis=0)
    rare = 2 * np.minimum(counts[0], counts[2]) + counts[1]
    p = np.full(counts.shape[1], np.nan)
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, max(1, int(called.max(initial=0))) + 1)))])
    pairs, which = np.unique(np.stack([called, rare]), axis=1, return_inverse=True)
    order = np.argsort(which.ravel(), kind="stable")
    ends = np.cumsum(np.bincount(which.ravel(), minlength=pairs.shape[1]))
    for (n, r), variants in zip(pairs.T.tolist(), np.split(order, ends[:-1]), strict=True):
        if n:
            probability, tail = _hwe_tail(n, r, log_factorial)
            # Equally likely counts must both be in the tail although rounding parts them.
            seen = probability[(counts[1, variants] - r % 2) // 2] * (1 + 1e-9)
            p[variants] = np.minimum(tail[np.searchsorted(np.sort(probability), seen, side="right") - 1], 1.0)
    return p


def _hwe_tail(n: int, rare: int, log_factorial: Floats) -> tuple[Floats, Floats]:
    """(probability of each possible count of heterozygotes, cumulative sums of these in ascending order)."""
    h = np.arange(rare % 2, rare + 1, 2)
    a = (rare - h) // 2
    log_p = h * np.log(2.0) - log_factorial[a] - log_factorial[h] - log_factorial[n - a - h]
    probability = np.exp(log_p - log_p.max())
    probability /= probability.sum()
    return probability, np.cumsum(np.sort(probability))
