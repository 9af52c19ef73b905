"""Which variant of one matrix is which of another: keys that name a variant, and the columns that share one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Genotypes

Keys = Sequence[tuple[str, ...]]


def columns(of_real: Keys, of_other: Keys) -> npt.NDArray[np.int64]:
    """For each key of `of_real` its index in `of_other`, -1 where it is absent or stands twice on either side."""
    if of_real == of_other:
        return np.arange(len(of_real), dtype=np.int64)
    once, where = _unique(of_real), _unique(of_other)
    return np.array([where.get(key, -1) if key in once else -1 for key in of_real], dtype=np.int64)


def identifiers(genotypes: Genotypes) -> Keys:
    """(id,) of each variant."""
    return [(i,) for i in genotypes.variant_id.tolist()]


def made_up(genotypes: Genotypes) -> bool:
    """Whether the ids are those that `from_calls` gives to nameless columns."""
    first, last = genotypes.variant_id[[0, -1]].tolist() if genotypes.m else ("", "")
    return first == "variant_1" and last == f"variant_{genotypes.m}"


def _unique(keys: Keys) -> dict[tuple[str, ...], int]:
    """Key → index, without the keys that occur twice: which of the two is meant cannot be told."""
    times = Counter(keys)
    return {key: i for i, key in enumerate(keys) if times[key] == 1}
