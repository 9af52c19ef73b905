"""Filters at import: which variants and individuals stay, and how many each rule removed."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.data.contigs import alike, plain
from core.data.genotype_counts import allele_frequency, genotype_counts
from core.data.genotypes import Genotypes
from core.data.hardy_weinberg import hardy_weinberg_p
from core.data.intake.cohort_options import CohortOptions
from core.data.intake.formats.calls import taken
from core.errors import InputError

Mask = npt.NDArray[np.bool_]

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
        return plain(contig) == plain(self.contig) and self.start <= position <= self.end


def apply_filters(genotypes: Genotypes, options: CohortOptions) -> tuple[Genotypes, dict[str, int]]:
    """Filter in a fixed order: region, variant missingness, individual missingness, MAF, HWE, thinning.

    Returns the rest and reason → count removed (only rules that were asked for). Raises InputError where nothing is
    left.
    """
    removed: dict[str, int] = {}
    region = Region.parse(options.region)
    if region:
        genotypes = _keep(genotypes, _in_region(genotypes, region), "outside the region", removed)
    if options.variant_missing_max is not None:
        share = 1 - genotype_counts(genotypes.calls, genotypes.ploidy).sum(axis=1) / max(1, genotypes.n)
        limit = options.variant_missing_max
        genotypes = _keep(genotypes, share <= limit, f"variant missing in more than {limit:g}", removed)
    if options.individual_missing_max is not None:
        genotypes = _drop_individuals(genotypes, options.individual_missing_max, removed)
    if options.maf_min is not None:
        frequency = np.nan_to_num(allele_frequency(genotype_counts(genotypes.calls, genotypes.ploidy)))
        # A frequency that equals the bound must stay although 1 - p is inexact.
        mask = np.minimum(frequency, 1 - frequency) >= options.maf_min - 1e-12
        genotypes = _keep(genotypes, mask, f"minor-allele frequency below {options.maf_min:g}", removed)
    if options.hwe_p_min is not None:
        genotypes = _drop_disequilibrium(genotypes, options.hwe_p_min, removed)
    if options.thin_bp is not None:
        genotypes = _keep(genotypes, _thinned(genotypes, options.thin_bp), "thinned by distance", removed)
    return genotypes, removed


def _keep(genotypes: Genotypes, mask: Mask, reason: str, removed: dict[str, int]) -> Genotypes:
    removed[reason] = removed.get(reason, 0) + int((~mask).sum())
    if not mask.any():
        raise InputError(
            f"No variant is left: all {len(mask):,} were removed by the rule {reason!r}; relax that filter."
        )
    return genotypes if mask.all() else genotypes.variants(mask, taken(genotypes.calls, mask, axis=1))


def _in_region(genotypes: Genotypes, region: Region) -> Mask:
    if not genotypes.has_positions:
        raise InputError(
            "A region was asked for, but the file has no positions; give a table of variants or no region."
        )
    contigs = np.unique(genotypes.variant_contig)
    there, asked = alike(contigs.tolist(), [region.contig])
    named = [c for c in contigs.tolist() if there[c] == asked[region.contig]]
    if not named:
        shown = ", ".join(contigs.tolist()[:10])
        raise InputError(f"The file has no contig {region.contig!r}; it has {shown}: name one of them in the region.")
    position = genotypes.variant_position
    return np.isin(genotypes.variant_contig, named) & (position >= region.start) & (position <= region.end)


def _drop_individuals(genotypes: Genotypes, limit: float, removed: dict[str, int]) -> Genotypes:
    called = genotype_counts(genotypes.calls.T, genotypes.ploidy).sum(axis=1)
    mask = (genotypes.m - called) / max(1, genotypes.m) <= limit
    reason = f"individual missing more than {limit:g} of calls"
    removed[reason] = int((~mask).sum())
    if not mask.any():
        raise InputError(
            f"No individual is left: all {len(mask):,} were removed by the rule {reason!r}; relax that filter."
        )
    return genotypes if mask.all() else genotypes.individuals(mask, taken(genotypes.calls, mask, axis=0))


def _drop_disequilibrium(genotypes: Genotypes, limit: float, removed: dict[str, int]) -> Genotypes:
    if genotypes.ploidy != 2:
        raise InputError(
            "A Hardy-Weinberg filter was asked for haploid data; it is defined for diploids: leave it out."
        )
    table = genotype_counts(genotypes.calls, genotypes.ploidy)
    # A variant called in fewer than two individuals has p = NaN and stays: there is nothing against it.
    return _keep(genotypes, ~(hardy_weinberg_p(table) < limit), f"Hardy-Weinberg p below {limit:g}", removed)


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
