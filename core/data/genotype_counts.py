"""Genotype counts of every variant in every population, in one pass over the matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Genotypes

POPULATIONS_MAX = 60  # a label column with more values is no division into populations

_ROWS = 256


@dataclass(frozen=True)
class GenotypeCounts:
    """How often each call occurs.

    Attributes:
        population: (p,) names; one "" where there are no labels.
        counts: (p, m, ploidy + 1) int64, individuals of a population with 0, 1, 2 alternate alleles.
        sizes: (p,) int64, individuals, called or not.
        individual_missing: (n,) fraction of the variants not called.
        individual_heterozygosity: (n,) fraction of the called variants that are heterozygous; NaN for haploids.
    """

    population: list[str]
    counts: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    individual_missing: npt.NDArray[np.float64]
    individual_heterozygosity: npt.NDArray[np.float64]

    @property
    def pooled(self) -> npt.NDArray[np.int64]:
        """(m, ploidy + 1) counts in the whole cohort."""
        total: npt.NDArray[np.int64] = self.counts.sum(axis=0)
        return total


def count_genotypes(genotypes: Genotypes) -> GenotypeCounts:
    """Count the calls by population (first label column) a block of rows at a time, so a memory map stays on disk."""
    n, m, ploidy = genotypes.n, genotypes.m, genotypes.ploidy
    labels = genotypes.population
    if labels is None or len(np.unique(labels)) > POPULATIONS_MAX:
        labels = np.full(n, "", dtype=np.str_)
    names, code = np.unique(labels, return_inverse=True)
    counts = np.zeros((len(names), m, ploidy + 1), dtype=np.int64)
    called = np.empty(n)
    heterozygous = np.empty(n)
    for group in range(len(names)):
        rows = np.flatnonzero(code == group)
        for start in range(0, len(rows), _ROWS):
            some = rows[start : start + _ROWS]
            block = genotypes.calls[some]
            for call in range(ploidy + 1):
                equal = block == call
                counts[group, :, call] += equal.sum(axis=0)
                if call == 1:
                    heterozygous[some] = equal.sum(axis=1)
            called[some] = (block >= 0).sum(axis=1)
    return GenotypeCounts(
        population=names.tolist(),
        counts=counts,
        sizes=np.bincount(code).astype(np.int64),
        individual_missing=1 - called / m,
        individual_heterozygosity=heterozygous / np.maximum(called, 1) if ploidy == 2 else np.full(n, np.nan),
    )


def allele_frequency(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """(..., m) alternate-allele frequency from (..., m, ploidy + 1) counts; NaN where nobody is called."""
    called = counts.sum(axis=-1)
    alleles = (counts * np.arange(counts.shape[-1])).sum(axis=-1)
    frequency: npt.NDArray[np.float64] = np.where(
        called > 0, alleles / np.maximum(called * (counts.shape[-1] - 1), 1), np.nan
    )
    return frequency
