"""The fixed train / holdout partition of a dataset."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Genotypes
from core.data.relatives import Relatives, family_of
from core.data.sets import SetCollection

HOLDOUT_FRACTION = 0.2

Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Sorted indices of the individuals, or of the sets, on each side; together they are all, none is on both."""

    train: Index
    holdout: Index


def make_split(genotypes: Genotypes, relatives: Relatives, digest: str) -> Split:
    """80 % train, 20 % holdout, in these shares within each population, each family on one side.

    The order in which families are offered to the holdout comes from the digest alone, so the same content has the same
    split on every machine. A family counts for the population of most of its members, and is passed over when it is
    larger than what the holdout of that population still lacks. Two individuals give one of each.
    """
    n = genotypes.n
    family = family_of(relatives.pairs, n)
    population = genotypes.population_code
    wanted = _apportion(np.bincount(population), max(1, round(HOLDOUT_FRACTION * n)) if n > 1 else 0)
    members: dict[int, list[int]] = {}
    for i in _order(digest, n).tolist():
        members.setdefault(int(family[i]), []).append(i)
    held: list[int] = []
    for family_members in members.values():
        home = int(np.bincount(population[family_members]).argmax())
        if len(family_members) <= wanted[home]:
            wanted[home] -= len(family_members)
            held.extend(family_members)
    if not held and n > 1:  # every family is too large: the smallest is held out, or one individual of a single family
        smallest = min(members.values(), key=len)
        held = smallest if len(smallest) < n else smallest[:1]
    return _parted(held, n)


def split_sets(sets: SetCollection, digest: str) -> Split:
    """80 % of the sets train, 20 % holdout, by the digest alone; all sets of one unit on one side.

    Without a unit, sets are stratified by the first label column where each of its values has five sets or more.
    """
    order = _order(digest, sets.s)
    wanted = max(1, round(HOLDOUT_FRACTION * sets.s))
    if sets.unit:
        unit = sets.labels[sets.unit]
        held: list[int] = []
        for name in dict.fromkeys(unit[order].tolist()):
            members = np.flatnonzero(unit == name).tolist()
            if len(held) + len(members) <= wanted or not held:
                held.extend(members)
        held = held if len(held) < sets.s else held[:1]
    else:
        held = _stratified(sets, order, wanted)
    return _parted(held, sets.s)


def _order(digest: str, n: int) -> Index:
    # Doubles of PCG64 are the part of numpy's generators that is stable between versions.
    return np.argsort(np.random.Generator(np.random.PCG64(int(digest, 16))).random(n), kind="stable")


def _parted(held: list[int], n: int) -> Split:
    holdout = np.sort(np.array(held, dtype=np.int64))
    return Split(train=np.setdiff1d(np.arange(n, dtype=np.int64), holdout), holdout=holdout)


def _apportion(sizes: npt.NDArray[np.int64], total: int) -> list[int]:
    """Shares of `total` in proportion to `sizes`, whole, by largest remainders (ties to the larger population)."""
    exact = sizes * (total / max(int(sizes.sum()), 1))
    shares = np.floor(exact).astype(np.int64)
    rest = np.lexsort((-sizes, -(exact - shares).round(9)))[: total - int(shares.sum())]
    shares[rest] += 1
    return [int(share) for share in shares]


def _stratified(sets: SetCollection, order: Index, wanted: int) -> list[int]:
    label = next(iter(sets.labels.values()), None)
    if label is None or np.unique(label, return_counts=True)[1].min() < 5:
        return [int(i) for i in order[:wanted]]
    held: list[int] = []
    for value in np.unique(label):
        members = [int(i) for i in order if label[i] == value]
        held.extend(members[: max(1, round(HOLDOUT_FRACTION * len(members)))])
    return held
