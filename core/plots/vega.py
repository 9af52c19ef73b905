"""A figure as data: a Vega-Lite specification, the columns that it draws, and the words that go with it."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

NULL_DASH = [2, 3]
CEILING_DASH = [7, 3]

Column = Sequence[Any] | np.ndarray[Any, Any]
Columns = Mapping[str, Column]
Spec = dict[str, Any]


@dataclass(frozen=True)
class Figure:
    """One chart, known to no user interface.

    Attributes:
        name: stem of the files that a user downloads ("linkage_decay").
        spec: Vega-Lite 6 specification; each view names its data as {"data": {"name": NAME}}.
        data: NAME -> columns of equal length. NaN is drawn as nothing.
        alt: one sentence with the takeaway, for those who cannot see the chart.
        caption: n, seed and parameters, shown below the chart.
        table: the numbers behind the chart, as columns; the first data set where it is empty.
        selections: names of the selection parameters in the specification.
    """

    name: str
    spec: Spec
    data: Mapping[str, Columns]
    alt: str
    caption: str = ""
    table: Columns = field(default_factory=dict)
    selections: tuple[str, ...] = ()

    @property
    def marks(self) -> int:
        """Rows over all data sets: what decides how the numbers travel to the browser."""
        return sum(length(columns) for columns in self.data.values())

    def inlined(self) -> Spec:
        """The specification with its numbers inside, as plain JSON types.

        The first view that draws a data set carries its rows, those after it only its name.
        """
        filled: Spec = _with_data(self.spec, {name: records(columns) for name, columns in self.data.items()})
        if "data" not in filled:
            return filled
        # Streamlit turns data at the top level into a data frame; one level down it stays JSON.
        top: Spec = {key: filled.pop(key) for key in ("width", "height", "config", "usermeta") if key in filled}
        return {**top, "layer" if "mark" in filled or "layer" in filled else "vconcat": [filled]}

    def csv(self) -> str:
        """The numbers as CSV text with a header line."""
        columns = self.table or next(iter(self.data.values()))
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*(_plain(column) for column in columns.values()), strict=True))
        return stream.getvalue()


def grid(views: Sequence[Spec], columns: int, *, row_gap: int = 22, column_gap: int = 26) -> Spec:
    """Views in rows of `columns`. (Not "concat", which Streamlit draws with no width.)"""
    rows = [list(views[i : i + columns]) for i in range(0, len(views), columns)]
    return {"vconcat": [{"hconcat": row, "spacing": column_gap} for row in rows], "spacing": row_gap}


def length(columns: Columns) -> int:
    """Number of rows of a set of columns."""
    return len(next(iter(columns.values()), ()))


def records(columns: Columns) -> list[dict[str, Any]]:
    """Columns as a list of rows of JSON types; NaN and infinities become null."""
    names = list(columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*(_plain(columns[name]) for name in names), strict=True)]


def columns_of(rows: Sequence[Mapping[str, Any]], names: Sequence[str] | None = None) -> dict[str, list[Any]]:
    """Rows as columns; a key that a row lacks is None there."""
    keys = list(names) if names is not None else list(dict.fromkeys(key for row in rows for key in row))
    return {key: [row.get(key) for row in rows] for key in keys}


def _plain(column: Column) -> list[Any]:
    if isinstance(column, np.ndarray) and column.dtype.kind != "O":
        return _shortened(column) if column.dtype.kind == "f" else list(column.tolist())
    kinds = set(map(type, column))
    if kinds == {float}:
        return _shortened(np.array(column))
    if kinds <= {str, int, bool, type(None)}:
        return list(column)
    return [_plain_value(item) for item in column]


def _plain_value(item: Any) -> Any:
    if isinstance(item, np.generic):
        item = item.item()
    return _short(item) if isinstance(item, float) else item


_DIGITS = 7
"""More digits than any pixel or reader needs would double the message."""


def _short(x: float) -> float | None:
    return float(f"{x:.{_DIGITS}g}") if math.isfinite(x) else None


def _shortened(column: np.ndarray[Any, Any]) -> list[float | None]:
    """`_short` of every number at once."""
    x = column.astype(np.float64)
    shift = _DIGITS - 1 - np.floor(np.log10(np.abs(x), out=np.zeros_like(x), where=np.isfinite(x) & (x != 0)))
    with np.errstate(over="ignore", invalid="ignore"):
        up, down = 10.0 ** np.clip(shift, 0, None), 10.0 ** np.clip(-shift, 0, None)
        short = np.round(x / down * up) / up * down
    short = np.where(np.isfinite(short), short, x)  # beyond 1e300 shifting has no room
    return [value if known else None for value, known in zip(short.tolist(), np.isfinite(x).tolist(), strict=True)]


def _with_data(node: Any, waiting: dict[str, list[dict[str, Any]]]) -> Any:
    """`node` with the rows of each data set where it is first named; what was placed leaves `waiting`."""
    if isinstance(node, list):
        return [_with_data(child, waiting) for child in node]
    if not isinstance(node, dict):
        return node
    # A view finds its data before the views inside it do, wherever it names them.
    own = node.get("data")
    if isinstance(own, dict) and own.get("name") in waiting:
        own = {**own, "values": waiting.pop(own["name"])}
    return {key: own if key == "data" else _with_data(child, waiting) for key, child in node.items()}
