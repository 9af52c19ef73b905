"""The Hardy-Weinberg test: do genotypes have the frequencies that random mating gives them?"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

EXACT_MAX = 20_000  # individuals; beyond it χ² is as good, and enumerating heterozygote counts is slow

_LOG_FACTORIALS = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, EXACT_MAX + 1)))])

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def hardy_weinberg_p(counts: Counts) -> Floats:
    """(m,) two-sided p values from (m, 3) counts of the genotypes 0, 1, 2; NaN where fewer than two are called.

    The exact test of Wigginton, Cutler & Abecasis 2005: given the allele counts, the probability of all heterozygote
    counts that are no more probable than the observed one. Above 20,000 individuals Pearson's χ² with one degree of
    freedom. A variant of one allele has p = 1.
    """
    called = counts.sum(axis=1)
    p = np.full(len(counts), np.nan)
    small = (called >= 2) & (called <= EXACT_MAX)
    p[small] = _exact(counts[small])
    large = called > EXACT_MAX
    p[large] = _chi_squared(counts[large])
    return p


def _exact(counts: Counts) -> Floats:
    called = counts.sum(axis=1)
    alleles = counts[:, 1] + 2 * counts[:, 2]
    rare = np.minimum(alleles, 2 * called - alleles)
    # The distribution depends on (individuals, rare alleles) alone: one for each pair of them serves many variants.
    pairs, group = np.unique(np.stack([called, rare], axis=1), axis=0, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(len(pairs) + 1))
    p = np.empty(len(counts))
    for g, (n, r) in enumerate(pairs.tolist()):
        members = order[starts[g] : starts[g + 1]]
        probability = _heterozygote_distribution(n, r)
        ascending = np.sort(probability)
        observed = probability[counts[members, 1] // 2]
        # A hair above the observed probability, so that its equal on the other side of the mode counts too.
        place = np.searchsorted(ascending, observed * (1 + 1e-9), side="right")
        p[members] = np.minimum(np.cumsum(ascending)[place - 1], 1.0)
    return p


def _heterozygote_distribution(n: int, rare: int) -> Floats:
    """Probabilities of rare % 2, rare % 2 + 2, …, rare heterozygotes among n individuals with `rare` rare alleles."""
    heterozygotes = np.arange(rare % 2, rare + 1, 2)
    homozygotes = (rare - heterozygotes) // 2
    log = (
        heterozygotes * math.log(2)
        - _LOG_FACTORIALS[heterozygotes]
        - _LOG_FACTORIALS[homozygotes]
        - _LOG_FACTORIALS[n - heterozygotes - homozygotes]
    )
    weight = np.exp(log - log.max())
    return weight / weight.sum()


def _chi_squared(counts: Counts) -> Floats:
    called = counts.sum(axis=1)
    q = (counts[:, 1] + 2 * counts[:, 2]) / (2 * called)
    expected = np.stack([(1 - q) ** 2, 2 * q * (1 - q), q**2], axis=1) * called[:, None]
    statistic = ((counts - expected) ** 2 / np.maximum(expected, 1e-12)).sum(axis=1)
    return np.array([math.erfc(math.sqrt(value / 2)) for value in statistic])
