"""Sites: which sets of a dataset lie where, and what one site alone can see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.sets import SetCollection
from core.data.split import Split
from core.errors import InputError

Index = npt.NDArray[np.int64]


def site_of(sets: SetCollection, split: Split, federation: Mapping[str, Any], seed: int) -> Index:
    """(s,) the place of the site that each set lies at in `federation["sites"]`, -1 for a set of no site.

    With a `site_column` the sites are its values. Without one, units (sets, where there is no unit) are shuffled by
    the seed and dealt out in turn, those that train and those that are held out each for themselves.
    """
    names, column = federation["sites"], federation["site_column"]
    if column:
        place = {name: i for i, name in enumerate(names)}
        return np.array([place.get(value, -1) for value in sets.labels[column].tolist()], dtype=np.int64)
    unit = np.unique(sets.labels[sets.unit], return_inverse=True)[1] if sets.unit else np.arange(sets.s)
    rng, site = np.random.default_rng(seed), np.full(sets.s, -1, dtype=np.int64)
    for side in (split.train, split.holdout):
        for i, one in enumerate(rng.permutation(np.unique(unit[side]))):
            site[side[unit[side] == one]] = i % len(names)
    return site


def at_site(
    sets: SetCollection, split: Split, federation: Mapping[str, Any], seed: int, site: str
) -> tuple[SetCollection, Split]:
    """The sets of one site, copied, and their split: nothing of another site is in them.

    Raises InputError where fewer than two sets are left to train on.
    """
    own = np.flatnonzero(site_of(sets, split, federation, seed) == federation["sites"].index(site))
    train, holdout = (np.flatnonzero(np.isin(own, side)) for side in (split.train, split.holdout))
    if len(train) < 2:
        raise InputError(
            f"The site {site!r} has {len(train)} sets to train on; 2 are needed: take fewer sites, or another column."
        )
    return sets.sets(own), Split(train=train, holdout=holdout)
