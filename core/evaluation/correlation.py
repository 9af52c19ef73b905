"""The correlation score Γ: do all pairs of variants correlate as they do in the real data, by streaming blocks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Calls
from core.evaluation.bootstrap import block_weights
from core.evaluation.context import Comparison
from core.evaluation.moments import BLOCKS, pair_replicates, pearson
from core.evaluation.pairs import columns_of, correlate, tile_sums
from core.evaluation.registry import Estimate, Unmeasurable, metric

Floats = npt.NDArray[np.float64]

# Variants among which all pairs are taken; a longer cohort is represented by random ones.
VARIANTS = 4000
_TILE = 1000


@metric(
    label="Correlation score Γ",
    family="Linkage",
    direction="higher",
    bounds=(-1.0, 1.0),
    help="Pearson correlation between the real and the synthetic correlation matrix of calls, over all pairs of "
    "variants, near or far. Sampling noise alone keeps it below 1: read it with the ceiling, about "
    "V / (V + 1/n) for two samples of n individuals and a variance V of the true correlations. A variant that does "
    "not vary on one side correlates 0 with all others there.",
    source="Viñas et al. 2022, Γ(D, D')",
)
def correlation_score(comparison: Comparison) -> Estimate:
    """Γ over all pairs among at most VARIANTS variants; a variant that does not vary correlates 0 with all others."""
    m = comparison.reference.m
    if m < 3 or min(comparison.reference.n, comparison.candidate.n) < 4:
        raise Unmeasurable("Correlations need 4 individuals and 3 variants.")
    columns = np.arange(m)
    if m > VARIANTS:
        columns = np.sort(comparison.generator(320).choice(m, VARIANTS, replace=False))
    real, made = comparison.reference.genotypes.calls, comparison.candidate.genotypes.calls
    sums = correlation_sums(real, made, columns, min(BLOCKS, len(columns)))
    weights = block_weights(len(columns), BLOCKS, comparison.draws, comparison.generator(321))
    stated = {"variants": len(columns), "n": comparison.candidate.n, "n_real": comparison.reference.n}
    if m > VARIANTS:
        stated |= {"of_variants": m, "seed": comparison.seed}
    return Estimate(float(pearson(sums.sum(axis=(0, 1)))), pearson(pair_replicates(sums, weights)), stated)


def correlation_sums(real: Calls, made: Calls, columns: npt.NDArray[np.int64], size: int) -> Floats:
    """(size, size, 6) float64 `moments` of the two correlation matrices over pairs i < j, by blocks of i and of j.

    Both matrices are made one tile at a time and never stored.
    """
    m = len(columns)
    block = np.arange(m) * size // m
    total = np.zeros((size, size, 6))
    for a in range(0, m, _TILE):
        for b in range(a, m, _TILE):
            rows, others = np.arange(a, min(a + _TILE, m)), np.arange(b, min(b + _TILE, m))
            x, y = (_tile(calls, columns[rows], columns[others]) for calls in (real, made))
            upper = others[None, :] > rows[:, None]
            x, y = x * upper, y * upper
            starts = [np.flatnonzero(np.diff(block[side], prepend=-1)) for side in (rows, others)]
            here = np.ix_(block[rows[starts[0]]], block[others[starts[1]]])
            for k, values in enumerate((upper, x, y, x * x, y * y, x * y)):
                total[..., k][here] += tile_sums(values, *starts)
    return total


def _tile(calls: Calls, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    left = columns_of(calls, rows)
    right = left if np.array_equal(rows, columns) else columns_of(calls, columns)
    return np.nan_to_num(correlate(left, right), nan=0.0)
