"""Lesson 11: what a metric gives to a generator without linkage, and what it gives to real individuals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Calls
from core.evaluation.moments import mean_of_known, moments, pearson
from core.evaluation.pairs import r_squared

Floats = npt.NDArray[np.float64]

ALLELES, GENOTYPES, LINKAGE = "Allele frequency r", "Genotype frequency r", "LD r"
METRICS = (ALLELES, GENOTYPES, LINKAGE)
DRAWS = 40  # resamplings of null and of ceiling
MOST = 500  # individuals in a half

_VARIANTS, _MAF_MIN = 60, 0.05
_LENGTH, _RECOMBINATION, _MUTATION, _SIZE = 1e6, 1e-8, 1.5e-8, 10_000  # bp, per bp, per bp, diploids
_SEPARATE = 3.0  # standard deviations between the means of null and ceiling


@dataclass(frozen=True)
class Judged:
    """A candidate's value of a metric between its null and its ceiling.

    Attributes:
        null: (DRAWS,) independent sites of one real half, against the other half.
        ceiling: (DRAWS,) one real half against the other.
        value: of the candidate, made from one half, against the other.
    """

    null: Floats
    ceiling: Floats
    value: float

    @property
    def gap(self) -> float:
        """From the mean of the null to that of the ceiling, in standard deviations of a draw."""
        deviation = float(np.sqrt((self.null.var(ddof=1) + self.ceiling.var(ddof=1)) / 2))
        return float(self.ceiling.mean() - self.null.mean()) / deviation

    @property
    def share(self) -> float | None:
        """Place of the value between null (0) and ceiling (1); None where the two cannot be told apart."""
        if self.gap < _SEPARATE:
            return None
        null, ceiling = float(self.null.mean()), float(self.ceiling.mean())
        return (self.value - null) / (ceiling - null)


def judge(metric: str, linkage: float, n: int, seed: int) -> Judged:
    """Judge a generator that keeps a share `linkage` of the links between neighbouring variants.

    Args:
        metric: one of METRICS; the same numbers as those of the report (`core.evaluation`).
        n: individuals in each half of the real ones, and of the candidate.
        seed: of the cohort, of its halves and of the generator.
    """
    rng = np.random.default_rng([seed, 1])
    reference, training = halves(cohort(seed), n, rng)
    made = mosaic(training, linkage, rng)
    null, ceiling = frame(metric, n, seed)
    return Judged(null, ceiling, score(statistic(metric, reference), statistic(metric, made)))


@lru_cache(maxsize=64)
def frame(metric: str, n: int, seed: int) -> tuple[Floats, Floats]:
    """(DRAWS,) of the null and (DRAWS,) of the ceiling: each draw halves the real individuals anew."""
    calls, rng = cohort(seed), np.random.default_rng([seed, 2])
    values = np.empty((2, DRAWS))
    for draw in range(DRAWS):
        for row, shuffled in enumerate((True, False)):
            reference, other = halves(calls, n, rng)
            candidate = rng.permuted(other, axis=0) if shuffled else other
            values[row, draw] = score(statistic(metric, reference), statistic(metric, candidate))
    return values[0], values[1]


def halves(calls: Calls, n: int, rng: np.random.Generator) -> tuple[Calls, Calls]:
    """Twice n individuals by chance, no one in both."""
    order = rng.permutation(len(calls))
    return calls[order[:n]], calls[order[n : 2 * n]]


def mosaic(calls: Calls, linkage: float, rng: np.random.Generator) -> Calls:
    """(n, m) individuals pieced together from n real ones; every real call is used once, so frequencies are exact.

    From one variant to the next each stays with its real individual with probability `linkage`; those that do not
    exchange theirs among each other. 0 shuffles each variant, 1 copies.
    """
    n, m = calls.shape
    source = np.tile(np.arange(n), (m, 1))
    leaves = rng.random((m, n)) >= linkage
    for j in range(m):
        source[j] = source[j - 1] if j else np.arange(n)
        source[j, leaves[j]] = rng.permutation(source[j, leaves[j]])
    return calls[source.T, np.arange(m)]


def statistic(metric: str, calls: Calls) -> Floats:
    """(rows, values) of calls (n, m): what the metric correlates, row by row, between two cohorts."""
    if metric == LINKAGE:
        r2 = r_squared(calls)[np.triu_indices(calls.shape[1], 1)]
        return np.nan_to_num(r2[None].astype(np.float64))  # a variant that no longer varies has lost its linkage
    if metric == ALLELES:
        return calls.mean(axis=0)[None] / 2
    return np.stack([(calls == copies).mean(axis=0) for copies in (0, 1, 2)])


def score(real: Floats, made: Floats) -> float:
    """Mean over rows of the Pearson correlation."""
    rows, values = real.shape
    code = np.repeat(np.arange(rows), values)
    return float(mean_of_known(pearson(moments(real.ravel(), made.ravel(), code, rows)), axis=0))


@lru_cache(maxsize=8)
def cohort(seed: int) -> Calls:
    """(2 MOST, variants) int8 calls of one population from the coalescent with recombination (msprime)."""
    import msprime

    seeds = np.random.default_rng([seed, 0]).integers(1, 2**31 - 1, size=2)
    trees = msprime.sim_ancestry(
        2 * MOST, population_size=_SIZE, sequence_length=_LENGTH, recombination_rate=_RECOMBINATION,
        random_seed=int(seeds[0]),
    )  # fmt: skip
    trees = msprime.sim_mutations(trees, rate=_MUTATION, model=msprime.BinaryMutationModel(), random_seed=int(seeds[1]))
    alternate = trees.genotype_matrix()
    frequency = alternate.mean(axis=1)
    common = np.flatnonzero(np.minimum(frequency, 1 - frequency) >= _MAF_MIN)
    chosen = alternate[common[np.unique(np.linspace(0, len(common) - 1, _VARIANTS).round().astype(int))]]
    return np.ascontiguousarray((chosen[:, 0::2] + chosen[:, 1::2]).T, dtype=np.int8)
