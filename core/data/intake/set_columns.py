"""What the columns of observations say about their sets: labels, means, shares, and the unit of the split."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Strings
from core.data.intake.collection_options import CollectionOptions
from core.data.intake.formats.observations import ObservationTable
from core.errors import InputError

SHARES = 12  # a column with more values is not summed up as shares
_NAMED = 8  # columns that one sentence names
_ROWS = 1 << 20  # words that are Python strings at a time

Members = list[npt.NDArray[np.int64]]
Labels = dict[str, Strings]
Covariates = dict[str, npt.NDArray[np.float64]]


def describe_sets(
    table: ObservationTable, members: Members, options: CollectionOptions, name: str, notes: list[str]
) -> tuple[Labels, Covariates]:
    """Labels (s,) and covariates (s,) of the sets whose observations are at `members`.

    A column of words that is constant within sets is a label, one that is not gives the share of each of its values
    (at most `SHARES`); a column of numbers gives its mean. What comes to nothing is named in `notes`. Raises InputError
    for a label column that is not there or not constant, and for a unit that the split could not keep together.
    """
    asked = (*options.label_columns, *filter(None, (options.unit,)))
    require_columns(table, asked, name)
    as_words = {*asked, *options.set_column}
    labels: Labels = {}
    covariates: Covariates = {}
    lost: list[str] = []
    for column, values in table.columns.items():
        if values.dtype.kind == "f" and column not in as_words:
            numbers = np.asarray(values, dtype=np.float64)
            covariates[column] = np.array([_mean(numbers[m]) for m in members])
            continue
        codes, words = codes_of(table.text(column))
        present = [np.unique(codes[m]) for m in members]
        known = [{words[one] for one in of_set} - {""} for of_set in present]
        if all(len(values_of_set) <= 1 for values_of_set in known):
            labels[column] = np.array([max(values_of_set, default="") for values_of_set in known], dtype=np.str_)
        elif column in options.label_columns:
            raise InputError(f"The label column {column!r} is not constant within the sets; choose a column that is.")
        elif len(found := sorted(set().union(*known))) <= SHARES:
            for value in found:
                share = np.array([float((codes[m] == words.index(value)).mean()) for m in members])
                covariates[_free(f"share of {value} in {column}", covariates)] = share
        else:
            lost.append(column)
    if lost:
        more = f" and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""
        listed = ", ".join(map(repr, lost[:_NAMED])) + more
        notes.append(f"Left out, with more than {SHARES} values that differ within the sets: {listed}.")
    if options.unit:
        _check_unit(options.unit, labels)
    return _chosen(labels, options), covariates


def codes_of(text: Strings) -> tuple[npt.NDArray[np.int64], list[str]]:
    """(k,) the number of each word, in order of appearance, and the words."""
    number: dict[str, int] = {}
    codes = np.empty(len(text), dtype=np.int64)
    for start in range(0, len(text), _ROWS):
        block = text[start : start + _ROWS].tolist()
        codes[start : start + _ROWS] = [number.setdefault(word, len(number)) for word in block]
    return codes, list(number)


def numbered(codes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """(k,) 0, 1, 2 … in order of appearance."""
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return np.asarray(rank[inverse], dtype=np.int64)


def require_columns(table: ObservationTable, columns: Iterable[str], name: str) -> None:
    """Raise InputError for a column that the table does not have."""
    for column in columns:
        if column not in table.columns:
            there = ", ".join(list(table.columns)[:12]) or "none"
            hint = " (it is a feature)" if column in table.feature else ""
            advice = f" ({table.hint})" if table.hint else ""
            raise InputError(f"{name} has no column {column!r}{hint}; it has {there}{advice}.")


def _chosen(labels: Labels, options: CollectionOptions) -> Labels:
    """The labels that were asked for and the unit, or all of them with those of the sets first."""
    first = list(options.label_columns) or [c for c in options.set_column if c in labels]
    rest = [] if options.label_columns else [c for c in labels if c not in first]
    return {c: labels[c] for c in dict.fromkeys([*first, *rest, *filter(None, [options.unit])])}


def _check_unit(unit: str, labels: Labels) -> None:
    """The promise of a unit, that its sets stay on one side of the split, is kept or refused."""
    if unit not in labels:
        raise InputError(f"The unit {unit!r} is not constant within the sets; choose a column that is.")
    without = int((labels[unit] == "").sum())
    if without:
        raise InputError(
            f"The unit {unit!r} is missing in {without:,} of {len(labels[unit]):,} sets, so they cannot be kept on one "
            "side of the split; fill the column in or choose another."
        )
    if len(labels[unit]) > 1 and len(set(labels[unit].tolist())) < 2:
        raise InputError(
            f"The unit {unit!r} is the same in every set, so none could be held out; choose another column or none."
        )


def _free(name: str, taken: Covariates) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name} ({number})", number + 1
    return free


def _mean(values: npt.NDArray[Any]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
