"""Missing calls filled by a draw from the genotype frequencies of their variant."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from core.data.genotype_counts import genotype_counts
from core.data.genotypes import MISSING, Calls, Genotypes, unmap_pages

_COLUMNS = 2048  # variants filled at a time: a bounded index array however many calls are missing
_ENTRIES = 1 << 29  # calls looked at at a time, of cohorts of more than 262,144 individuals
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
    calls = np.array(genotypes.calls if rows is None else genotypes.calls[rows])
    fill(calls, genotypes.population_code, genotypes.ploidy, seed, rows=rows, seen=genotypes.calls)
    return calls


def fill(
    calls: Calls,
    population: npt.NDArray[np.int64],
    ploidy: int,
    seed: int,
    *,
    rows: npt.NDArray[np.int64] | None = None,
    seen: Calls | None = None,
) -> None:
    """Fill the missing calls (n, m) in place, as `filled` does; `calls` may be a map of a file.

    population: (n,) code of each individual's population. With `rows`, `calls` are those of `seen`, whose frequencies
    count, and `population` is of all that are seen.
    """
    rng = np.random.default_rng(seed)
    own = population if rows is None else population[rows]
    width = max(1, min(_COLUMNS, _ENTRIES // max(1, len(calls))))
    for start in range(0, calls.shape[1], width):
        block = calls[:, start : start + width]
        row, column = np.nonzero(block == MISSING)
        if len(row):
            known = block if rows is None or seen is None else np.asarray(seen[:, start : start + width])
            cumulative = _cumulative_frequencies(known, population, ploidy)[own[row], column]
            block[row, column] = (rng.random(len(row))[:, None] >= cumulative[:, :-1]).sum(axis=1, dtype=np.int8)
        unmap_pages(calls)


def has_missing(calls: Calls) -> bool:
    """Whether any call is -1, found without a second matrix in memory."""
    for start in range(0, calls.shape[0], 256):
        if bool((calls[start : start + 256] == MISSING).any()):
            return True
        unmap_pages(calls)
    return False


def _cumulative_frequencies(block: Calls, population: npt.NDArray[np.int64], ploidy: int) -> npt.NDArray[np.float64]:
    """(populations, columns, ploidy + 1) cumulative genotype frequencies of a block of variants."""
    groups = range(int(population.max()) + 1)
    counts = np.stack([genotype_counts(block, ploidy, np.flatnonzero(population == g)) for g in groups]).astype(float)
    pooled = counts.sum(axis=0)
    few = counts.sum(axis=-1) < _ENOUGH
    counts[few] = np.broadcast_to(pooled, counts.shape)[few]
    counts[counts.sum(axis=-1) == 0, 0] = 1.0
    return counts.cumsum(axis=-1) / counts.sum(axis=-1, keepdims=True)
