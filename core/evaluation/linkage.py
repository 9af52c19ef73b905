"""Linkage disequilibrium: agreement of pairwise r², its error and its decay by distance, and what lies far apart.

r² is the squared correlation of calls (composite genotypic linkage, Rogers & Huff 2009). Unlinked variants have
r² ≈ 1/(n−1) by chance; errors and curves use r² − (1 − r²)/(n − 2) instead, which is 0 without linkage and 1 for
complete linkage at any n (Wherry 1931), so that cohorts of different sizes can be compared.

A variant that does not vary in the reference is left out. One that varies there but no longer in the candidate has
r² 0 where pairs are compared one by one (its linkage is lost), and is left out on both sides where means are: else
rare variants, which any small sample loses, would make every candidate look less linked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.bootstrap import block_weights
from core.evaluation.context import Cohort, Comparison, Panel
from core.evaluation.linkage_arrays import linkage_arrays
from core.evaluation.moments import BLOCKS, mean_gap, mean_of_known, moments, pair_replicates, pearson, rmse
from core.evaluation.pairs import Pairs, choose, pair_r
from core.evaluation.registry import Estimate, Unmeasurable, metric

Floats = npt.NDArray[np.float64]

_ROGERS_HUFF = "Rogers & Huff 2009 (r²)"
# Columns of a curve, and the comparisons whose candidates they show.
_COLUMNS = {"synthetic": "value", "null": "null", "ceiling": "ceiling"}
_CORRECTED = "r² − (1 − r²)/(n − 2)"


@metric(
    label="LD r",
    family="Linkage",
    headline=True,
    direction="higher",
    bounds=(-1.0, 1.0),
    help="Pearson correlation between real and synthetic r² over pairs of variants: does the same linkage stand in the "
    "same places. A variant that no longer varies among the synthetic individuals has r² 0.",
    source=_ROGERS_HUFF + "; Yelmen et al. 2021 (correlation of LD)",
)
def ld_r(comparison: Comparison) -> Estimate:
    """Correlation of the two vectors of r² over the chosen pairs."""
    pairs, real, made = _squared(comparison, lost=0.0)
    size = min(BLOCKS, pairs.m)
    block = (np.arange(pairs.m, dtype=np.int64) * size // pairs.m).astype(np.int32)
    sums = moments(real, made, block[pairs.left] * size + block[pairs.right], size * size).reshape(size, size, 6)
    weights = block_weights(pairs.m, BLOCKS, comparison.draws, comparison.generator(301))
    draws = pearson(pair_replicates(sums, weights))
    total = sums.sum(axis=(0, 1))
    return Estimate(float(pearson(total)), draws, _params(comparison, pairs) | {"pairs_used": int(total[0])})


@metric(
    label="LD r² error",
    family="Linkage",
    direction="lower",
    bounds=(0.0, 1.5),
    help="Root mean square difference of real and synthetic r² over pairs of variants, every distance bin weighing the "
    "same (all pairs alike where positions are unknown).",
    source=_ROGERS_HUFF,
)
def ld_r2_error(comparison: Comparison) -> Estimate:
    """√ of the mean over distance bins of the mean squared difference of corrected r²."""
    return _over_bins(comparison, lambda sums: np.sqrt(mean_of_known(np.square(rmse(sums)), axis=-1)), 302, lost=0.0)


@metric(
    label="LD decay RMSE",
    family="Linkage",
    direction="lower",
    bounds=(0.0, 1.5),
    help="Root mean square difference between the real and the synthetic curve of mean r² against distance, over the "
    "distance bins of the curve.",
    source="Hill & Weir 1988 (decay of r²); " + _ROGERS_HUFF,
)
def ld_decay_rmse(comparison: Comparison) -> Estimate:
    """RMSE over distance bins of the difference of mean corrected r²."""
    if not pairs_of(comparison).bins:
        raise Unmeasurable("The variants have no positions, so there is no distance to decay with.")
    return _over_bins(comparison, lambda sums: np.sqrt(mean_of_known(np.square(mean_gap(sums)), axis=-1)), 303, np.nan)


@metric(
    label="Long-range LD error",
    family="Linkage",
    direction="lower",
    bounds=(0.0, 1.5),
    help="Difference between real and synthetic mean r² over pairs on different contigs or more than half a contig "
    "apart: linkage that recombination would have broken, which structure or a collapsed model brings.",
    source=_ROGERS_HUFF,
)
def ld_long_range_error(comparison: Comparison) -> Estimate:
    """|mean corrected r² of candidate − of reference| over far pairs; both means in params."""
    pairs, real, made = _corrected(comparison, lost=np.nan)
    size = min(BLOCKS, pairs.m)
    if not pairs.far.any():
        raise Unmeasurable("No two variants lie far apart.")
    left = pairs.left[pairs.far].astype(np.int64) * size // pairs.m
    sums = moments(real[pairs.far], made[pairs.far], left, size)
    total = sums.sum(axis=0)
    if not total[0]:
        raise Unmeasurable("No two variants that lie far apart vary in the reference.")
    means = {"real": float(total[1] / total[0]), "synthetic": float(total[2] / total[0])}
    draws = mean_gap(block_weights(pairs.m, BLOCKS, comparison.draws, comparison.generator(304)) @ sums)
    stated = _params(comparison, pairs) | {"pairs_used": int(total[0]), "corrected": _CORRECTED} | means
    return Estimate(float(mean_gap(total)), draws, stated)


def pairs_of(comparison: Comparison) -> Pairs:
    """The pairs of this comparison's variants, chosen once a reference."""
    reference = comparison.reference
    return reference.shared("pairs", lambda: choose(reference.genotypes, comparison.seed))


