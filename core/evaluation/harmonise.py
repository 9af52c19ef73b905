"""Two matrices on one axis: the same variants, in one order, counting the same allele."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from core.data.genotypes import MISSING, Genotypes, Strings
from core.data.matching import Match, made_up, match
from core.errors import InputError


def harmonise(real: Genotypes, others: dict[str, Genotypes]) -> tuple[Genotypes, dict[str, Genotypes], list[str]]:
    """Bring `others` (name → genotypes) onto the variants of `real` that all of them have.

    Variants are matched by contig and position where both sides know positions, else by id; where neither is known and
    the widths agree, by column. Of a match the alleles are equal, swapped (counts are turned round), those of the other
    strand, both, or known in part (PLINK writes 0 for an allele that nobody carries); with other alleles it is left
    out. Order follows `real`.

    Returns real, the others, and one plain sentence a change. Nothing is copied where nothing changes.
    Raises InputError on different ploidy, no variant in common, or widths that differ without any names.
    """
    notes: list[str] = []
    matches: dict[str, Match] = {}
    for name, other in others.items():
        if other.ploidy != real.ploidy:
            raise InputError(
                f"The {name} individuals have ploidy {other.ploidy} and the real ones ploidy {real.ploidy}; "
                "compare diploid with diploid or haploid with haploid calls."
            )
        matches[name] = _match(real, other, name, notes)
    kept = np.ones(real.m, dtype=bool)
    for one in matches.values():
        kept &= one.column >= 0
    if not kept.any():
        raise InputError(
            f"The real and the {' and '.join(others)} individuals have no variant in common; their positions, alleles "
            "or ids must name the same variants."
        )
    if not kept.all():
        notes.append(f"{int(kept.sum())} of {real.m} real variants are in all matrices; the rest is left out.")
    reduced = real if kept.all() else real.variants(np.flatnonzero(kept))
    aligned = {
        name: _taken(others[name], one.column[kept], one.turned[kept], reduced.variant_allele)
        for name, one in matches.items()
    }
    return reduced, aligned, notes


def _match(real: Genotypes, other: Genotypes, name: str, notes: list[str]) -> Match:
    found = match(real, other)
    if found.by_column:
        if real.variant_id.tolist() != other.variant_id.tolist():
            notes.append(f"Variants of the {name} individuals are matched column by column; one side names none.")
        return found
    column = found.column[found.column >= 0]
    if not len(column):
        if (made_up(real) or made_up(other)) and not (real.has_positions and other.has_positions):
            raise InputError(
                f"The real individuals have {real.m} variants and the {name} ones {other.m}, and nothing names them; "
                "give both files variant ids or positions, or the same columns."
            )
        return found
    if (np.diff(column) < 0).any():
        notes.append(f"Variants of the {name} individuals are in another order and were put into the real one's.")
    left = other.m - len(column) - found.kinds["different"] - found.kinds["ambiguous"]
    if left > 0:
        notes.append(f"{left} of {other.m} variants of the {name} individuals are not among the real ones.")
    notes += [said.format(found.kinds[kind], name) for kind, said in _SAID.items() if found.kinds[kind]]
    return found


_SAID = {
    "turned": "{} variants of the {} individuals count the other allele and were turned round.",
    "strand": "{} variants of the {} individuals name the alleles of the other strand and were matched.",
    "unknown": "{} variants of the {} individuals are matched by the one allele that both sides know.",
    "ambiguous": "{} variants of the {} individuals are A/T or C/G and left out: the file names others by the other "
    "strand, and theirs cannot be told.",
    "different": "{} variants of the {} individuals have other alleles than the real ones and are left out.",
}


def _taken(
    other: Genotypes, column: npt.NDArray[np.int64], turned: npt.NDArray[np.bool_], alleles: Strings
) -> Genotypes:
    """The columns of `other` that were matched, in order, turned round where they are swapped."""
    unmoved = len(column) == other.m and bool((column == np.arange(other.m)).all())
    taken = other if unmoved else other.variants(column)
    if not turned.any():
        return taken
    calls = np.array(taken.calls)
    columns = np.flatnonzero(turned)
    block = calls[:, columns]
    calls[:, columns] = np.where(block == MISSING, block, other.ploidy - block)
    allele = taken.variant_allele.astype(np.result_type(taken.variant_allele, alleles))
    allele[columns] = np.where((alleles[columns] != "").all(axis=1)[:, None], alleles[columns], allele[columns, ::-1])
    return replace(taken, calls=calls, variant_allele=allele)
