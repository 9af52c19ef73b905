"""F_ST between real and synthetic individuals, and allele frequencies within each population."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.bootstrap import block_weights, contiguous_blocks
from core.evaluation.context import Cohort, Comparison, Panel
from core.evaluation.frequencies import over_variants
from core.evaluation.moments import BLOCKS, moments, pearson, ratio
from core.evaluation.registry import Estimate, Unmeasurable, metric

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@metric(
    "fst",
    label="F_ST",
    family="Frequencies",
    direction="target",
    target=0.0,
    bounds=(-1.0, 1.0),
    help="Hudson's F_ST between real and synthetic individuals, a ratio of averages. Corrected for sample size, so two "
    "samples of one population give 0 on average; without the correction they would give `floor`. Blind to linkage.",
    source="Hudson et al. 1992; Bhatia et al. 2013, eq. 10",
)
def fst(comparison: Comparison) -> Estimate:
    """Σ numerator / Σ denominator over variants; `floor` is what the uncorrected estimator gives by chance."""
    (a, n_a), (b, n_b) = (allele_counts(c) for c in (comparison.reference, comparison.candidate))
    numerator, denominator, correction = hudson(a, n_a, b, n_b)
    if np.nansum(denominator) == 0:
        raise Unmeasurable("No variant differs between any two individuals.")
    floor = float(np.nansum(correction) / np.nansum(denominator))
    return over_variants(comparison, denominator, numerator, ratio, estimator="Hudson", floor=round(floor, 8))


@metric(
    "population_allele_frequency_r",
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
    shared = [
        name
        for name in real
        if name in made and min(real[name][2], made[name][2]) >= comparison.config.population_minimum
    ]
    if not shared:
        raise Unmeasurable(
            f"No population has {comparison.config.population_minimum} real and as many synthetic individuals."
        )
    m = comparison.reference.m
    blocks, size = contiguous_blocks(m, BLOCKS), min(BLOCKS, m)
    each = [moments(_frequency(real[k]), _frequency(made[k]), blocks, size) for k in shared]
    draws = None
    if comparison.draws and m > 1:
        weights = block_weights(m, BLOCKS, comparison.draws, comparison.generator(204))
        draws = np.mean([pearson(weights @ sums) for sums in each], axis=0)
    value = float(np.mean([pearson(sums.sum(axis=0)) for sums in each]))
    return Estimate(value, draws, {"populations": len(shared), "variants": m, "n": comparison.candidate.n})


def hudson(a: Counts, n_a: Counts, b: Counts, n_b: Counts) -> tuple[Floats, Floats, Floats]:
    """Hudson's numerator and denominator, and the sampling correction that the numerator contains; each (m,) float64.

    With p = a / n_a of n_a alleles and q = b / n_b of n_b: denominator p(1−q) + q(1−p), numerator
    (p−q)² − c, correction c = p(1−p)/(n_a−1) + q(1−q)/(n_b−1). NaN where a side has fewer than two alleles.
    """
    usable = (n_a > 1) & (n_b > 1)
    size_a, size_b = np.where(usable, n_a, np.nan), np.where(usable, n_b, np.nan)
    p, q = a / size_a, b / size_b
    correction = p * (1 - p) / (size_a - 1) + q * (1 - q) / (size_b - 1)
    return (p - q) ** 2 - correction, p * (1 - q) + q * (1 - p), correction


def allele_counts(cohort: Cohort) -> tuple[Counts, Counts]:
    """(alternate alleles, alleles called), each (m,) int64."""
    return cohort.genotype_counts.T @ np.arange(cohort.ploidy + 1), cohort.called * cohort.ploidy


def population_counts(cohort: Cohort, column: str | None = None) -> dict[str, tuple[Counts, Counts, int]]:
    """Population → (alternate alleles (m,), alleles called (m,), individuals) over a label column (default the first).

    The synthetic cohort may lack labels: an empty dictionary then.
    """
    labels = cohort.genotypes.population if column is None else cohort.genotypes.labels.get(column)
    if labels is None:
        return {}

    def make() -> dict[str, tuple[Counts, Counts, int]]:
        found = {}
        calls, ploidy = cohort.genotypes.calls, cohort.ploidy
        for name in sorted(set(labels.tolist()) - {""}):
            rows = np.flatnonzero(labels == name)
            alternate, called = np.zeros(cohort.m, dtype=np.int64), np.zeros(cohort.m, dtype=np.int64)
            for start in range(0, len(rows), 512):
                block = np.asarray(calls[rows[start : start + 512]])
                there = block >= 0
                called += there.sum(axis=0)
                alternate += np.where(there, block, 0).sum(axis=0, dtype=np.int64)
            found[name] = (alternate, called * ploidy, len(rows))
        return found

    return cohort.shared(("population_counts", column), make)


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
            if real[2] < least:
                continue
            row: dict[str, Any] = {"column": column, "population": name, "n": real[2]}
            row |= {"n_synthetic": None, "r": None, "rmse": None, "fst": None}
            if labelled:
                row["n_synthetic"] = made[name][2] if name in made else 0
            if name in made and made[name][2] >= least:
                p, q = _frequency(real), _frequency(made[name])
                numerator, denominator, _ = hudson(real[0], real[1], made[name][0], made[name][1])
                total = float(np.nansum(denominator))
                row["r"] = _plain(pearson(moments(p, q, np.zeros(len(p), dtype=np.int64), 1))[0])
                row["rmse"] = _plain(np.sqrt(np.nanmean((p - q) ** 2)))
                row["fst"] = float(np.nansum(numerator)) / total if total else None
            rows.append(row)
    return {"allele_frequency_by_population": rows}


def _frequency(counts: tuple[Counts, Counts, int]) -> Floats:
    return np.asarray(counts[0] / np.where(counts[1] > 0, counts[1], np.nan))


def _plain(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
