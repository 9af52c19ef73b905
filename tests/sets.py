"""Collections of sets for tests, made from flat observations."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.sets import SetCollection


def from_groups(observations: npt.ArrayLike, group: npt.ArrayLike, **columns: Any) -> SetCollection:
    """Sets from flat observations and the name of each one's set, in order of first appearance.

    `observations` is (k, …), `group` (k,); `columns` are further fields of SetCollection.
    """
    names, first, inverse = np.unique(np.asarray(group, dtype=np.str_), return_index=True, return_inverse=True)
    rank = np.empty(len(names), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(names))
    order = np.argsort(rank[inverse], kind="stable")
    sizes = np.bincount(rank[inverse], minlength=len(names))
    return SetCollection(
        observations=np.asarray(observations)[order],
        offsets=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        set_id=names[np.argsort(first)],
        **columns,
    )
