"""The order of the sets of one unit, such as the days on which a clone is seen."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.dates import moment
from core.data.sets import SetCollection

STAGES_MAX = 20  # a column with more values is a measurement, not a stage
UNITS_MIN = 10  # units that are seen at two stages, below which nothing can be learned of the change
_UNITS_READ = 1000
_TIME = re.compile(r"(?i)(?<![a-z])(time|date|year|month|week|day|hour|stage|passage|generation)")


def times_first(names: Iterable[str]) -> list[str]:
    """The names, those that speak of a time in front: "date (year)", "day", "timepoint"."""
    return sorted(names, key=lambda name: not _TIME.search(name))


def numbers_of(values: npt.ArrayLike) -> npt.NDArray[np.float64] | None:
    """A column of numbers, or of texts that are all numbers ("" is NaN), as (s,) float64; None where it is neither."""
    texts = np.asarray(values)
    if texts.dtype.kind != "f":
        texts = np.where(texts == "", "nan", texts)
    try:
        return texts.astype(np.float64)
    except ValueError:
        return None


def stages(sets: SetCollection) -> tuple[str, npt.NDArray[np.float64] | None]:
    """The first column that orders the sets of a unit: 2 to 20 numbers, varying within ten units or more.

    Returns its name and its (s,) float64 values, NaN missing; ("", None) where there is no unit or no such column.
    """
    if not sets.unit:
        return "", None
    unit = sets.labels[sets.unit]
    names = np.unique(unit)[:_UNITS_READ]
    columns: dict[str, npt.NDArray[Any]] = {**sets.covariates, **sets.labels}
    for name in times_first(columns):
        numbers = numbers_of(columns[name])
        if numbers is None or name == sets.unit or name.startswith("share of "):
            continue
        known = numbers[np.isfinite(numbers)]
        if not 2 <= len(np.unique(known)) <= STAGES_MAX:
            continue
        if sum(len(np.unique(numbers[(unit == u) & np.isfinite(numbers)])) > 1 for u in names) >= UNITS_MIN:
            return name, numbers
    return "", None


def ordered(sets: SetCollection) -> tuple[str, npt.NDArray[np.float64] | None]:
    """As `stages`; where units are fewer than ten, the first column of numbers that two units or more share.

    Its values must be at most half as many as the sets, else they are measurements and not stages.
    """
    column, stage = stages(sets)
    if stage is not None or not sets.unit:
        return column, stage
    unit = sets.labels[sets.unit]
    columns: dict[str, npt.NDArray[Any]] = {**sets.covariates, **sets.labels}
    for name in times_first(columns):
        numbers = numbers_of(columns[name])
        if numbers is None or name == sets.unit or name.startswith("share of "):
            continue
        known = numbers[np.isfinite(numbers)]
        if not 2 <= len(np.unique(known)) <= len(known) / 2:
            continue
        if sum(len(np.unique(numbers[(unit == u) & np.isfinite(numbers)])) > 1 for u in np.unique(unit)[:1000]) >= 2:
            return name, numbers
    return "", None


def timeline(sets: SetCollection) -> npt.NDArray[np.float64] | None:
    """(s,) years where each unit is a date, such as the month 2021-03, so that unit follows unit; None otherwise."""
    if not sets.unit:
        return None
    unit = sets.labels[sets.unit]
    dates = {word: moment(word) for word in np.unique(unit).tolist()}
    years = {word: one.years for word, one in dates.items() if one is not None}
    if len(years) < len(dates) or not np.isfinite(list(years.values())).all():
        return None
    return np.array([years[word] for word in unit.tolist()], dtype=np.float64)
