"""Heterozygosity, F_IS and Hardy–Weinberg departures, real against synthetic (diploids only)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from core.data.genotype_counts import f_is, heterozygosity_observed
from core.data.hardy_weinberg import hardy_weinberg_p
from core.evaluation.context import Cohort, Comparison, once
from core.evaluation.frequencies import minor_allele_frequencies, over_variants
from core.evaluation.moments import mean_gap, ratio, rmse
from core.evaluation.registry import Estimate, Unmeasurable, metric

Floats = npt.NDArray[np.float64]

HWE_ALPHA = 1e-3
_COMMON = 0.05
_EVEN = 0.2  # minor-allele frequency from which rounding a dosage can only add heterozygotes


@metric(
    label="Heterozygosity ratio",
    family="Frequencies",
    target=1.0,
    bounds=(0.0, np.inf),
    help="Mean observed heterozygosity of the synthetic over that of the real individuals: below 1 diversity is lost, "
    "above 1 heterozygotes are invented (rounded principal components do that).",
    source="Nei 1987, observed heterozygosity",
)
def heterozygosity_ratio(comparison: Comparison) -> Estimate:
    """Ratio of the sums of observed heterozygosity over variants; `common_ratio` is that of common variants alone.

    Rounding adds heterozygotes where both alleles are common and takes them where one is rare, which may cancel.
    """
    _diploid(comparison)
    real, made = (heterozygosity_observed(c.genotype_counts) for c in (comparison.reference, comparison.candidate))
    common = (minor_allele_frequencies(comparison)[0] >= _EVEN) & np.isfinite(made)
    stated = {"common_ratio": round(float(made[common].sum() / real[common].sum()), 6)} if real[common].any() else {}
    return over_variants(comparison, real, made, ratio, **stated)


@metric(
    label="F_IS RMSE",
    family="Frequencies",
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
    label="HWE departure",
    family="Frequencies",
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
    both = np.isfinite(real) & np.isfinite(made)
    if not both.any():
        raise Unmeasurable("No variant is called in both cohorts.")
    shares = {"share": round(float(made[both].mean()), 6), "share_real": round(float(real[both].mean()), 6)}
    return over_variants(comparison, real, made, mean_gap, alpha=HWE_ALPHA, **shares)


@once
def hwe_p(cohort: Cohort) -> Floats:
    """(m,) float64 exact p-values of a cohort."""
    return hardy_weinberg_p(cohort.genotype_counts)


def _diploid(comparison: Comparison) -> None:
    if comparison.reference.ploidy != 2:
        raise Unmeasurable("Haploid calls have no heterozygotes.")
