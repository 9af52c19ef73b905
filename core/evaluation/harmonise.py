"""Two matrices on one axis: the same variants, in one order, counting the same allele."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from core.data.genotypes import MISSING, Genotypes
from core.data.matching import Keys, columns, identifiers, made_up
from core.errors import InputError


def harmonise(real: Genotypes, others: dict[str, Genotypes]) -> tuple[Genotypes, dict[str, Genotypes], list[str]]:
    """Bring `others` (name → genotypes) onto the variants of `real` that all of them have.

    Variants are matched by contig, position and unordered pair of alleles where both sides know positions, else
    by id; where neither is known and the widths agree, by column. A variant whose reference and alternate allele
    are swapped has its counts turned round. Order follows `real`.

    Returns real, the others, and one plain sentence a change. Nothing is copied where nothing changes.
    Raises InputError on different ploidy, no variant in common, or widths that differ without any names.
    """
    notes: list[str] = []
    matches: dict[str, tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]] = {}
    for name, other in others.items():
        if other.ploidy != real.ploidy:
            raise InputError(
                f"The {name} individuals have ploidy {other.ploidy} and the real ones ploidy {real.ploidy}; "
                "compare diploid with diploid or haploid with haploid calls."
            )
        matches[name] = _match(real, other, name, notes)
    kept = np.ones(real.m, dtype=bool)
    for column, _ in matches.values():
        kept &= column >= 0
    if not kept.any():
        raise InputError(
            f"The real and the {' and '.join(others)} individuals have no variant in common; their positions, alleles "
            "or ids must name the same variants."
        )
    if not kept.all():
        notes.append(f"{int(kept.sum())} of {real.m} real variants are in all matrices; the rest is left out.")
    aligned = {name: _taken(others[name], column[kept], turned[kept]) for name, (column, turned) in matches.items()}
    return real if kept.all() else real.variants(np.flatnonzero(kept)), aligned, notes


def _match(
    real: Genotypes, other: Genotypes, name: str, notes: list[str]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """For each real variant the column of `other` that is the same variant (-1: none), and whether it is swapped."""
    positions = real.has_positions and other.has_positions
    alleles = _known_alleles(real) and _known_alleles(other)
    nameless = not positions and (made_up(real) or made_up(other))
    if nameless and real.m == other.m:
        if identifiers(real) != identifiers(other):
            notes.append(f"Variants of the {name} individuals are matched column by column; one side names none.")
        return np.arange(real.m, dtype=np.int64), np.zeros(real.m, dtype=bool)
    column = columns(identifiers(real), identifiers(other))
    if positions:
        by_place = columns(_places(real, alleles), _places(other, alleles))
        column = by_place if (by_place >= 0).sum() >= (column >= 0).sum() else column
    found = column >= 0
    if nameless and not found.any():
        raise InputError(
            f"The real individuals have {real.m} variants and the {name} ones {other.m}, and nothing names them; "
            "give both files variant ids or positions, or the same columns."
        )
    if not found.any():
        return column, np.zeros(real.m, dtype=bool)
    if (np.diff(column[found]) < 0).any():
        notes.append(f"Variants of the {name} individuals are in another order and were put into the real one's.")
    left = other.m - int(found.sum())
    if left:
        notes.append(f"{left} of {other.m} variants of the {name} individuals are not among the real ones.")
    turned = np.zeros(real.m, dtype=bool)
    if alleles:
        mine, theirs = real.variant_allele[found], other.variant_allele[column[found]]
        turned[found] = (mine[:, 0] == theirs[:, 1]) & (mine[:, 1] == theirs[:, 0]) & (mine[:, 0] != mine[:, 1])
    if turned.any():
        notes.append(
            f"{int(turned.sum())} variants of the {name} individuals count the other allele and were turned round."
        )
    return column, turned


def _places(genotypes: Genotypes, alleles: bool) -> Keys:
    """(contig, position[, the two alleles in alphabetical order]) of each variant."""
    contigs = [c.removeprefix("chr").upper() for c in genotypes.variant_contig.tolist()]
    places = zip(contigs, map(str, genotypes.variant_position.tolist()), strict=True)
    if not alleles:
        return list(places)
    pairs = np.sort(genotypes.variant_allele, axis=1).tolist()
    return [(*place, *pair) for place, pair in zip(places, pairs, strict=True)]


def _known_alleles(genotypes: Genotypes) -> bool:
    return bool((genotypes.variant_allele != "").any())


def _taken(other: Genotypes, column: npt.NDArray[np.int64], turned: npt.NDArray[np.bool_]) -> Genotypes:
    unmoved = len(column) == other.m and bool((column == np.arange(other.m)).all())
    taken = other if unmoved else other.variants(column)
    if not turned.any():
        return taken
    calls = np.array(taken.calls)
    columns = np.flatnonzero(turned)
    block = calls[:, columns]
    calls[:, columns] = np.where(block == MISSING, block, other.ploidy - block)
    allele = taken.variant_allele.copy()
    allele[columns] = allele[columns, ::-1]
    return replace(taken, calls=calls, variant_allele=allele)
