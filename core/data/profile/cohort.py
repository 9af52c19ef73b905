"""What the Datasets page shows of a cohort, computed once at import."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotype_counts import (
    GenotypeCounts,
    allele_frequency,
    count_genotypes,
    heterozygosity_expected,
    heterozygosity_observed,
)
from core.data.genotypes import Genotypes
from core.data.hardy_weinberg import EXACT_MAX, hardy_weinberg_p
from core.data.profile.cohort_warnings import warnings_of
from core.data.profile.summaries import (
    TESTED_POPULATION,
    heterozygosity_summary,
    histogram,
    label_summary,
    phenotype_summary,
    population_summaries,
    relatives_summary,
)
from core.data.relatives import Relatives
from core.data.split import Split

HWE_DEPARTURE = 1e-6  # the usual bound of array quality control

_PALINDROMES = ({"A", "T"}, {"C", "G"})

Floats = npt.NDArray[np.float64]


def make_profile(genotypes: Genotypes, relatives: Relatives, split: Split) -> dict[str, Any]:
    """Summaries as JSON types, per-variant and per-individual columns under "arrays".

    Arrays: variant_missing, variant_frequency (alternate allele), variant_maf, variant_heterozygosity, variant_hwe_p
    (pooled), variant_hwe_p_within (least p over populations, times their number), (m,) each; individual_missing,
    individual_heterozygosity, individual_holdout, (n,) each; population_frequency (p, m).
    Under "warnings": {"severity": "warning" | "note", "text", "advice"}, plain words, the gravest first.
    """
    counts = count_genotypes(genotypes)
    arrays = _arrays(genotypes, counts, split)
    profile: dict[str, Any] = {
        "schema": 1,
        "individuals": genotypes.n,
        "variants": genotypes.m,
        "ploidy": genotypes.ploidy,
        "missing": _missing(arrays),
        "frequencies": _frequencies(genotypes, arrays),
        "hardy_weinberg": _hardy_weinberg(genotypes, counts, arrays),
        "heterozygosity": heterozygosity_summary(genotypes, arrays),
        "positions": _positions(genotypes),
        "alleles": _alleles(genotypes, counts),
        "labels": [label_summary(column, values, split) for column, values in genotypes.labels.items()],
        "populations": population_summaries(counts, arrays, genotypes, split),
        "phenotypes": [phenotype_summary(name, values) for name, values in genotypes.phenotypes.items()],
        "relatives": relatives_summary(genotypes, relatives),
        "split": {"train": len(split.train), "holdout": len(split.holdout)},
    }
    return profile | {"warnings": warnings_of(profile), "arrays": arrays}


def _arrays(genotypes: Genotypes, counts: GenotypeCounts, split: Split) -> dict[str, npt.NDArray[Any]]:
    pooled = counts.pooled
    called = pooled.sum(axis=1)
    frequency = allele_frequency(pooled)
    holdout = np.zeros(genotypes.n, dtype=bool)
    holdout[split.holdout] = True
    within, pooled_p = _departures(counts)
    diploid = genotypes.ploidy == 2
    heterozygosity = np.nan_to_num(heterozygosity_observed(pooled)) if diploid else np.full(genotypes.m, np.nan)
    return {
        "variant_missing": 1 - called / genotypes.n,
        "variant_frequency": frequency,
        "variant_maf": np.minimum(frequency, 1 - frequency),
        "variant_heterozygosity": heterozygosity,
        "variant_hwe_p": pooled_p,
        "variant_hwe_p_within": within,
        "individual_missing": counts.individual_missing,
        "individual_heterozygosity": counts.individual_heterozygosity,
        "individual_holdout": holdout,
        "population_frequency": allele_frequency(counts.counts).astype(np.float32),
    }


def _departures(counts: GenotypeCounts) -> tuple[Floats, Floats]:
    """(m,) least p value over populations, Bonferroni-corrected, and (m,) the p value of the pooled cohort."""
    if counts.counts.shape[-1] != 3:
        nothing = np.full(counts.counts.shape[1], np.nan)
        return nothing, nothing
    pooled = hardy_weinberg_p(counts.pooled)
    tested = np.flatnonzero(counts.sizes >= TESTED_POPULATION)
    if len(counts.population) == 1 or len(tested) == 0:
        return pooled, pooled
    p = np.stack([hardy_weinberg_p(counts.counts[group]) for group in tested])
    least = np.where(np.isnan(p), 1.0, p).min(axis=0)
    return np.minimum(least * len(tested), 1.0), pooled


def _missing(arrays: dict[str, npt.NDArray[Any]]) -> dict[str, Any]:
    variant, individual = arrays["variant_missing"], arrays["individual_missing"]
    edges = [0.0, 1e-9, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0]
    return {
        "fraction": float(variant.mean()),
        "variants_above_5_percent": int((variant > 0.05).sum()),
        "individuals_above_10_percent": int((individual > 0.1).sum()),
        "variant_largest": float(variant.max()),
        "individual_largest": float(individual.max()),
        "variant_histogram": histogram(variant, edges),
        "individual_histogram": histogram(individual, edges),
    }


def _frequencies(genotypes: Genotypes, arrays: dict[str, npt.NDArray[Any]]) -> dict[str, Any]:
    frequency, minor = arrays["variant_frequency"], arrays["variant_maf"]
    copies = genotypes.ploidy * genotypes.n
    return {
        "maf_histogram": histogram(minor, np.linspace(0, 0.5, 26)),
        "frequency_histogram": histogram(frequency, np.linspace(0, 1, 26)),
        "monomorphic": int((minor == 0).sum()),
        "singletons": int(((minor > 0) & (minor <= 1.5 / copies)).sum()),
        "below_1_percent": int((minor < 0.01).sum()),
        "below_5_percent": int((minor < 0.05).sum()),
        "alternate_is_major": int((frequency > 0.5).sum()),
        "near_one": int((frequency > 0.95).sum()),
        "mean": float(np.nanmean(frequency)),
    }


def _hardy_weinberg(
    genotypes: Genotypes, counts: GenotypeCounts, arrays: dict[str, npt.NDArray[Any]]
) -> dict[str, Any]:
    if genotypes.ploidy != 2:
        return {"test": None, "reason": "Haploid data have no heterozygotes to test."}
    pooled, within = arrays["variant_hwe_p"], arrays["variant_hwe_p_within"]
    maf = arrays["variant_maf"]
    excess = arrays["variant_heterozygosity"] > heterozygosity_expected(maf)
    departs = within < HWE_DEPARTURE
    return {
        "test": "exact" if genotypes.n <= EXACT_MAX else "chi-squared",
        "bound": HWE_DEPARTURE,
        "populations_tested": int((counts.sizes >= TESTED_POPULATION).sum()),
        "departures_pooled": int((pooled < HWE_DEPARTURE).sum()),
        "departures_within": int(departs.sum()),
        "departures_with_excess": int((departs & excess).sum()),
        "log10_histogram": histogram(-np.log10(np.maximum(within, 1e-20)), np.arange(0, 21)),
    }


def _positions(genotypes: Genotypes) -> dict[str, Any]:
    position, contig = genotypes.variant_position, genotypes.variant_contig
    names, first, code = np.unique(contig, return_index=True, return_inverse=True)
    contigs = [
        {
            "name": str(names[c]),
            "variants": int((code == c).sum()),
            "first": int(position[code == c].min()),
            "last": int(position[code == c].max()),
        }
        for c in np.argsort(first)
    ]
    place = np.stack([code, position])
    return {
        "known": genotypes.has_positions,
        "contigs": contigs,
        "sorted": bool(all((np.diff(position[code == c]) >= 0).all() for c in range(len(names)))),
        "shared": int(genotypes.m - np.unique(place, axis=1).shape[1]) if genotypes.has_positions else 0,
    }


def _alleles(genotypes: Genotypes, counts: GenotypeCounts) -> dict[str, Any]:
    """Variants that read the same on both strands, and those of them whose frequencies mirror between populations."""
    palindrome = np.array([set(pair) in _PALINDROMES for pair in genotypes.variant_allele.tolist()], dtype=bool)
    large = counts.sizes >= TESTED_POPULATION
    mirrored = np.zeros(genotypes.m, dtype=bool)
    if large.sum() > 1:
        frequency = np.nan_to_num(allele_frequency(counts.counts[large]), nan=0.5)
        low, high = frequency.min(axis=0), frequency.max(axis=0)
        mirrored = (high - low > 0.6) & (np.abs(high + low - 1) < 0.1)
    # Drift mirrors frequencies too, whatever the alleles; only an excess among the ambiguous ones speaks of strands.
    by_drift = mirrored[~palindrome].mean() * palindrome.sum() if (~palindrome).any() else 0.0
    suspected = mirrored & palindrome
    if suspected.sum() <= 3 + 3 * by_drift:
        suspected[:] = False
    return {
        "known": bool((genotypes.variant_allele != "").all()),
        "strand_ambiguous": int(palindrome.sum()),
        "mirrored": [str(name) for name in genotypes.variant_id[suspected]],
    }
