"""From a dataset of sets and its split to what a model of sets sees."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch

from core.data.sets import SetCollection
from core.data.split import Split
from core.data.stages import numbers_of, stages
from core.errors import InputError
from core.models.gde.data import SetData, prepare_sets
from core.training.stored import Shelf

CLASSES_MAX = 500
VALIDATION_SETS, VALIDATION_OBSERVATIONS, VALIDATION_ENTRIES = 64, 128, 2_000_000


def validation_size(data: SetData) -> tuple[int, int]:
    """Held-out sets, and observations of each, that a validation during training generates.

    Fewer observations of images: a validation must not take longer than the epochs between two of them.
    """
    sets = min(len(data), VALIDATION_SETS)
    entries = sets * data.observations[0].numel()
    return sets, max(8, min(VALIDATION_OBSERVATIONS, VALIDATION_ENTRIES // max(entries, 1)))


def load_sets(
    sets: SetCollection, split: Split, model: dict[str, Any], shelf: Shelf | None = None
) -> tuple[SetData, SetData | None]:
    """Both sides of the split ready for a GDE; what the auxiliary head needs is taken from `model`'s settings.

    classification: `model.label` names the label column. next_set: `model.label` names the column of numbers that
    orders the sets of one unit; empty: the first that does. effect: the control is the set of the same unit whose
    label `model.label` is `model.control`. With `shelf` observations stay on disk.
    Raises InputError for a column that the sets lack.
    """
    kind, column = str(model.get("auxiliary", "none")), str(model.get("label", ""))
    if kind in ("classification", "effect") and column not in sets.labels:
        raise InputError(f"model.label is {column!r}; label columns of these sets: {', '.join(sets.labels) or 'none'}.")
    label = column if kind == "classification" else ""
    if label and len(set(sets.labels[label].tolist())) > CLASSES_MAX:
        raise InputError(f"The label {label!r} has more than {CLASSES_MAX} values; choose a column of classes.")
    partner = _partners(sets, kind, column, str(model.get("control", "")))
    train, held = (None if shelf is None else partial(shelf.observations, name) for name in ("train", "holdout"))
    data = _with_partners(prepare_sets(sets, split.train, label=label, store=train), partner, split.train)
    if not len(split.holdout):
        return data, None
    held_out = prepare_sets(sets, split.holdout, label=label, spec=data.spec, store=held)
    return data, _with_partners(held_out, partner, split.holdout)


def _partners(sets: SetCollection, kind: str, column: str, control: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    """(s,) the set that each set's head predicts or is compared with, -1 none."""
    partner = np.full(sets.s, -1, dtype=np.int64)
    if kind not in ("next_set", "effect"):
        return partner
    unit = sets.labels[sets.unit] if sets.unit else np.full(sets.s, "")
    stage = _stage(sets, column) if kind == "next_set" else np.zeros(sets.s)
    if kind == "effect" and control not in sets.labels[column]:
        raise InputError(f"model.control is {control!r}; no set has that value of {column!r}.")
    for name in np.unique(unit):
        members = np.flatnonzero(unit == name)
        if kind == "next_set":
            known = members[np.isfinite(stage[members])]
            order = known[np.argsort(stage[known], kind="stable")]
            partner[order[:-1]] = order[1:]
        else:
            controls = members[sets.labels[column][members] == control]
            if len(controls):
                partner[members] = controls[0]
                partner[controls] = -1
    return partner


def _stage(sets: SetCollection, column: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """(s,) where each set stands in the order of its unit; NaN where that is unknown."""
    if not column:
        _, found = stages(sets)
        if found is None:
            raise InputError(
                f"No column of numbers orders the {sets.s:,} sets within their units: ten units with several sets that "
                "are used are needed. Import with --unit, lower dataset.min_samples, name the column as "
                "model.label, or set model.auxiliary=none."
            )
        return found
    values = {**sets.labels, **sets.covariates}.get(column)
    numbers = None if values is None else numbers_of(values)
    if numbers is None:
        offered = [c for c, v in {**sets.covariates, **sets.labels}.items() if numbers_of(v) is not None]
        raise InputError(
            f"model.label is {column!r}; columns of numbers of these sets: {', '.join(offered) or 'none'}."
        )
    return numbers


def _with_partners(
    data: SetData, partner: np.ndarray[Any, np.dtype[np.int64]], index: np.ndarray[Any, np.dtype[np.int64]]
) -> SetData:
    """Partners as positions within this side of the split; a partner on the other side counts as none."""
    place = np.full(len(partner) + 1, -1, dtype=np.int64)
    place[index] = np.arange(len(index))
    return replace(data, partner=torch.from_numpy(place[partner[index]]))
