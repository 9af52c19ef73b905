"""A collection of sets as a dataset of the library: its digest, description, split, profile and files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.data.dataset import DatasetMeta, ranked, timestamp, write_rest
from core.data.set_files import write_sets
from core.data.set_split import profile_sets, sets_digest, split_sets
from core.data.sets import SetCollection

__all__ = ["describe_sets", "sets_digest", "store_sets"]


def store_sets(folder: Path, sets: SetCollection, meta: DatasetMeta, *, compressed: bool) -> DatasetMeta:
    """Split, profile and write a collection into the empty `folder`; returns `meta` completed by the split.

    `compressed` stores the observations as npz (for data that is shipped) instead of an array to be memory-mapped.
    """
    split = split_sets(sets, meta.id)
    meta = replace(meta, n_train=len(split.train), n_holdout=len(split.holdout))
    write_sets(folder, sets, compressed=compressed)
    write_rest(folder, sets.truth, meta, split, profile_sets(sets))
    return meta


def describe_sets(sets: SetCollection, **told: Any) -> DatasetMeta:
    """The description of a collection before it is split; `told` holds what the sets do not say (id, name, …)."""
    sizes = sets.sizes
    return DatasetMeta(
        kind="sets",
        individuals=0,
        variants=0,
        n_train=0,
        n_holdout=0,
        sets=sets.s,
        observations=sets.k,
        shape=[int(n) for n in sets.shape],
        modality=sets.modality,
        features=[str(f) for f in sets.feature[:200]],
        covariates=list(sets.covariates),
        sizes={"min": int(sizes.min()), "median": int(np.median(sizes)), "max": int(sizes.max())},
        unit=sets.unit,
        labels={column: ranked(values) for column, values in sets.labels.items()},
        has_truth=bool(sets.truth),
        **({"created": timestamp()} | told),
    )
