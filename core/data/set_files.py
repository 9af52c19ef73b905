"""A set collection as plain files: a flat array that can be memory-mapped, and the columns of the sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np

from core.data.sets import SetCollection

_LABEL, _COVARIATE = "label:", "covariate:"


def write_sets(folder: Path, sets: SetCollection, *, compressed: bool = False) -> None:
    """observations.npy (or .npz where `compressed`, for shipped data) and sets.npz."""
    if compressed:
        np.savez_compressed(folder / "observations.npz", observations=sets.observations)
    else:
        np.save(folder / "observations.npy", np.ascontiguousarray(sets.observations), allow_pickle=False)
    columns: dict[str, Any] = {_LABEL + k: v for k, v in sets.labels.items()}
    columns |= {_COVARIATE + k: v for k, v in sets.covariates.items()}
    # Names of columns come from the user: they go as a list, never as the names of archive members.
    names = list(columns)
    arrays = {f"column_{i}": columns[name] for i, name in enumerate(names)}
    facts = {
        "offsets": sets.offsets,
        "set_id": sets.set_id,
        "feature": sets.feature,
        "columns": np.array(names, dtype=np.str_),
        "facts": np.array([sets.modality, sets.alphabet, sets.unit], dtype=np.str_),
    }
    np.savez_compressed(folder / "sets.npz", **cast("dict[str, Any]", {**facts, **arrays}))


def read_sets(folder: Path, truth: dict[str, Any] | None = None) -> SetCollection:
    """What `write_sets` wrote; observations are a read-only memory map where they were not compressed."""
    if (folder / "observations.npy").exists():
        observations = np.load(folder / "observations.npy", mmap_mode="r", allow_pickle=False)
    else:
        with np.load(folder / "observations.npz", allow_pickle=False) as archive:
            observations = archive["observations"]
    with np.load(folder / "sets.npz", allow_pickle=False) as archive:
        columns = {str(name): archive[f"column_{i}"] for i, name in enumerate(archive["columns"])}
        modality, alphabet, unit = (str(v) for v in archive["facts"])
        return SetCollection(
            observations=observations,
            offsets=archive["offsets"],
            set_id=archive["set_id"],
            labels={k.removeprefix(_LABEL): v for k, v in columns.items() if k.startswith(_LABEL)},
            covariates={k.removeprefix(_COVARIATE): v for k, v in columns.items() if k.startswith(_COVARIATE)},
            feature=archive["feature"],
            modality=modality,
            alphabet=alphabet,
            unit=unit,
            truth=truth or {},
        )
