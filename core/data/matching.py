"""Which variant of one matrix is which of another, by id or place and by alleles, and which allele each side counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core.data.contigs import alike
from core.data.genotypes import Genotypes

Keys = Sequence[tuple[str, ...]]


@dataclass
class Match:
    """For each variant of the first side the column of the other that is the same variant, and how they agree.

    Attributes:
        column: (m,) int64, -1 where the other side has it not, or with other alleles.
        turned: (m,) bool, whether the other side counts the other allele.
        kinds: how many of the matched are "turned", named by the other "strand", matched where an allele is "unknown",
            or "unnamed" on one side altogether; and how many are left out as "different" in their alleles, or as
            "ambiguous" (A/T and C/G of a file that names others by the other strand).
        by_column: whether columns were matched by their order, because one side names nothing.
    """

    column: npt.NDArray[np.int64]
    turned: npt.NDArray[np.bool_]
    kinds: Counter[str] = field(default_factory=Counter)
    by_column: bool = False


def match(real: Genotypes, other: Genotypes) -> Match:
    """The variants of `other` that `real` has.

    They are found by contig and position or by id, whichever finds more, and the rest by the other way; by column where
    one side names nothing and the widths agree.

    Alleles are equal, swapped, those of the other strand, both, or known in part (PLINK writes 0 for an allele that
    nobody carries); with others it is another variant.
    """
    positions = real.has_positions and other.has_positions
    if not positions and real.m == other.m and (made_up(real) or made_up(other)):
        return Match(np.arange(real.m, dtype=np.int64), np.zeros(real.m, dtype=bool), by_column=True)
    ways = [_matched(real, other, *_places(real, other))] if positions else []
    if not ways or not (made_up(real) or made_up(other)):  # numbers in place of ids say nothing
        ways.append(_matched(real, other, identifiers(real), identifiers(other)))
    first, *rest = sorted(ways, key=lambda way: -int((way.column >= 0).sum()))
    for second in rest:
        free = (first.column < 0) & (second.column >= 0) & ~np.isin(second.column, first.column[first.column >= 0])
        first.column = np.where(free, second.column, first.column)
        first.turned = np.where(free, second.turned, first.turned)
        first.kinds["different"] = max(0, first.kinds["different"] - int(free.sum()))
    if first.kinds["strand"]:
        pairs = [{allele.upper() for allele in pair} for pair in real.variant_allele.tolist()]
        ambiguous = np.array([pair in _AMBIGUOUS for pair in pairs]) & (first.column >= 0)
        first.column[ambiguous] = -1
        first.turned[ambiguous] = False
        first.kinds["ambiguous"] = int(ambiguous.sum())
    first.kinds["turned"] = int(first.turned.sum())
    return first


def identifiers(genotypes: Genotypes) -> Keys:
    """(id,) of each variant."""
    return [(i,) for i in genotypes.variant_id.tolist()]


def made_up(genotypes: Genotypes) -> bool:
    """Whether the ids are those that `from_calls` gives to nameless columns."""
    first, last = genotypes.variant_id[[0, -1]].tolist() if genotypes.m else ("", "")
    return first == "variant_1" and last == f"variant_{genotypes.m}"


_COMPLEMENT = str.maketrans("ACGTacgt", "TGCAtgca")
_AMBIGUOUS = ({"A", "T"}, {"C", "G"})


def _matched(real: Genotypes, other: Genotypes, of_real: Keys, of_other: Keys) -> Match:
    """Match equal keys whose alleles agree; what stands twice on either side with the same alleles is left out."""
    where: dict[tuple[str, ...], list[int]] = {}
    for j, key in enumerate(of_other):
        where.setdefault(key, []).append(j)
    times = Counter(of_real)
    column, turned = np.full(real.m, -1, dtype=np.int64), np.zeros(real.m, dtype=bool)
    mine, theirs = real.variant_allele.tolist(), other.variant_allele.tolist()
    kinds: Counter[str] = Counter()
    taken: dict[int, int] = {}
    for i, key in enumerate(of_real):
        candidates = where.get(key, ())
        ranked = [(rank, j, how) for j in candidates for rank, how in [_relation(mine[i], theirs[j])] if how]
        best = [one for one in ranked if one[0] == min(r for r, _, _ in ranked)]
        if len(best) != 1 or (times[key] > 1 and best[0][0] > _SURE):
            kinds["different"] += bool(candidates) and not ranked
            continue
        _, j, how = best[0]
        if j in taken:  # two real variants are this one
            column[taken[j]], turned[taken[j]] = -1, False
            continue
        taken[j] = i
        column[i], turned[i] = j, "turned" in how
        kinds.update(how & {"strand", "unknown", "unnamed"})
    return Match(column, turned, kinds)


_SURE = 1  # ranks up to this one have the same two letters
_PARTLY = 1.5  # the rank of a match by one letter


def _relation(mine: list[str], theirs: list[str]) -> tuple[float, set[str]]:
    """How two pairs of alleles agree: (rank, the better the smaller; what has to be done), an empty set for not."""
    a, b = tuple(one.upper() for one in mine), tuple(one.upper() for one in theirs)
    if a != b and not (all(a) and all(b)):
        return _in_part(a, b)
    flipped = tuple(one.translate(_COMPLEMENT) for one in b)
    ranked = ((b, {"equal"}), (b[::-1], {"turned"}), (flipped, {"strand"}), (flipped[::-1], {"strand", "turned"}))
    return next(((rank, how) for rank, (pair, how) in enumerate(ranked) if a == pair), (9, set()))


def _in_part(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[float, set[str]]:
    """As `_relation`, where some allele is unknown (""): those that are known must not contradict each other."""
    if not any(a) or not any(b):
        return _PARTLY, {"unnamed"}
    straight = [(x, y) for x, y in zip(a, b, strict=True) if x and y]
    crossed = [(x, y) for x, y in zip(a, b[::-1], strict=True) if x and y]
    agree = [bool(pairs) and all(x == y for x, y in pairs) for pairs in (straight, crossed)]
    known = {one for one in (*a, *b) if one}
    if agree[0] or (not straight and len(known) == 2 and not agree[1]):
        return _PARTLY, {"unknown"}
    if agree[1] or (not crossed and len(known) == 2):
        return _PARTLY, {"unknown", "turned"}
    return 9, set()


def _places(real: Genotypes, other: Genotypes) -> tuple[Keys, Keys]:
    """(contig, position) of each variant of both sides, contigs by the names that they have in common.

    A variant without a position has a key that no other has.
    """
    sides = (real, other)
    names = alike(*(side.variant_contig.tolist() for side in sides))
    keys: list[Keys] = []
    for k, (side, name) in enumerate(zip(sides, names, strict=True)):
        places = zip(side.variant_contig.tolist(), side.variant_position.tolist(), strict=True)
        keys.append(
            [(name[contig], str(at)) if at else (f"unknown {k}", "", str(j)) for j, (contig, at) in enumerate(places)]
        )
    return keys[0], keys[1]