def pair_r_of(cohort: Cohort, pairs: Pairs, seed: int) -> npt.NDArray[np.float32]:
    """(P,) float32 correlation of calls over `pairs`, computed once a cohort; NaN where a variant does not vary."""
    return cohort.shared(("pair_r", seed), lambda: pair_r(cohort.genotypes.calls, pairs))


def curves(panel: Panel) -> dict[str, list[dict[str, Any]]]:
    """`ld_decay`: mean corrected r² by distance; `ld_r2_error_by_distance`: RMSE of corrected r² by distance.

    Rows of the first: {"low", "high", "distance", "count", "real", "synthetic", "null", "ceiling"}, distances in base
    pairs, "ceiling" the other real individuals; of the second the same without "real". Empty without positions.
    """
    large = {name: each for name, each in panel.comparisons.items() if _too_small(each) is None}
    found = {name: _bin_sums(comparison, np.nan).sum(axis=1) for name, comparison in large.items()}
    errors = {name: _bin_sums(comparison, 0.0).sum(axis=1) for name, comparison in large.items()}
    if "value" not in found or not pairs_of(panel.value).bins:
        return {"ld_decay": [], "ld_r2_error_by_distance": []}
    pairs = pairs_of(panel.value)
    decay: list[dict[str, Any]] = []
    error: list[dict[str, Any]] = []
    for j in np.flatnonzero(found["value"][:, 0]).tolist():
        low, high = float(pairs.edges[j]), float(pairs.edges[j + 1])
        count, real = found["value"][j, :2]
        place = {"low": low, "high": high, "distance": float(np.sqrt(low * high)), "count": int(count)}
        means = {k: float(s[j, 2] / s[j, 0]) if s[j, 0] else None for k, s in found.items()}
        gaps = {k: float(rmse(s[j])) if s[j, 0] else None for k, s in errors.items()}
        decay.append(place | {"real": float(real / count)} | {k: means.get(name) for k, name in _COLUMNS.items()})
        error.append(place | {k: gaps.get(name) for k, name in _COLUMNS.items()})
    return {"ld_decay": decay, "ld_r2_error_by_distance": error}


