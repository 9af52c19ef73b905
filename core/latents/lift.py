"""One level up: the latents of the sets of a unit, as the observations of one set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.data.sets import SetCollection
from core.errors import InputError
from core.latents.lens import Latents

LEAST = 2  # sets of a unit that make a distribution of latents


@dataclass(frozen=True)
class Lifted:
    """Sets of latents.

    Attributes:
        sets: one set for each unit; its observations are the latents of the unit's sets.
        dropped: units with fewer than two sets.
        holdout: (h,) places of units all of whose sets the run had held out.
        mixed: units with sets on both sides of the run's split.
    """

    sets: SetCollection
    dropped: int
    holdout: npt.NDArray[np.int64]
    mixed: int


def lift(sets: SetCollection, latents: Latents, held: npt.NDArray[np.int64], unit: str = "") -> Lifted:
    """One set for each value of the label column `unit` (default: the unit of the sets).

    Args:
        latents: (s, L) of all sets. held: places of the sets that the run held out.

    Labels and covariates stay that are the same in all sets of each unit; sets without a value of `unit` are left out.
    Raises InputError for a column that is not there, and where fewer than two units have two sets.
    """
    column = unit or sets.unit
    if column not in sets.labels:
        listed = ", ".join(sets.labels) or "none"
        what = f"There is no label column {column!r}" if column else "The sets name no unit; choose one by --unit"
        raise InputError(f"{what}; the label columns are: {listed}.")
    values = sets.labels[column]
    names = [name for name in dict.fromkeys(values.tolist()) if name]
    places = {name: np.flatnonzero(values == name) for name in names}
    kept = [name for name in names if len(places[name]) >= LEAST]
    if len(kept) < 2:
        raise InputError(f"{len(kept)} of {len(names)} values of {column!r} have {LEAST} sets or more; 2 are needed.")
    members = [places[name] for name in kept]
    first = np.array([one[0] for one in members])
    inside = [np.isin(one, held) for one in members]
    return Lifted(
        sets=SetCollection(
            observations=np.concatenate([latents[one] for one in members]).astype(np.float32),
            offsets=np.concatenate([[0], np.cumsum([len(one) for one in members])]).astype(np.int64),
            set_id=np.array(kept, dtype=np.str_),
            labels={
                name: label[first]
                for name, label in sets.labels.items()
                if name != column and all(len(set(label[one].tolist())) == 1 for one in members)
            },
            covariates={
                name: covariate[first]
                for name, covariate in sets.covariates.items()
                if all(np.isfinite(covariate[one]).all() and np.ptp(covariate[one]) == 0 for one in members)
            },
            feature=np.array([f"latent {i + 1}" for i in range(latents.shape[1])], dtype=np.str_),
        ),
        dropped=len(names) - len(kept),
        holdout=np.flatnonzero([one.all() for one in inside]).astype(np.int64),
        mixed=sum(bool(one.any() and not one.all()) for one in inside),
    )
