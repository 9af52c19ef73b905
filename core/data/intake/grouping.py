"""From a table of observations to sets: by label, by neighbourhood or quantile along a number, by chunks."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt

from core.data.intake.collection_options import CollectionOptions
from core.data.intake.formats.base import ReadResult
from core.data.intake.formats.observations import ObservationTable, in_order
from core.data.intake.set_columns import codes_of, describe_sets, numbered, require_columns
from core.data.intake.vectors import prepare, require_settings
from core.data.sets import SetCollection
from core.errors import InputError

_SEPARATOR = " | "


def build_sets(table: ObservationTable, options: CollectionOptions, name: str) -> ReadResult[SetCollection]:
    """Group the observations of `table` as `options` say. Raises InputError.

    Columns that are constant within sets become labels (text) or covariates (numbers). Others become set-level
    covariates: the mean of a number, the share of each value of a text column of at most 12 values.
    """
    require_settings(table, options, name)
    prepare(table, options, name)
    dropped, notes = dict(table.dropped), list(table.notes)
    if options.whole:
        members, names = [np.arange(table.observations.shape[0])], [name]
    elif options.neighbourhood:
        members, names = _neighbourhoods(table, options, name, notes)
    elif options.quantiles:
        members, names = _quantiles(table, options, name, dropped, notes)
    else:
        members, names = _groups(table, options, name, dropped)
    if options.chunk:
        before = len(members)
        members, names = _chunks(members, names, options.chunk)
        if len(members) > before > 1 and not options.unit:
            notes.append("Parts of one set may lie on both sides of the split; --unit COLUMN keeps them on one.")
    large = [len(m) >= options.min_samples for m in members]
    small = len(large) - sum(large)
    if small:
        dropped[f"sets with fewer than {options.min_samples} observations"] = small
        lost = sum(len(m) for m, keep in zip(members, large, strict=True) if not keep)
        dropped["observations of sets that are too small"] = lost
    members = [m for m, keep in zip(members, large, strict=True) if keep]
    names = [n for n, keep in zip(names, large, strict=True) if keep]
    if len(members) < (1 if options.whole and not options.chunk else 2):
        why = "; ".join(f"{reason}: {count:,}" for reason, count in dropped.items())
        raise InputError(
            f"{name} gives {len(members)} sets of at least {options.min_samples} observations; 2 or more are needed: "
            f"choose other columns for the sets{_likely(table, options)}, or a smaller minimum"
            f"{f' (left out: {why})' if why else ''}."
        )
    if len(members) == 2:
        notes.append(
            "Two sets can be looked at but not trained on, since one of them is held out; at least 3 are needed: more "
            "sets, or --chunk N to cut these into parts of N observations."
        )
    labels, covariates = describe_sets(table, members, options, name, notes)
    order = np.concatenate(members)
    return ReadResult(
        SetCollection(
            observations=in_order(table.observations, order),
            offsets=np.concatenate([[0], np.cumsum([len(m) for m in members])]).astype(np.int64),
            set_id=np.array(names, dtype=np.str_),
            labels=labels,
            covariates=covariates,
            feature=table.feature,
            modality=table.modality,
            alphabet=table.alphabet,
            unit=options.unit,
            loadings=table.loadings,
        ),
        dropped,
        notes,
        applied=dict(table.applied),
    )


def _groups(
    table: ObservationTable, options: CollectionOptions, name: str, dropped: dict[str, int]
) -> tuple[list[npt.NDArray[np.int64]], list[str]]:
    if not options.set_column:
        offered = ", ".join(list(table.columns)[:12]) or "none"
        raise InputError(
            f"{name} does not say which observations belong to one set; name one or more columns as the set column "
            f"(columns: {offered}){f', or {table.hint}' if table.hint else ''}."
        )
    require_columns(table, options.set_column, name)
    k = table.observations.shape[0]
    known, code = np.ones(k, dtype=bool), np.zeros(k, dtype=np.int64)
    for column in options.set_column:
        numbers, words = codes_of(table.text(column))
        if "" in words:
            known &= numbers != words.index("")
        # Numbered anew after each column, in order of appearance, so that the numbers stay small.
        code = numbered(code * len(words) + numbers)
    if not known.all():
        dropped["observations without a set"] = int((~known).sum())
    rows = np.flatnonzero(known)
    if not len(rows):
        return [], []
    code = numbered(code[rows])
    order = np.argsort(code, kind="stable")
    members = np.split(rows[order], np.cumsum(np.bincount(code))[:-1])
    first = [int(one[0]) for one in members]
    columns = [table.text(column) for column in options.set_column]
    texts = [[str(text[row]) for row in first] for text in columns]
    return members, _joined(list(zip(*texts, strict=True)))


def _likely(table: ObservationTable, options: CollectionOptions) -> str:
    """Columns of words with several observations a value, in brackets, "" where there is none."""
    most = table.observations.shape[0] // max(options.min_samples, 3)
    words = [key for key, values in table.columns.items() if values.dtype.kind != "f" and key not in options.set_column]
    found = [key for key in words[:50] if 2 <= len(set(table.columns[key].tolist())) <= most]
    return f" (such as {', '.join(map(repr, found[:4]))})" if found else ""


def _joined(parts: list[tuple[str, ...]]) -> list[str]:
    """One name for each combination of values; values that hold the bar themselves are quoted."""
    names = [_SEPARATOR.join(one) for one in parts]
    if len(set(names)) < len(names):
        names = [_SEPARATOR.join(json.dumps(v, ensure_ascii=False) if "|" in v else v for v in one) for one in parts]
    return names


def _neighbourhoods(
    table: ObservationTable, options: CollectionOptions, name: str, notes: list[str]
) -> tuple[list[npt.NDArray[np.int64]], list[str]]:
    """Sets drawn with kernel weights exp(−(y − y*)²/2s²), normalised by the density of y, at even quantiles y*.

    Fishman et al. 2025, section 3: sets may overlap, and a dense part of the label is not over-represented. A quantile
    is a value that was observed, so that a window narrower than the gaps between values holds the value itself.
    """
    require_columns(table, (options.neighbourhood,), name)
    values = table.columns[options.neighbourhood]
    if values.dtype.kind != "f":
        raise InputError(
            f"The column {options.neighbourhood!r} of {name} is not numeric; neighbourhoods need a number."
        )
    y = np.asarray(values, dtype=np.float64)
    known = np.flatnonzero(np.isfinite(y))
    spread = y[known].std() if len(known) else 0.0
    if spread == 0 or len(known) < 2 * options.min_samples:
        raise InputError(f"The column {options.neighbourhood!r} of {name} does not vary enough to form neighbourhoods.")
    rng = np.random.default_rng(0)
    even = (np.arange(options.neighbourhoods) + 0.5) / options.neighbourhoods
    centres = np.unique(np.quantile(y[known], even, method="inverted_cdf"))
    if len(centres) < options.neighbourhoods:
        notes.append(
            f"{options.neighbourhood} has {len(centres)} distinct values at the {options.neighbourhoods} quantiles; "
            "a set is made at each value."
        )
    width = options.window * spread
    ordered = np.sort(y[known])
    density = np.searchsorted(ordered, y[known] + width) - np.searchsorted(ordered, y[known] - width)
    density = np.maximum(density, 1)
    members = []
    for centre in centres:
        weight = np.exp(-np.square((y[known] - centre) / width) / 2) / density
        effective = int(weight.sum() ** 2 / np.square(weight).sum())
        count = max(min(effective, len(known)), 1)
        members.append(np.sort(known[rng.choice(len(known), count, replace=False, p=weight / weight.sum())]))
    if max(map(len, members)) < options.min_samples:
        raise InputError(
            f"A window of {options.window:g} standard deviations of {options.neighbourhood!r} ({width:.3g}) holds at "
            f"most {max(map(len, members))} observations, and a set needs {options.min_samples}; choose a wider window."
        )
    return members, [f"{options.neighbourhood} ≈ {text}" for text in _distinct_numbers(centres)]


def _quantiles(
    table: ObservationTable, options: CollectionOptions, name: str, dropped: dict[str, int], notes: list[str]
) -> tuple[list[npt.NDArray[np.int64]], list[str]]:
    """Disjoint sets of as many observations each along a number, within each group of the set columns.

    Equal numbers lie in one set, so that sets differ in size where there are many; a set is named by its range.
    """
    require_columns(table, (options.quantiles,), name)
    values = table.columns[options.quantiles]
    if values.dtype.kind != "f":
        raise InputError(f"The column {options.quantiles!r} of {name} is not numeric; quantiles need a number.")
    y = np.asarray(values, dtype=np.float64)
    if missing := int((~np.isfinite(y)).sum()):
        dropped[f"observations without {options.quantiles}"] = missing
    groups, group_names = [np.arange(len(y))], [""]
    if options.set_column:
        groups, group_names = _groups(table, options, name, dropped)
    members, names, fewer = [], [], 0
    for group, prefix in zip(groups, group_names, strict=True):
        rows = group[np.isfinite(y[group])]
        if not len(rows):
            continue
        inner = np.arange(1, options.quantiles_count) / options.quantiles_count
        edges = np.unique(np.quantile(y[rows], inner, method="inverted_cdf"))
        # An edge is a value that was observed and closes the set below it.
        place = np.searchsorted(edges, y[rows])
        parts = [rows[place == i] for i in range(len(edges) + 1)]
        parts = [part for part in parts if len(part)]
        fewer += len(parts) < options.quantiles_count
        least, most = ([f(y[part]) for part in parts] for f in (np.min, np.max))
        texts = _distinct_ranges(np.array(least), np.array(most))
        members += parts
        names += [f"{prefix}{_SEPARATOR if prefix else ''}{options.quantiles} {text}" for text in texts]
    if fewer:
        notes.append(
            f"{options.quantiles} has too few distinct values for {options.quantiles_count} quantiles"
            f"{f' in {fewer} of {len(groups)} groups' if len(groups) > 1 else ''}; equal values stay in one set."
        )
    if len(names) != len(set(names)):
        names = [f"{one} ({i + 1})" for i, one in enumerate(names)]
    return members, names


def _distinct_ranges(least: npt.NDArray[np.float64], most: npt.NDArray[np.float64]) -> list[str]:
    """ "1.2 to 3.4", or the value where there is one alone; as few digits, from four on, as tell the ranges apart."""
    for digits in range(4, 18):
        pairs = [(f"{a:.{digits}g}", f"{b:.{digits}g}") for a, b in zip(least, most, strict=True)]
        texts = [a if a == b else f"{a} to {b}" for a, b in pairs]
        if len(set(texts)) == len(texts):
            break
    return texts


def _distinct_numbers(numbers: npt.NDArray[np.float64]) -> list[str]:
    """As few digits, from four on, as tell the numbers apart."""
    for digits in range(4, 17):
        texts = [f"{number:.{digits}g}" for number in numbers]
        if len(set(texts)) == len(texts):
            return texts
    return [repr(float(number)) for number in numbers]


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
