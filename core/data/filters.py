"""Filters at import: which variants and individuals stay, and how many each rule removed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import erfc, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Calls, Genotypes
from core.data.options import ImportOptions
from core.errors import InputError

Mask = npt.NDArray[np.bool_]

_BLOCK_BYTES = 32 << 20
_REGION = re.compile(r"(?P<contig>[^:\s]+)(?::(?P<start>[\d,]+)-(?P<end>[\d,]+))?")


@dataclass(frozen=True)
class Region:
    """A stretch of a contig, 1-based with both ends kept; "chr1" and "1" are one contig."""

    contig: str
    start: int = 0
    end: int = np.iinfo(np.int64).max

    @classmethod
    def parse(cls, text: str) -> Region | None:
        """The region written `contig:from-to` or `contig`; None for an empty text. Raises InputError."""
        if not text.strip():
            return None
        match = _REGION.fullmatch(text.strip())
        if not match:
            raise InputError(f"The region {text[:80]!r} is not of the form contig:from-to, such as 1:1,000-2,000.")
        if match["start"] is None:
            return cls(match["contig"])
        region = cls(match["contig"], int(match["start"].replace(",", "")), int(match["end"].replace(",", "")))
        if region.start > region.end:
            raise InputError(f"The region {text[:80]!r} ends before it starts; write the smaller position first.")
        return region

    def contains(self, contig: str, position: int) -> bool:
        """Whether a variant lies inside."""
        return _plain(contig) == _plain(self.contig) and self.start <= position <= self.end


def _plain(contig: str) -> str:
    return contig[3:] if contig[:3].lower() == "chr" else contig


@dataclass(frozen=True)
class GenotypeCounts:
    """Per variant: how many individuals are called with 0, 1, 2 alternate alleles, (m, 3) int64, and n."""

    table: npt.NDArray[np.int64]
    n: int
    ploidy: int

    @property
    def called(self) -> npt.NDArray[np.int64]:
        """(m,) individuals with a call."""
        called: npt.NDArray[np.int64] = self.table.sum(axis=1)
        return called

    @property
    def minor_allele_frequency(self) -> npt.NDArray[np.float64]:
        """(m,) 0..0.5; 0 where nothing is called."""
        copies = self.ploidy * np.maximum(self.called, 1)
        frequency = (self.table[:, 1] + 2 * self.table[:, 2]) / copies
        minor: npt.NDArray[np.float64] = np.minimum(frequency, 1 - frequency)
        return minor


def count_genotypes(genotypes: Genotypes) -> GenotypeCounts:
    """Genotype counts of each variant, in blocks of variants."""
    table = np.empty((genotypes.m, 3), dtype=np.int64)
    for block in _variant_blocks(genotypes.calls):
        calls = genotypes.calls[:, block]
        for value in range(3):
            table[block, value] = (calls == value).sum(axis=0)
    return GenotypeCounts(table, genotypes.n, genotypes.ploidy)


def _variant_blocks(calls: Calls) -> Iterator[slice]:
    n, m = calls.shape
    width = max(1, _BLOCK_BYTES // max(1, n))
    for start in range(0, m, width):
        yield slice(start, start + width)


def apply_filters(genotypes: Genotypes, options: ImportOptions) -> tuple[Genotypes, dict[str, int]]:
    """Filter in a fixed order: region, variant missingness, individual missingness, MAF, HWE, thinning.

    Returns the rest and reason → count removed (only rules that were asked for). Raises InputError where nothing is
    left.
    """
    removed: dict[str, int] = {}
    region = Region.parse(options.region)
    if region:
        genotypes = _keep(genotypes, _in_region(genotypes, region), "outside the region", removed)
    if options.variant_missing_max is not None:
        share = 1 - count_genotypes(genotypes).called / max(1, genotypes.n)
        limit = options.variant_missing_max
        genotypes = _keep(genotypes, share <= limit, f"variant missing in more than {limit:g}", removed)
    if options.individual_missing_max is not None:
        genotypes = _drop_individuals(genotypes, options.individual_missing_max, removed)
    if options.maf_min is not None:
        frequency = count_genotypes(genotypes).minor_allele_frequency
        # A frequency that equals the bound must stay although 1 - p is inexact.
        mask = frequency >= options.maf_min - 1e-12
        genotypes = _keep(genotypes, mask, f"minor-allele frequency below {options.maf_min:g}", removed)
    if options.hwe_p_min is not None:
        genotypes = _drop_disequilibrium(genotypes, options, removed)
    if options.thin_bp is not None:
        genotypes = _keep(genotypes, _thinned(genotypes, options.thin_bp), "thinned by distance", removed)
    return genotypes, removed


def _keep(genotypes: Genotypes, mask: Mask, reason: str, removed: dict[str, int]) -> Genotypes:
    removed[reason] = removed.get(reason, 0) + int((~mask).sum())
    if not mask.any():
        raise InputError(
            f"No variant is left: all {len(mask):,} were removed by the rule {reason!r}; relax that filter."
        )
    return genotypes if mask.all() else select_variants(genotypes, np.flatnonzero(mask))


def select_variants(genotypes: Genotypes, index: npt.NDArray[np.int64]) -> Genotypes:
    """`genotypes.variants(index)`, taking rows where the matrix is stored variant by variant (no strided gathering)."""
    if not genotypes.calls.flags.f_contiguous:
        return genotypes.variants(index)
    return replace(
        genotypes,
        calls=genotypes.calls.T[index].T,
        variant_id=genotypes.variant_id[index],
        variant_contig=genotypes.variant_contig[index],
        variant_position=genotypes.variant_position[index],
        variant_allele=genotypes.variant_allele[index],
    )


def _in_region(genotypes: Genotypes, region: Region) -> Mask:
    if not genotypes.has_positions:
        raise InputError(
            "A region was asked for, but the file has no positions; give a table of variants or no region."
        )
    contigs = np.unique(genotypes.variant_contig)
    named = [c for c in contigs.tolist() if _plain(c) == _plain(region.contig)]
    if not named:
        shown = ", ".join(contigs.tolist()[:10])
        raise InputError(f"The file has no contig {region.contig!r}; it has {shown}: name one of them in the region.")
    position = genotypes.variant_position
    mask: Mask = np.isin(genotypes.variant_contig, named) & (position >= region.start) & (position <= region.end)
    return mask


def _drop_individuals(genotypes: Genotypes, limit: float, removed: dict[str, int]) -> Genotypes:
    missing = np.zeros(genotypes.n, dtype=np.int64)
    for block in _variant_blocks(genotypes.calls):
        missing += (genotypes.calls[:, block] < 0).sum(axis=1)
    mask = missing / max(1, genotypes.m) <= limit
    reason = f"individual missing more than {limit:g} of calls"
    removed[reason] = int((~mask).sum())
    if not mask.any():
        raise InputError(
            f"No individual is left: all {len(mask):,} were removed by the rule {reason!r}; relax that filter."
        )
    return genotypes if mask.all() else genotypes.individuals(mask)


def _drop_disequilibrium(genotypes: Genotypes, options: ImportOptions, removed: dict[str, int]) -> Genotypes:
    if genotypes.ploidy != 2:
        raise InputError(
            "A Hardy-Weinberg filter was asked for haploid data; it is defined for diploids: leave it out."
        )
    table = count_genotypes(genotypes).table
    p = hardy_weinberg_exact(table) if options.hwe_test == "exact" else hardy_weinberg_chi2(table)
    assert options.hwe_p_min is not None
    return _keep(genotypes, p >= options.hwe_p_min, f"Hardy-Weinberg p below {options.hwe_p_min:g}", removed)


def _thinned(genotypes: Genotypes, distance: int) -> Mask:
    """Walk each contig from its start and keep a variant when it lies `distance` or more behind the last kept one."""
    if not genotypes.has_positions:
        raise InputError(
            "Thinning was asked for, but the file has no positions; give a table of variants or no thinning."
        )
    mask = np.zeros(genotypes.m, dtype=bool)
    last: dict[str, int] = {}
    order = np.argsort(genotypes.variant_position, kind="stable")
    contigs, positions = genotypes.variant_contig.tolist(), genotypes.variant_position.tolist()
    for j in order.tolist():
        if contigs[j] not in last or positions[j] - last[contigs[j]] >= distance:
            mask[j] = True
            last[contigs[j]] = positions[j]
    return mask


def hardy_weinberg_exact(table: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """(m,) exact two-sided p-values from genotype counts (m, 3): homozygote, heterozygote, homozygote.

    The probability of all heterozygote counts that are no likelier than the one seen, given the allele counts
    (Wigginton, Cutler and Abecasis 2005, eq. 1). A monomorphic or uncalled variant has p = 1.
    """
    low, high = table[:, [0, 2]].min(axis=1), table[:, [0, 2]].max(axis=1)
    keys, inverse = np.unique(np.column_stack([low, table[:, 1], high]), axis=0, return_inverse=True)
    total = int(table.sum(axis=1).max(initial=0))
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, 2 * total + 2)))])
    p = np.array([_exact(int(a), int(h), int(b), log_factorial) for a, h, b in keys], dtype=np.float64)
    return p[inverse.reshape(-1)]


def _exact(rare: int, heterozygous: int, common: int, log_factorial: npt.NDArray[Any]) -> float:
    n = rare + heterozygous + common
    minor = 2 * rare + heterozygous
    het = np.arange(minor % 2, minor + 1, 2)
    aa = (minor - het) // 2
    bb = n - het - aa
    log_p = het * np.log(2.0) - log_factorial[aa] - log_factorial[het] - log_factorial[bb]
    probability = np.exp(log_p - log_p.max())
    seen = probability[(heterozygous - minor % 2) // 2]
    # Equal probabilities differ by rounding; they must count as no likelier.
    return min(1.0, float(probability[probability <= seen * (1 + 1e-9)].sum() / probability.sum()))


def hardy_weinberg_chi2(table: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """(m,) p-values of Pearson's chi-squared with one degree of freedom, without continuity correction.

    p = erfc(sqrt(X² / 2)); X² = n F² with F = 1 - H_observed / H_expected. A monomorphic variant has p = 1.
    """
    n = np.maximum(table.sum(axis=1), 1)
    q = (table[:, 1] + 2 * table[:, 2]) / (2 * n)
    expected = 2 * q * (1 - q)
    with np.errstate(divide="ignore", invalid="ignore"):
        inbreeding = np.where(expected > 0, 1 - (table[:, 1] / n) / expected, 0.0)
    return np.array([erfc(sqrt(x / 2)) for x in n * inbreeding**2], dtype=np.float64)
