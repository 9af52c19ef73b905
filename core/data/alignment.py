"""Individuals of any file brought onto the variants of a dataset: the same columns, counting the same allele."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt

from core.data.genotypes import MISSING, Genotypes
from core.data.matching import Keys, columns, identifiers, made_up
from core.errors import InputError
from core.words import count

Index = npt.NDArray[np.int64]
Pair = tuple[str, str]

# How the alleles of a variant in the file relate to those in the dataset.
SAME, SWAPPED, STRAND, SWAPPED_STRAND, UNKNOWN, OTHER = range(6)
_COMPLEMENT = str.maketrans("ACGTacgt", "TGCAtgca")


@dataclass(frozen=True)
class Alignment:
    """The individuals of a file on the variants of a dataset.

    Attributes:
        genotypes: (n, m) the file's individuals with the dataset's variants; a variant that the file lacks is -1.
        absent: (m,) bool, the variants of the dataset that the file lacks or has with other alleles.
        swapped: variants whose reference and alternate allele changed places, and were turned round.
        strand: variants that the file names by the other strand (A/G for T/C).
        unnamed: variants taken to count the same allele, because the file or the dataset names none.
        refused: variants of the same name or place with other alleles.
        ambiguous: A/T and C/G variants of a file that uses the other strand elsewhere: their strand cannot be told.
        left: variants of the file that the dataset does not have.
        by_column: whether columns were matched by their order, because one side names no variant.
    """

    genotypes: Genotypes
    absent: npt.NDArray[np.bool_]
    swapped: int = 0
    strand: int = 0
    unnamed: int = 0
    refused: int = 0
    ambiguous: int = 0
    left: int = 0
    by_column: bool = False

    @property
    def matched(self) -> int:
        """Variants of the dataset that the file has."""
        return int((~self.absent).sum())

    def sentences(self) -> list[str]:
        """What was done, a plain sentence each; nothing of what did not occur."""
        told = (
            (self.by_column, "Variants are matched column by column: one side gives them no names."),
            (self.swapped, f"{count(self.swapped, 'variant')} with swapped alleles had the counts turned round."),
            (self.strand, f"{count(self.strand, 'variant')} named by the other strand took the dataset's alleles."),
            (self.unnamed, f"{count(self.unnamed, 'variant')} without alleles are taken to count the same one."),
            (self.refused, f"{count(self.refused, 'variant')} with other alleles than the dataset's count as absent."),
            (
                self.ambiguous,
                f"{count(self.ambiguous, 'variant')} A/T or C/G count as absent: the file mixes strands, and theirs "
                "cannot be told.",
            ),
            (self.left, f"{count(self.left, 'variant')} of the file are not in the dataset and are left out."),
        )
        return [text for happened, text in told if happened]


def align(reference: Genotypes, other: Genotypes, name: str) -> Alignment:
    """Bring `other` (the file called `name`) onto the variants of the dataset `reference`.

    A variant is matched by its id; else by contig, position and alleles, whichever is the reference and on either
    strand; where neither side names any and the widths agree, by column. Calls are counted by the dataset's alternate
    allele. Raises InputError on different ploidy, or where no variant of the file is in the dataset.
    """
    if reference.ploidy != other.ploidy:
        kinds = {1: "haploid", 2: "diploid"}
        raise InputError(
            f"{name} holds {kinds[other.ploidy]} calls and the dataset of the run {kinds[reference.ploidy]} ones; "
            "give a file of the same ploidy."
        )
    by_column = _nameless(reference, other) and reference.m == other.m
    column = np.arange(reference.m, dtype=np.int64) if by_column else _matched(reference, other)
    relation = _relations(reference, other, column)
    refused = relation == OTHER
    palindromic = np.array([_strand(a) == b for a, b in reference.variant_allele.tolist()]) & (relation != UNKNOWN)
    mixed = np.isin(relation, (STRAND, SWAPPED_STRAND))
    ambiguous = (column >= 0) & palindromic & bool(mixed.any())
    left = other.m - len(np.unique(column[column >= 0]))
    absent = (column < 0) | refused | ambiguous
    if absent.all():
        raise InputError(_nothing_in_common(reference, other, name, int(refused.sum())))
    turned = np.isin(relation, (SWAPPED, SWAPPED_STRAND)) & ~absent
    return Alignment(
        genotypes=_taken(reference, other, np.where(absent, -1, column), turned),
        absent=absent,
        swapped=int(turned.sum()),
        strand=int((mixed & ~absent).sum()),
        unnamed=int(((relation == UNKNOWN) & ~absent).sum()) if _names_alleles(reference) else 0,
        refused=int(refused.sum()),
        ambiguous=int((ambiguous & ~refused).sum()),
        left=left,
        by_column=by_column,
    )


def _nameless(reference: Genotypes, other: Genotypes) -> bool:
    """Whether one side has neither ids nor positions."""
    return any(made_up(one) and not one.has_positions for one in (reference, other))


def _matched(reference: Genotypes, other: Genotypes) -> Index:
    """(m,) the column of `other` that is the same variant, -1 where there is none."""
    column = np.full(reference.m, -1, dtype=np.int64)
    if not (made_up(reference) or made_up(other)):
        column = columns(identifiers(reference), identifiers(other))
        # The same name for something else (one of several alternate alleles): the place may know better.
        column[_relations(reference, other, column) == OTHER] = -1
    if reference.has_positions and other.has_positions:
        for alleles in (True, False):
            by_place = columns(_places(reference, alleles, "dataset"), _places(other, alleles, "file"))
            free = (column < 0) & ~np.isin(by_place, column[column >= 0])
            column = np.where(free, by_place, column)
    return column


def _places(genotypes: Genotypes, alleles: bool, side: str) -> Keys:
    """(contig, position[, its alleles in an order that swaps and strands leave alone]) of each variant."""
    contigs = [c.upper().removeprefix("CHR") for c in genotypes.variant_contig.tolist()]
    places = zip(contigs, genotypes.variant_position.tolist(), genotypes.variant_allele.tolist(), strict=True)
    return [
        (contig, str(position), *(_canonical((a, b)) if alleles else ())) if position else (side, "", str(j))
        for j, (contig, position, (a, b)) in enumerate(places)
    ]


def _canonical(pair: Pair) -> Pair:
    first, second = sorted(min(sorted(pair), sorted(map(_strand, pair))))
    return first, second


def _relations(reference: Genotypes, other: Genotypes, column: Index) -> npt.NDArray[np.int64]:
    """(m,) how the alleles of each matched variant relate; UNKNOWN where it is not matched."""
    relation = np.full(reference.m, UNKNOWN, dtype=np.int64)
    mine, theirs = reference.variant_allele.tolist(), other.variant_allele.tolist()
    for j in np.flatnonzero(column >= 0).tolist():
        relation[j] = _relation(tuple(mine[j]), tuple(theirs[column[j]]))
    return relation


@cache
def _relation(mine: Pair, theirs: Pair) -> int:
    """One allele of `theirs` may be unknown, as in a PLINK file where nobody carries it."""
    if not all(mine) or not any(theirs):
        return UNKNOWN
    turned = (theirs[1], theirs[0])
    for relation, pair in (
        (SAME, theirs),
        (SWAPPED, turned),
        (STRAND, tuple(map(_strand, theirs))),
        (SWAPPED_STRAND, tuple(map(_strand, turned))),
    ):
        if all(not b or a == b for a, b in zip(mine, pair, strict=True)):
            return relation
    return OTHER


def _strand(allele: str) -> str:
    """The allele as the other strand reads it."""
    return allele.translate(_COMPLEMENT)[::-1]


def _names_alleles(genotypes: Genotypes) -> bool:
    return bool((genotypes.variant_allele != "").any())


def _nothing_in_common(reference: Genotypes, other: Genotypes, name: str, refused: int) -> str:
    if refused:
        return (
            f"{count(refused, 'variant')} of {name} stand where the dataset of the run has others, with other alleles; "
            "give a file with the same alleles."
        )
    if _nameless(reference, other):
        return (
            f"{name} has {count(other.m, 'variant')} and the dataset of the run {reference.m:,}, and nothing names "
            "them; give both ids or positions, or the same columns."
        )
    return (
        f"None of the {count(other.m, 'variant')} of {name} is among the {reference.m:,} of the dataset of the run; "
        "give a file with the same ids, or with contigs, positions and alleles of the same genome build."
    )


def _taken(reference: Genotypes, other: Genotypes, column: Index, turned: npt.NDArray[np.bool_]) -> Genotypes:
    calls = np.full((other.n, reference.m), MISSING, dtype=np.int8)
    for j in np.flatnonzero(column >= 0).tolist():
        one = other.calls[:, column[j]]
        calls[:, j] = np.where(one == MISSING, one, other.ploidy - one) if turned[j] else one
    names = ("variant_id", "variant_contig", "variant_position", "variant_allele")
    return replace(other, calls=calls, truth={}, **{key: getattr(reference, key) for key in names})
