"""Individuals of any file brought onto the variants of a dataset: the same columns, counting the same allele."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from core.data.genotypes import MISSING, Genotypes
from core.data.matching import made_up, match
from core.errors import InputError
from core.words import count

Index = npt.NDArray[np.int64]


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
    found = match(reference, other)
    absent = found.column < 0
    if absent.all():
        raise InputError(_nothing_in_common(reference, other, name, found.kinds["different"]))
    return Alignment(
        genotypes=_taken(reference, other, found.column, found.turned),
        absent=absent,
        swapped=found.kinds["turned"],
        strand=found.kinds["strand"],
        unnamed=found.kinds["unknown"] + found.kinds["unnamed"] * _names_alleles(reference),
        refused=found.kinds["different"],
        ambiguous=found.kinds["ambiguous"],
        left=other.m - int((~absent).sum()) - found.kinds["different"] - found.kinds["ambiguous"],
        by_column=found.by_column,
    )


def _nameless(reference: Genotypes, other: Genotypes) -> bool:
    """Whether one side has neither ids nor positions."""
    return any(made_up(one) and not one.has_positions for one in (reference, other))


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
