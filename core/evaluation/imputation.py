"""How well missing calls are imputed: squared correlation of dosages and concordance, by minor-allele frequency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import MISSING, Calls

EDGES = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""Ends of the bins of minor-allele frequency; a bin holds its upper end."""

_STILL = 1e-12  # variance below which a dosage does not vary
_SUMS = 13  # of `_sums`

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Bin:
    """The imputed calls of the variants whose minor-allele frequency lies in (low, high].

    Attributes:
        variants, calls: how many were judged.
        r2: squared correlation of imputed and true dosages of the minor allele over all calls of the bin; None where
            one of them does not vary.
        null_r2: the same for the frequency of the variant alone.
        expected_r2: what the probabilities themselves promise, see `expected_r2`.
        concordance: share of the calls whose most likely genotype is the true one.
        null_concordance: the same for the frequency alone, under random mating.
    """

    low: float
    high: float
    variants: int
    calls: int
    r2: float | None
    null_r2: float | None
    expected_r2: float | None
    concordance: float
    null_concordance: float

    def row(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)


def accuracy(
    probability: npt.NDArray[np.float32],
    truth: Calls,
    asked: npt.NDArray[np.bool_],
    frequency: Floats,
    edges: Sequence[float] = EDGES,
) -> tuple[Bin | None, list[Bin]]:
    """Of all calls that are asked for, and of those in each bin that has some; None where there is none.

    Args:
        probability: (n, m, ploidy + 1) of each genotype.
        truth: (n, m) int8, -1 unknown: such a call is not judged.
        asked: (n, m), the calls that were imputed.
        frequency: (m,) of the alternate allele among training individuals, which sorts the variants and is the null.

    Dosages of many variants are correlated at once, as Browning & Browning 2009, Am. J. Hum. Genet. 84:210 have it,
    those of the rarer allele: which allele is the reference makes no difference.
    """
    sums = np.stack([_sums(probability[:, j], truth[:, j], asked[:, j], frequency[j]) for j in range(truth.shape[1])])
    rarer = np.minimum(frequency, 1 - frequency)
    bins = np.clip(np.searchsorted(edges, rarer, side="left") - 1, 0, len(edges) - 2)
    found = [
        one
        for k, (low, high) in enumerate(pairwise(edges))
        if (one := _bin(sums[bins == k], float(low), float(high))) is not None
    ]
    return _bin(sums, float(edges[0]), float(edges[-1])), found


def expected_r2(probability: npt.NDArray[np.float32], imputed: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """(m,) squared correlation with the true dosage that the probabilities promise; NaN where nothing is imputed.

    Var(E[g]) / (Var(E[g]) + E[Var(g)]) over the imputed calls of a variant: the share of the dosage's variance that is
    known. It is the true one as far as the probabilities are right, and needs no random mating. NaN for a single call,
    0 where nothing is known and the variant varies.

    probability: (n, m, ploidy + 1); imputed: (n, m).
    """
    found = np.full(probability.shape[1], np.nan)
    for j in range(probability.shape[1]):
        mean, variance = _moments(probability[imputed[:, j], j])
        if len(mean) > 1:
            known = float(mean.var())
            found[j] = known / total if (total := known + float(variance.mean())) > _STILL else np.nan
    return found


def _moments(probability: npt.NDArray[np.float32]) -> tuple[Floats, Floats]:
    """(k,) mean and variance of the dosage from (k, ploidy + 1) probabilities."""
    copies = np.arange(probability.shape[-1])
    mean = probability.astype(np.float64) @ copies
    return mean, np.maximum(probability.astype(np.float64) @ copies**2 - mean**2, 0)


def _sums(probability: npt.NDArray[np.float32], truth: Calls, asked: npt.NDArray[np.bool_], frequency: float) -> Floats:
    """Sums over the judged calls of one variant from which every number of a bin follows."""
    judged = asked & (truth != MISSING)
    calls = int(judged.sum())
    if not calls:
        return np.zeros(_SUMS)
    ploidy = probability.shape[1] - 1
    mean, variance = _moments(probability[judged])
    x, likely = truth[judged].astype(np.float64), probability[judged].argmax(axis=1)
    by_chance = int(np.argmax(_random_mating(frequency, ploidy)))
    agreeing, agreeing_null = (likely == x).sum(), (x == by_chance).sum()
    null = ploidy * frequency
    if frequency > 0.5:
        x, mean, null = ploidy - x, ploidy - mean, ploidy - null
    return np.array(
        [
            1.0, calls, x.sum(), mean.sum(), (x * x).sum(), (mean * mean).sum(), (x * mean).sum(), variance.sum(),
            agreeing, agreeing_null, null * calls, null * null * calls, null * x.sum(),
        ]
    )  # fmt: skip


def _bin(sums: Floats, low: float, high: float) -> Bin | None:
    total = sums.sum(axis=0)
    variants, calls, x, y, xx, yy, xy, variance, agreeing, agreeing_null, null, null_null, null_x = total.tolist()
    if not calls:
        return None
    of_truth, of_null = xx / calls - (x / calls) ** 2, null_null / calls - (null / calls) ** 2
    known = yy / calls - (y / calls) ** 2
    promised = known + variance / calls
    return Bin(
        low,
        high,
        int(variants),
        int(calls),
        _r2(of_truth, known, xy / calls - x * y / calls**2),
        _r2(of_truth, of_null, null_x / calls - x * null / calls**2),
        known / promised if promised > _STILL else None,
        agreeing / calls,
        agreeing_null / calls,
    )


def _r2(of_truth: float, of_imputed: float, covariance: float) -> float | None:
    """0 where the imputed dosage alone does not vary: it tells nothing; None where the truth does not."""
    if of_truth <= _STILL:
        return None
    return covariance**2 / (of_truth * of_imputed) if of_imputed > _STILL else 0.0


def _random_mating(frequency: float, ploidy: int) -> list[float]:
    p, q = frequency, 1 - frequency
    return [q, p] if ploidy == 1 else [q * q, 2 * p * q, p * p]
