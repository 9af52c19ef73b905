"""Missing calls filled by a draw from the genotype frequencies of their variant."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from core.data.genotype_counts import genotype_counts
from core.data.genotypes import MISSING, Calls, Genotypes

_COLUMNS = 2048  # variants filled at a time: a bounded index array however many calls are missing
_ENOUGH = 5  # called individuals below which a population borrows the frequencies of the whole cohort


def filled(genotypes: Genotypes, seed: int, rows: npt.NDArray[np.int64] | None = None) -> Calls:
    """(n, m) int8 calls with no -1: each missing call is drawn from the genotype frequencies of its variant.

    With `rows` only those individuals are returned (and held in memory); frequencies are still those of all.

    Frequencies are those of the individual's population (first label column) where at least five of it are called,
    else of the whole cohort; a variant that nobody is called at becomes 0. A draw keeps the frequencies and the
    spread of the variant, which the mean would not; it does not restore linkage. Called entries are never touched;
    without missing calls the matrix is returned as it is.
    """
    if rows is None and not has_missing(genotypes.calls):
        return genotypes.calls
    rng = np.random.default_rng(seed)
    calls = np.array(genotypes.calls if rows is None else genotypes.calls[rows])
    everyone = genotypes.population_code
    population = everyone if rows is None else everyone[rows]
    for start in range(0, genotypes.m, _COLUMNS):
        block = calls[:, start : start + _COLUMNS]
        row, column = np.nonzero(block == MISSING)
        if len(row) == 0:
            continue
        seen = block if rows is None else np.asarray(genotypes.calls[:, start : start + _COLUMNS])
        cumulative = _cumulative_frequencies(seen, everyone, genotypes.ploidy)[population[row], column]
        block[row, column] = (rng.random(len(row))[:, None] >= cumulative[:, :-1]).sum(axis=1, dtype=np.int8)
    return calls


def has_missing(calls: Calls) -> bool:
    """Whether any call is -1, found without a second matrix in memory."""
    return any(bool((calls[start : start + 256] == MISSING).any()) for start in range(0, calls.shape[0], 256))


def _cumulative_frequencies(block: Calls, population: npt.NDArray[np.int64], ploidy: int) -> npt.NDArray[np.float64]:
    """(populations, columns, ploidy + 1) cumulative genotype frequencies of a block of variants."""
    groups = range(int(population.max()) + 1)
    counts = np.stack([genotype_counts(block, ploidy, np.flatnonzero(population == g)) for g in groups]).astype(float)
    pooled = counts.sum(axis=0)
    few = counts.sum(axis=-1) < _ENOUGH
    counts[few] = np.broadcast_to(pooled, counts.shape)[few]
    counts[counts.sum(axis=-1) == 0, 0] = 1.0
    return counts.cumsum(axis=-1) / counts.sum(axis=-1, keepdims=True)
