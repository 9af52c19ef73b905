"""How linked neighbouring variants are: the one number of a cohort that says whether haplotypes can be followed."""

from __future__ import annotations

import numpy as np

from core.data.genotypes import MISSING, Genotypes

INDIVIDUALS, PAIRS = 500, 2000
"""Of a larger cohort, evenly spaced ones: the mean is then known to about 0.01."""


def neighbour_r2(genotypes: Genotypes) -> float:
    """Mean r² of calls between variants that follow each other on a contig, less the 1/(n − 1) of chance; 0 without.

    A pair of which one variant does not vary is left out; a missing call counts as the mean of its variant.
    """
    rows = np.unique(np.linspace(0, genotypes.n - 1, min(INDIVIDUALS, genotypes.n)).astype(np.int64))
    same = np.flatnonzero(genotypes.variant_contig[1:] == genotypes.variant_contig[:-1])
    if len(rows) < 3 or not len(same):
        return 0.0
    first = same[np.unique(np.linspace(0, len(same) - 1, min(PAIRS, len(same))).astype(np.int64))]
    calls = np.asarray(genotypes.calls[rows])
    left, right = _standardised(calls[:, first]), _standardised(calls[:, first + 1])
    r2 = np.square((left * right).mean(axis=0))
    varies = (left.std(axis=0) > 0) & (right.std(axis=0) > 0)
    return max(0.0, float(r2[varies].mean()) - 1 / (len(rows) - 1)) if varies.any() else 0.0


def _standardised(calls: np.ndarray) -> np.ndarray:
    """(n, p) float64 columns of mean 0 and variance 1; all 0 where a variant does not vary."""
    known = calls != MISSING
    x = np.where(known, calls, 0).astype(np.float64)
    x = np.where(known, x - x.sum(axis=0) / np.maximum(known.sum(axis=0), 1), 0.0)
    deviation = x.std(axis=0)
    return x / np.where(deviation > 0, deviation, np.inf)
