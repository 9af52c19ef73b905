"""Heterozygosity, F_IS and the exact test of Hardy–Weinberg proportions (diploids only)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.context import Cohort, Comparison, Panel
from core.evaluation.frequencies import minor_allele_frequencies, over_variants
from core.evaluation.moments import ratio, rmse
from core.evaluation.registry import Estimate, Unmeasurable, metric

Floats = npt.NDArray[np.float64]

HWE_ALPHA = 1e-3
_COMMON = 0.05


@metric(
    "heterozygosity_ratio",
    label="Heterozygosity ratio",
    direction="target",
    target=1.0,
    bounds=(0.0, np.inf),
    help="Mean observed heterozygosity of the synthetic over that of the real individuals: below 1 diversity is lost, "
    "above 1 heterozygotes are invented (rounded principal components do that).",
    source="Nei 1987, observed heterozygosity",
)
def heterozygosity_ratio(comparison: Comparison) -> Estimate:
    """Ratio of the sums of observed heterozygosity over variants."""
    _diploid(comparison)
    real, made = (heterozygosity_observed(c.genotype_counts) for c in (comparison.reference, comparison.candidate))
    return over_variants(comparison, real, made, ratio)


@metric(
    "f_is_rmse",
    label="F_IS RMSE",
    direction="lower",
    bounds=(0.0, np.inf),
    help="Root mean square difference of F_IS = 1 − H_observed / H_expected over variants whose minor allele has a "
    "frequency of at least 5 % in the reference (below, F_IS is mostly noise).",
    source="Wright 1951; Nei 1977",
)
def f_is_rmse(comparison: Comparison) -> Estimate:
    """RMSE of the two (m,) F_IS vectors over common variants."""
    _diploid(comparison)
    minor, _ = minor_allele_frequencies(comparison)
    real, made = (f_is(c.genotype_counts) for c in (comparison.reference, comparison.candidate))
    return over_variants(comparison, np.where(minor >= _COMMON, real, np.nan), made, rmse, maf_at_least=_COMMON)


@metric(
    "hwe_departure",
    label="HWE departure",
    direction="lower",
    bounds=(0.0, 1.0),
    help="Difference between the synthetic and the real share of variants that an exact test at p < 0.001 finds out of "
    "Hardy–Weinberg proportions. Structured real cohorts depart too, which is why the shares are compared.",
    source="Wigginton et al. 2005",
)
def hwe_departure(comparison: Comparison) -> Estimate:
    """|share of departing variants among the candidates − among the reference|."""
    _diploid(comparison)
    real, made = (
        np.where(np.isnan(p := hwe_p(c)), np.nan, p < HWE_ALPHA).astype(np.float64)
        for c in (comparison.reference, comparison.candidate)
    )
    shares = {"share": round(float(np.nanmean(made)), 6), "share_real": round(float(np.nanmean(real)), 6)}

    def gap(sums: Floats) -> Floats:
        return np.asarray(np.abs(sums[..., 2] - sums[..., 1]) / sums[..., 0])

    return over_variants(comparison, real, made, gap, alpha=HWE_ALPHA, **shares)


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


def hwe_p(cohort: Cohort) -> Floats:
    """(m,) float64 exact p-values of a cohort, computed once; see `hwe_exact`."""
    return cohort.shared("hwe_p", lambda: hwe_exact(cohort.genotype_counts))


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


def arrays(panel: Panel) -> dict[str, dict[str, npt.NDArray[Any]]]:
    """`hardy_weinberg`: f_is_<cohort>, hwe_p_<cohort> and heterozygosity_<cohort> (m,) float32; empty for haploids."""
    if panel.value.reference.ploidy != 2:
        return {}
    found: dict[str, npt.NDArray[Any]] = {}
    for name, cohort in (("real", panel.value.reference), ("synthetic", panel.value.candidate)):
        found[f"f_is_{name}"] = f_is(cohort.genotype_counts).astype(np.float32)
        found[f"hwe_p_{name}"] = hwe_p(cohort).astype(np.float32)
        found[f"heterozygosity_{name}"] = heterozygosity_observed(cohort.genotype_counts).astype(np.float32)
    return {"hardy_weinberg": found}


def _hwe_tail(n: int, rare: int, log_factorial: Floats) -> tuple[Floats, Floats]:
    """(probability of each possible count of heterozygotes, cumulative sums of these in ascending order)."""
    h = np.arange(rare % 2, rare + 1, 2)
    a = (rare - h) // 2
    log_p = h * np.log(2.0) - log_factorial[a] - log_factorial[h] - log_factorial[n - a - h]
    probability = np.exp(log_p - log_p.max())
    probability /= probability.sum()
    return probability, np.cumsum(np.sort(probability))


def _diploid(comparison: Comparison) -> None:
    if comparison.reference.ploidy != 2:
        raise Unmeasurable("Haploid calls have no heterozygotes.")
