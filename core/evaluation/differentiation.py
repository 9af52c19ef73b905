"""F_ST between real and synthetic individuals, and allele frequencies within each population."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotype_counts import allele_counts, allele_frequency, genotype_counts
from core.evaluation.bootstrap import block_weights, contiguous_blocks
from core.evaluation.context import Cohort, Comparison, Panel, once
from core.evaluation.frequencies import over_variants
from core.evaluation.moments import BLOCKS, moments, pearson, ratio
from core.evaluation.registry import Estimate, Unmeasurable, metric
from core.reports.files import plain

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@metric(
    label="F_ST",
    family="Frequencies",
    target=0.0,
    bounds=(-1.0, 1.0),
    help="Hudson's F_ST between real and synthetic individuals, a ratio of averages. Corrected for sample size, so two "
    "samples of one population give 0 on average; without the correction they would give `floor`. Blind to linkage.",
    source="Hudson et al. 1992; Bhatia et al. 2013, eq. 10",
)
def fst(comparison: Comparison) -> Estimate:
    """Σ numerator / Σ denominator over variants; `floor` is what the uncorrected estimator gives by chance."""
    a, b = comparison.reference.allele_counts, comparison.candidate.allele_counts
    numerator, denominator = hudson(a, b)
    total = float(np.nansum(denominator))
    if total == 0:
        raise Unmeasurable("No variant differs between any two individuals.")
    floor = float(np.nansum(sampling_correction(a, b))) / total
    return over_variants(comparison, denominator, numerator, ratio, estimator="Hudson", floor=round(floor, 8))


@metric(
    label="Allele frequency r within populations",
    family="Frequencies",
    direction="higher",
    bounds=(-1.0, 1.0),
    help="Pearson correlation of allele frequencies between real and synthetic members of one population, mean over "
    "the populations of the first label column. Needs synthetic individuals that carry the label.",
    source="Yelmen et al. 2021, within each population",
)
def population_allele_frequency_r(comparison: Comparison) -> Estimate:
    """Mean over populations of the correlation of their (m,) frequencies."""
    real, made = population_counts(comparison.reference), population_counts(comparison.candidate)
    if not real:
        raise Unmeasurable("The real individuals carry no population labels.")
    least = comparison.config.population_minimum
    shared = [name for name in real if name in made and min(real[name].size, made[name].size) >= least]
    if not shared:
        raise Unmeasurable(f"No population has {least} real and as many synthetic individuals.")
    m = comparison.reference.m
    blocks, size = contiguous_blocks(m, BLOCKS), min(BLOCKS, m)
    each = np.stack([moments(real[k].frequency, made[k].frequency, blocks, size) for k in shared])
    weights = block_weights(m, BLOCKS, comparison.draws, comparison.generator(204))
    stated = {"populations": len(shared), "variants": m, "n": comparison.candidate.n}
    return Estimate(float(pearson(each.sum(axis=1)).mean()), pearson(weights @ each).mean(axis=0), stated)


def hudson(a: Counts, b: Counts) -> tuple[Floats, Floats]:
    """Hudson's numerator and denominator, each (m,), of two (m, 2) allele counts, by scikit-allel.

    The denominator is p(1−q) + q(1−p); the numerator is the denominator less the mean of the unbiased 2p(1−p) and
    2q(1−q). Both are NaN where a side has fewer than two alleles.
    """
    from allel import hudson_fst

    numerator, denominator = hudson_fst(a, b)
    return numerator, np.where(np.isfinite(numerator), denominator, np.nan)


def sampling_correction(a: Counts, b: Counts) -> Floats:
    """(m,) p(1−p)/(n_a−1) + q(1−q)/(n_b−1): by how much Hudson's numerator is less than (p − q)²."""
    from allel import mean_pairwise_difference

    # The mean pairwise difference of n alleles is 2p(1−p) · n/(n−1).
    sides = (mean_pairwise_difference(side) / (2 * np.maximum(side.sum(axis=1), 1)) for side in (a, b))
    return sum(sides)


@dataclass(frozen=True)
class Population:
    """Members of a cohort with one label: (m, ploidy + 1) genotype counts, and how many individuals."""

    counts: Counts
    size: int

    @property
    def alleles(self) -> Counts:
        """(m, 2) reference and alternate alleles."""
        return allele_counts(self.counts)

    @property
    def frequency(self) -> Floats:
        """(m,) alternate-allele frequency; NaN where nobody is called."""
        return allele_frequency(self.counts)


@once
def population_counts(cohort: Cohort, column: str | None = None) -> dict[str, Population]:
    """The populations of a label column (default the first) by name; empty where the cohort has no such column."""
    labels = cohort.genotypes.population if column is None else cohort.genotypes.labels.get(column)
    if labels is None:
        return {}
    members = {name: np.flatnonzero(labels == name) for name in sorted(set(labels.tolist()) - {""})}
    calls, ploidy = cohort.genotypes.calls, cohort.ploidy
    return {name: Population(genotype_counts(calls, ploidy, rows), len(rows)) for name, rows in members.items()}


def curves(panel: Panel) -> dict[str, list[dict[str, Any]]]:
    """`allele_frequency_by_population`: {"column", "population", "n", "n_synthetic", "r", "rmse", "fst"} a row.

    One row a population of each label column; r, rmse and fst are None where the synthetic individuals carry no
    such label or a side is smaller than the configured minimum.
    """
    comparison = panel.value
    least = comparison.config.population_minimum
    rows: list[dict[str, Any]] = []
    for column in comparison.reference.genotypes.labels:
        made = population_counts(comparison.candidate, column)
        labelled = column in comparison.candidate.genotypes.labels
        for name, real in population_counts(comparison.reference, column).items():
            if real.size < least:
                continue
            row: dict[str, Any] = {"column": column, "population": name, "n": real.size}
            row |= {"n_synthetic": None, "r": None, "rmse": None, "fst": None}
            if labelled:
                row["n_synthetic"] = made[name].size if name in made else 0
            if name in made and made[name].size >= least:
                p, q = real.frequency, made[name].frequency
                numerator, denominator = hudson(real.alleles, made[name].alleles)
                total = float(np.nansum(denominator))
                row["r"] = plain(pearson(moments(p, q, np.zeros(len(p), dtype=np.int64), 1))[0])
                row["rmse"] = plain(np.sqrt(np.nanmean((p - q) ** 2)))
                row["fst"] = float(np.nansum(numerator)) / total if total else None
            rows.append(row)
    return {"allele_frequency_by_population": rows}
