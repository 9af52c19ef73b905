"""Genotype counts, and what follows from them alone: frequencies, heterozygosity, F_IS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Calls, Genotypes

POPULATIONS_MAX = 60  # a label column with more values is no division into populations

_BLOCK_BYTES = 32 << 20

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def genotype_counts(calls: Calls, ploidy: int, rows: npt.NDArray[np.int64] | None = None) -> Counts:
    """(m, ploidy + 1) int64: individuals with 0, 1, (2) alternate alleles at each variant; missing calls in no column.

    Of the individuals at `rows`, or of all; of the transposed matrix, the variants of each individual. The matrix is
    read once, a block at a time along its memory, so that a memory map stays on disk.
    """
    n, m = calls.shape
    counts = np.zeros((m, ploidy + 1), dtype=np.int64)
    if rows is None and calls.flags.f_contiguous and not calls.flags.c_contiguous:  # stored variant by variant
        step = max(1, _BLOCK_BYTES // max(1, n))
        for start in range(0, m, step):
            _add(counts[start : start + step], np.asarray(calls[:, start : start + step]))
        return counts
    step, size = max(1, _BLOCK_BYTES // max(1, m)), n if rows is None else len(rows)
    for start in range(0, size, step):
        some = slice(start, start + step)
        _add(counts, np.asarray(calls[some] if rows is None else calls[rows[some]]))
    return counts


def allele_counts(counts: Counts) -> Counts:
    """(..., m, 2) reference and alternate alleles, from (..., m, ploidy + 1) genotype counts."""
    copies = np.arange(counts.shape[-1])
    return np.stack([counts @ copies[::-1], counts @ copies], axis=-1)


def allele_frequency(counts: Counts) -> Floats:
    """(..., m) alternate-allele frequency from (..., m, ploidy + 1) genotype counts; NaN where nobody is called."""
    alleles = allele_counts(counts)
    total = alleles.sum(axis=-1)
    return alleles[..., 1] / np.where(total > 0, total, np.nan)


def heterozygosity_observed(counts: Counts) -> Floats:
    """(m,) share of heterozygotes from (m, 3) genotype counts; NaN where nobody is called."""
    called = counts.sum(axis=-1)
    return counts[..., 1] / np.where(called > 0, called, np.nan)


def heterozygosity_expected(frequency: Floats) -> Floats:
    """2p(1 − p): the share of heterozygotes that random mating gives at allele frequency p."""
    return 2 * frequency * (1 - frequency)


def f_is(counts: Counts) -> Floats:
    """(m,) F_IS = 1 − H_observed / H_expected from (m, 3) genotype counts; NaN where a variant does not vary."""
    expected = heterozygosity_expected(allele_frequency(counts))
    return 1 - heterozygosity_observed(counts) / np.where(expected > 0, expected, np.nan)


@dataclass(frozen=True)
class GenotypeCounts:
    """How often each call occurs, by population.

    Attributes:
        population: (p,) names; one "" where there are no labels.
        counts: (p, m, ploidy + 1) int64, individuals of a population with 0, 1, 2 alternate alleles.
        sizes: (p,) int64, individuals, called or not.
        individual_missing: (n,) fraction of the variants not called.
        individual_heterozygosity: (n,) fraction of the called variants that are heterozygous; NaN for haploids.
    """

    population: list[str]
    counts: Counts
    sizes: Counts
    individual_missing: Floats
    individual_heterozygosity: Floats

    @property
    def pooled(self) -> Counts:
        """(m, ploidy + 1) counts in the whole cohort."""
        return self.counts.sum(axis=0)


def count_genotypes(genotypes: Genotypes) -> GenotypeCounts:
    """Count the calls by population (first label column)."""
    calls, ploidy, labels = genotypes.calls, genotypes.ploidy, genotypes.population
    if labels is None or len(np.unique(labels)) > POPULATIONS_MAX:
        labels = np.full(genotypes.n, "", dtype=np.str_)
    names, sizes = np.unique(labels, return_counts=True)
    members = genotype_counts(calls.T, ploidy)
    called = members.sum(axis=1)
    return GenotypeCounts(
        population=names.tolist(),
        counts=np.stack([genotype_counts(calls, ploidy, np.flatnonzero(labels == name)) for name in names]),
        sizes=sizes.astype(np.int64),
        individual_missing=1 - called / genotypes.m,
        individual_heterozygosity=(
            members[:, 1] / np.maximum(called, 1) if ploidy == 2 else np.full(genotypes.n, np.nan)
        ),
    )


def _add(counts: Counts, block: Calls) -> None:
    """Add the calls of a block (rows, m) to (m, ploidy + 1) counts."""
    for call in range(counts.shape[1]):
        counts[:, call] += np.count_nonzero(block == call, axis=0)
