"""Allele and genotype frequencies: correlation, error, error by frequency, and what happens to rare alleles."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotype_counts import f_is, heterozygosity_observed
from core.data.hardy_weinberg import hardy_weinberg_p
from core.evaluation.bootstrap import block_weights, contiguous_blocks
from core.evaluation.context import Cohort, Comparison, Panel
from core.evaluation.moments import BLOCKS, mean_of_known, moments, pearson, ratio, rmse, slope
from core.evaluation.registry import Estimate, Unmeasurable, metric

Floats = npt.NDArray[np.float64]

# Minor-allele frequencies of the reference that bound the bins of the curve; the first three are the rare ones.
FREQUENCY_BINS = (0.0, 0.005, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
RARE = 0.05

_SOURCE = "Yelmen et al. 2021 (allele frequencies of artificial genomes)"


@metric(
    label="Allele frequency r",
    family="Frequencies",
    direction="higher",
    bounds=(-1.0, 1.0),
    help="Pearson correlation of alternate-allele frequencies over variants. It saturates: read it with the RMSE.",
    source=_SOURCE,
)
def allele_frequency_r(comparison: Comparison) -> Estimate:
    """Correlation of the two (m,) frequency vectors."""
    return over_variants(comparison, *_alleles(comparison), pearson)


@metric(
    label="Allele frequency RMSE",
    family="Frequencies",
    headline=True,
    direction="lower",
    bounds=(0.0, 1.0),
    help="Root mean square difference of alternate-allele frequencies; two real samples of n and n' individuals "
    "already differ by about √(mean p(1−p)(1/2n + 1/2n')).",
    source=_SOURCE,
)
def allele_frequency_rmse(comparison: Comparison) -> Estimate:
    """RMSE of the two (m,) frequency vectors."""
    return over_variants(comparison, *_alleles(comparison), rmse)


@metric(
    label="Genotype frequency r",
    family="Frequencies",
    direction="higher",
    bounds=(-1.0, 1.0),
    help="Mean over the genotypes (0, 1, 2) of the Pearson correlation of their frequencies over variants; "
    "one correlation over all three together would be inflated by their different means.",
    source="Xie et al. 2025 (genotype frequencies), computed per genotype",
)
def genotype_frequency_r(comparison: Comparison) -> Estimate:
    """Mean over genotypes of the correlation of the (m,) frequencies of each; one that nobody has is left out."""
    return _over_genotypes(comparison, lambda each: mean_of_known(pearson(each), axis=0))


@metric(
    label="Genotype frequency RMSE",
    family="Frequencies",
    direction="lower",
    bounds=(0.0, 1.0),
    help="Root mean square difference of the frequencies of the genotypes 0, 1 and 2 over variants.",
    source="Xie et al. 2025 (genotype frequencies)",
)
def genotype_frequency_rmse(comparison: Comparison) -> Estimate:
    """RMSE over genotypes and variants together."""
    return _over_genotypes(comparison, lambda each: rmse(each.sum(axis=0)))


@metric(
    label="Rare alleles lost",
    family="Frequencies",
    direction="lower",
    bounds=(0.0, 1.0),
    help="Share of the variants that are rare in the reference (minor allele below 5 %) and whose minor allele no "
    "synthetic individual carries. Chance loses some: compare with the ceiling.",
    source="Xie et al. 2025 (the Matthew effect on allele frequencies)",
)
def rare_alleles_lost(comparison: Comparison) -> Estimate:
    """Share of reference-rare variants whose minor allele is absent among the candidates."""
    real, made = minor_allele_frequencies(comparison)
    rare = (real > 0) & (real < RARE)
    if not rare.any():
        raise Unmeasurable("No variant of the reference has a minor-allele frequency between 0 and 0.05.")
    lost = np.where(rare, (made == 0).astype(np.float64), np.nan)
    return over_variants(comparison, np.where(rare, 1.0, np.nan), lost, ratio, maf_below=RARE, rare=int(rare.sum()))


@metric(
    label="Allele frequency slope",
    family="Frequencies",
    target=1.0,
    help="Slope of synthetic on real allele frequencies, both measured from one half: above 1, frequent alleles became "
    "more frequent and rare ones rarer (the Matthew effect); below 1, rare alleles were inflated.",
    source="Xie et al. 2025 (the Matthew effect on allele frequencies)",
)
def matthew_slope(comparison: Comparison) -> Estimate:
    """Least-squares slope of q − ½ on p − ½ without intercept; the same whichever allele is counted."""
    real, made = _alleles(comparison)
    return over_variants(comparison, real - 0.5, made - 0.5, slope)


def minor_allele_frequencies(comparison: Comparison) -> tuple[Floats, Floats]:
    """Two (m,) float64: frequency of the allele that is the minor one in the reference, in reference and candidate."""
    real, made = _alleles(comparison)
    flip = real > 0.5
    return np.where(flip, 1 - real, real), np.where(flip, 1 - made, made)


def genotype_frequencies(cohort: Cohort) -> Floats:
    """(ploidy + 1, m) float64: frequency of each genotype among the calls that are there; NaN where none are."""
    return cohort.genotype_counts.T / np.where(cohort.called > 0, cohort.called, np.nan)


def over_variants(
    comparison: Comparison, real: Floats, made: Floats, statistic: Callable[[Floats], Floats], **params: Any
) -> Estimate:
    """A statistic of two (m,) vectors, its bootstrap over contiguous blocks of variants, and the sizes it rests on."""
    m = len(real)
    sums = moments(real, made, contiguous_blocks(m, BLOCKS), min(BLOCKS, m))
    stated = params | {"variants": int(sums[:, 0].sum()), "n": comparison.candidate.n, "n_real": comparison.reference.n}
    draws = statistic(block_weights(m, BLOCKS, comparison.draws, comparison.generator(201)) @ sums)
    return Estimate(float(statistic(sums.sum(axis=0))), draws, stated)


def curves(panel: Panel) -> dict[str, list[dict[str, Any]]]:
    """`allele_frequency_bins`: count, RMSE, mean difference and share lost by minor-allele frequency in the reference.

    Columns "rmse", "bias" (synthetic minus real frequency of the minor allele) and "lost", the same with the
    prefixes null_ and ceiling_. A bin without variants has count 0 and None in the other columns.
    """
    prefixes = {"value": "", "null": "null_", "ceiling": "ceiling_"}
    sides = {prefixes[name]: minor_allele_frequencies(each) for name, each in panel.comparisons.items()}
    rows = []
    for low, high in pairwise(FREQUENCY_BINS):
        row: dict[str, Any] = {"low": low, "high": high, "count": 0}
        row |= {prefix + key: None for prefix in prefixes.values() for key in ("rmse", "bias", "lost")}
        for prefix, (real, made) in sides.items():
            # Variants that do not vary in the reference belong to no bin; the last bin holds its upper edge.
            here = (real > low) & (real <= high) & np.isfinite(made)
            if here.any():
                gap = made[here] - real[here]
                row |= {f"{prefix}rmse": float(np.sqrt(np.square(gap).mean())), f"{prefix}bias": float(gap.mean())}
                row[f"{prefix}lost"] = float((made[here] == 0).mean())
            if not prefix:
                row["count"] = int(here.sum())
        rows.append(row)
    return {"allele_frequency_bins": rows}


def arrays(panel: Panel) -> dict[str, dict[str, npt.NDArray[Any]]]:
    """`frequencies`: per variant, for real, synthetic, null, ceiling: allele and genotype frequency, missing share.

    Names: allele_<cohort> (m,), genotype_<cohort> (ploidy + 1, m), missing_<cohort> (m,), and for diploids
    heterozygosity_<cohort>, f_is_<cohort>, hwe_p_<cohort> (m,), all float32; position, contig, id (m,).
    """
    found: dict[str, npt.NDArray[Any]] = {}
    for name, cohort in panel.cohorts.items():
        found[f"allele_{name}"] = cohort.allele_frequency.astype(np.float32)
        found[f"genotype_{name}"] = genotype_frequencies(cohort).astype(np.float32)
        found[f"missing_{name}"] = (1 - cohort.called / cohort.n).astype(np.float32)
        if cohort.ploidy == 2:
            counts = cohort.genotype_counts
            found[f"heterozygosity_{name}"] = heterozygosity_observed(counts).astype(np.float32)
            found[f"f_is_{name}"] = f_is(counts).astype(np.float32)
            found[f"hwe_p_{name}"] = hardy_weinberg_p(counts).astype(np.float32)
    genotypes = panel.value.reference.genotypes
    found |= {"position": genotypes.variant_position, "contig": genotypes.variant_contig, "id": genotypes.variant_id}
    return {"frequencies": found}


def _alleles(comparison: Comparison) -> tuple[Floats, Floats]:
    return comparison.reference.allele_frequency, comparison.candidate.allele_frequency


def _over_genotypes(comparison: Comparison, statistic: Callable[[Floats], Floats]) -> Estimate:
    """A statistic of the moments (genotypes, …, 6) of the frequencies of each genotype."""
    real, made = genotype_frequencies(comparison.reference), genotype_frequencies(comparison.candidate)
    m = real.shape[1]
    blocks = contiguous_blocks(m, BLOCKS)
    each = np.stack([moments(x, y, blocks, min(BLOCKS, m)) for x, y in zip(real, made, strict=True)])
    stated = {"variants": int(each[0][:, 0].sum()), "n": comparison.candidate.n, "n_real": comparison.reference.n}
    weights = block_weights(m, BLOCKS, comparison.draws, comparison.generator(202))
    return Estimate(float(statistic(each.sum(axis=1))), statistic(weights @ each), stated)
