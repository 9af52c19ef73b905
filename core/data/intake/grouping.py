"""From a table of observations to sets: by label, by neighbourhood along a number, by chunks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.intake.collection_options import CollectionOptions
from core.data.intake.formats.base import ReadResult
from core.data.intake.formats.observations import Column, ObservationTable
from core.data.sets import SetCollection
from core.errors import InputError

SHARES = 12  # a column with more values is not summed up as shares
_SEPARATOR = " | "


def build_sets(table: ObservationTable, options: CollectionOptions, name: str) -> ReadResult[SetCollection]:
    """Group the observations of `table` as `options` say. Raises InputError.

    Columns that are constant within sets become labels (text) or covariates (numbers). Others become set-level
    covariates: the mean of a number, the share of each value of a text column of at most 12 values.
    """
    dropped, notes = dict(table.dropped), list(table.notes)
    _reduced(table, options, notes)
    if options.whole:
        members, names = [np.arange(len(table.observations))], [name]
    elif options.neighbourhood:
        members, names = _neighbourhoods(table, options, name)
    else:
        members, names = _groups(table, options, name, dropped)
    if options.chunk:
        members, names = _chunks(members, names, options.chunk)
    large = [len(m) >= options.min_samples for m in members]
    small = len(large) - sum(large)
    if small:
        dropped[f"sets with fewer than {options.min_samples} observations"] = small
        lost = sum(len(m) for m, keep in zip(members, large, strict=True) if not keep)
        dropped["observations of sets that are too small"] = lost
    members = [m for m, keep in zip(members, large, strict=True) if keep]
    names = [n for n, keep in zip(names, large, strict=True) if keep]
    if len(members) < (1 if options.whole else 2):
        raise InputError(
            f"{name} gives {len(members)} sets of at least {options.min_samples} observations; 2 or more are needed: "
            "choose other columns for the sets, or a smaller minimum."
        )
    labels, covariates = _columns(table, members, options)
    order = np.concatenate(members)
    if options.unit and options.unit not in labels:
        raise InputError(f"The unit {options.unit!r} is not constant within the sets; choose a column that is.")
    return ReadResult(
        SetCollection(
            observations=np.ascontiguousarray(table.observations[order]),
            offsets=np.concatenate([[0], np.cumsum([len(m) for m in members])]).astype(np.int64),
            set_id=np.array(names, dtype=np.str_),
            labels=labels,
            covariates=covariates,
            feature=table.feature,
            modality=table.modality,
            alphabet=table.alphabet,
            unit=options.unit,
        ),
        dropped,
        notes,
    )


def _groups(
    table: ObservationTable, options: CollectionOptions, name: str, dropped: dict[str, int]
) -> tuple[list[npt.NDArray[np.int64]], list[str]]:
    columns = [_required(table, c, name) for c in options.set_column]
    if not columns:
        offered = ", ".join(list(table.columns)[:12]) or "none"
        raise InputError(
            f"{name} does not say which observations belong to one set; name one or more columns as the set column "
            f"(columns: {offered})."
        )
    texts = [_as_text(c) for c in columns]
    known = np.all([t != "" for t in texts], axis=0)
    if not known.all():
        dropped["observations without a set"] = int((~known).sum())
    joined = np.array([_SEPARATOR.join(parts) for parts in zip(*(t.tolist() for t in texts), strict=True)])
    rows = np.flatnonzero(known)
    unique, first, inverse = np.unique(joined[rows], return_index=True, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    parts = np.split(rows[order], np.cumsum(np.bincount(inverse, minlength=len(unique)))[:-1]) if len(rows) else []
    by_appearance = np.argsort(first)
    return [parts[i] for i in by_appearance], [str(unique[i]) for i in by_appearance]


def _neighbourhoods(
    table: ObservationTable, options: CollectionOptions, name: str
) -> tuple[list[npt.NDArray[np.int64]], list[str]]:
    """Sets drawn with kernel weights exp(−(y − y*)²/2s²), normalised by the density of y, at even quantiles y*.

    Fishman et al. 2025, section 3: sets may overlap, and a dense part of the label is not over-represented.
    """
    y = _required(table, options.neighbourhood, name)
    if y.dtype.kind != "f":
        raise InputError(
            f"The column {options.neighbourhood!r} of {name} is not numeric; neighbourhoods need a number."
        )
    y = np.asarray(y, dtype=np.float64)
    known = np.flatnonzero(np.isfinite(y))
    spread = y[known].std()
    if spread == 0 or len(known) < 2 * options.min_samples:
        raise InputError(f"The column {options.neighbourhood!r} of {name} does not vary enough to form neighbourhoods.")
    rng = np.random.default_rng(0)
    centres = np.quantile(y[known], (np.arange(options.neighbourhoods) + 0.5) / options.neighbourhoods)
    width = options.window * spread
    ordered = np.sort(y[known])
    density = np.searchsorted(ordered, y[known] + width) - np.searchsorted(ordered, y[known] - width)
    members, names = [], []
    for centre in np.unique(centres):
        weight = np.exp(-np.square(y[known] - centre) / (2 * width**2)) / density
        effective = int(weight.sum() ** 2 / np.square(weight).sum())
        count = max(min(effective, len(known)), 1)
        members.append(np.sort(known[rng.choice(len(known), count, replace=False, p=weight / weight.sum())]))
        names.append(f"{options.neighbourhood} ≈ {centre:.4g}")
    return members, names


def _chunks(
    members: list[npt.NDArray[np.int64]], names: list[str], size: int
) -> tuple[list[npt.NDArray[np.int64]], list[str]]:
    """Sets larger than 1.5 `size` cut into parts of nearly equal size; the same observations in the same part."""
    rng = np.random.default_rng(0)
    out_members, out_names = [], []
    for rows, name in zip(members, names, strict=True):
        parts = max(1, round(len(rows) / size))
        if parts == 1:
            out_members.append(rows)
            out_names.append(name)
            continue
        for i, part in enumerate(np.array_split(rng.permutation(rows), parts), 1):
            out_members.append(np.sort(part))
            out_names.append(f"{name} · part {i}")
    return out_members, out_names


def _columns(
    table: ObservationTable, members: list[npt.NDArray[np.int64]], options: CollectionOptions
) -> tuple[dict[str, npt.NDArray[np.str_]], dict[str, npt.NDArray[np.float64]]]:
    labels: dict[str, npt.NDArray[np.str_]] = {}
    covariates: dict[str, npt.NDArray[np.float64]] = {}
    for column, values in table.columns.items():
        if values.dtype.kind == "f" and column not in (*options.label_columns, *options.set_column, options.unit):
            numbers = np.asarray(values, dtype=np.float64)
            covariates[column] = np.array([_mean(numbers[m]) for m in members])
            continue
        text = _as_text(values)
        constant = all(len(set(text[m].tolist()) - {""}) <= 1 for m in members)
        if constant:
            labels[column] = np.array([max(text[m].tolist()) for m in members], dtype=np.str_)
        elif len(found := sorted(set(text.tolist()) - {""})) <= SHARES:
            for value in found:
                covariates[f"share of {value}"] = np.array([float((text[m] == value).mean()) for m in members])
    wanted = [c for c in options.label_columns if c in labels]
    first = wanted or [c for c in options.set_column if c in labels]
    rest = [] if options.label_columns else [c for c in labels if c not in first]
    kept = dict.fromkeys([*first, *rest, *filter(None, [options.unit])])
    return {c: labels[c] for c in kept if c in labels}, covariates


def _reduced(table: ObservationTable, options: CollectionOptions, notes: list[str]) -> None:
    """Scaling and principal components, in place."""
    if table.modality != "vector":
        return
    if options.scale:
        mean, deviation = table.observations.mean(axis=0), table.observations.std(axis=0)
        scaled = (table.observations - mean) / np.where(deviation > 0, deviation, 1.0)
        table.observations = np.clip(scaled, -10, 10).astype(np.float32)
        notes.append("Features were standardised and cut at ±10.")
    if options.components and options.components < table.observations.shape[1]:
        centred = table.observations - table.observations.mean(axis=0)
        covariance = centred.T.astype(np.float64) @ centred.astype(np.float64)
        values, vectors = np.linalg.eigh(covariance)
        top = np.argsort(-values)[: options.components]
        share = float(values[top].sum() / max(values.sum(), 1e-12))
        table.observations = (centred @ vectors[:, top]).astype(np.float32)
        table.feature = np.array([f"PC{i + 1}" for i in range(len(top))], dtype=np.str_)
        notes.append(f"{len(top)} principal components keep {share:.1%} of the variance.")


def _required(table: ObservationTable, column: str, name: str) -> Column:
    if column not in table.columns:
        raise InputError(f"{name} has no column {column!r}; it has {', '.join(list(table.columns)[:12]) or 'none'}.")
    return table.columns[column]


def _as_text(values: Column) -> npt.NDArray[np.str_]:
    if values.dtype.kind != "f":
        return np.asarray(values, dtype=np.str_)
    return np.array(["" if np.isnan(v) else f"{v:g}" for v in values.tolist()], dtype=np.str_)


def _mean(values: npt.NDArray[Any]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
