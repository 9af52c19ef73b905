"""The fixed train / holdout partition of a dataset."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Genotypes
from core.data.relatives import Relatives, family_of

HOLDOUT_FRACTION = 0.2

Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Sorted indices of the individuals on each side; together they are all, none is on both."""

    train: Index
    holdout: Index


def make_split(genotypes: Genotypes, relatives: Relatives, digest: str) -> Split:
    """80 % train, 20 % holdout, in these shares within each population, each family on one side.

    The order in which families are offered to the holdout comes from the digest alone, so the same content has the same
    split on every machine. A family counts for the population of most of its members, and is passed over when it is
    larger than what the holdout of that population still lacks. Two individuals give one of each.
    """
    n = genotypes.n
    family = np.unique(family_of(relatives.pairs, n), return_inverse=True)[1]
    population = (
        np.zeros(n, dtype=np.int64)
        if genotypes.population is None
        else np.unique(genotypes.population, return_inverse=True)[1]
    )
    wanted = _apportion(np.bincount(population), max(1, round(HOLDOUT_FRACTION * n)) if n > 1 else 0)
    # Doubles of PCG64 are the part of numpy's generators that is stable between versions.
    order = np.argsort(np.random.Generator(np.random.PCG64(int(digest, 16))).random(n), kind="stable")
    members: dict[int, list[int]] = {}
    for i in order.tolist():
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
    holdout = np.sort(np.array(held, dtype=np.int64))
    return Split(train=np.setdiff1d(np.arange(n, dtype=np.int64), holdout), holdout=holdout)


def _apportion(sizes: npt.NDArray[np.int64], total: int) -> list[int]:
    """Shares of `total` in proportion to `sizes`, whole, by largest remainders (ties to the larger population)."""
    exact = sizes * (total / max(int(sizes.sum()), 1))
    shares = np.floor(exact).astype(np.int64)
    rest = np.lexsort((-sizes, -(exact - shares).round(9)))[: total - int(shares.sum())]
    shares[rest] += 1
    return [int(share) for share in shares]