def arrays(panel: Panel) -> dict[str, dict[str, npt.NDArray[Any]]]:
    """`linkage`: bands and overviews of r² per contig, real and synthetic; see `linkage_arrays`.

    Of larger cohorts, the individuals kept for display: 2,000 place r² within the step of a byte.
    """
    most = panel.value.config.display_individuals
    real, made = (
        c.genotypes if c.n <= most else c.genotypes.individuals(c.near_index(most))
        for c in (panel.value.reference, panel.value.candidate)
    )
    return {"linkage": linkage_arrays(real, made)}


def _squared(comparison: Comparison, lost: float) -> tuple[Pairs, npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """(pairs, r² of the reference, r² of the candidate): NaN where a variant does not vary, `lost` in the candidate."""
    if (reason := _too_small(comparison)) is not None:
        raise Unmeasurable(reason)
    pairs = pairs_of(comparison)
    real = np.square(pair_r_of(comparison.reference, pairs, comparison.seed))
    made = np.nan_to_num(np.square(pair_r_of(comparison.candidate, pairs, comparison.seed)), nan=lost)
    return pairs, real, made


def _too_small(comparison: Comparison) -> str | None:
    n, m = min(comparison.reference.n, comparison.candidate.n), comparison.reference.m
    return None if n >= 4 and m >= 2 else f"Linkage needs 4 individuals and 2 variants; there are {n} and {m}."


def _corrected(comparison: Comparison, lost: float) -> tuple[Pairs, npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    pairs, real, made = _squared(comparison, np.nan)
    made = np.nan_to_num(corrected(made, comparison.candidate.n), nan=lost)
    return pairs, corrected(real, comparison.reference.n), made


def corrected(r2: npt.NDArray[np.float32], n: int) -> npt.NDArray[np.float32]:
    """r² less what n individuals give by chance: r² − (1 − r²)/(n − 2), float32, 0 on average without linkage."""
    return r2 - (1 - r2) / np.float32(n - 2)


def _bin_sums(comparison: Comparison, lost: float) -> Floats:
    """(bins, blocks, 6) moments of corrected r² by distance bin and block of the left variant.

    Without positions all pairs form one bin.
    """

    def make() -> Floats:
        pairs, real, made = _corrected(comparison, lost)
        size, bins = min(BLOCKS, pairs.m), max(1, pairs.bins)
        used = pairs.bin >= 0 if pairs.bins else np.ones(len(pairs.left), dtype=np.bool_)
        distance = np.maximum(pairs.bin[used], 0).astype(np.int64)
        code = distance * size + pairs.left[used].astype(np.int64) * size // pairs.m
        return moments(real[used], made[used], code, bins * size).reshape(bins, size, 6)

    return comparison.shared(("ld_bins", bool(lost == 0)), make)


def _over_bins(comparison: Comparison, statistic: Callable[[Floats], Floats], stream: int, lost: float) -> Estimate:
    sums = _bin_sums(comparison, lost)
    pairs = pairs_of(comparison)
    weights = block_weights(pairs.m, BLOCKS, comparison.draws, comparison.generator(stream))
    draws = statistic(np.einsum("db,kbs->dks", weights, sums))
    total = sums.sum(axis=1)
    stated = {"pairs_used": int(total[:, 0].sum()), "bins": int((total[:, 0] > 0).sum()), "corrected": _CORRECTED}
    return Estimate(float(statistic(total)), draws, _params(comparison, pairs) | stated)


def _params(comparison: Comparison, pairs: Pairs) -> dict[str, Any]:
    stated: dict[str, Any] = {"pairs": pairs.described, "n": comparison.candidate.n, "n_real": comparison.reference.n}
    if comparison.reference.has_missing or comparison.candidate.has_missing:
        stated["missing"] = "left out pair by pair"
    return stated
