"""A figure as data: a Vega-Lite specification, the columns that it draws, and the words that go with it."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

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
        """The specification with its numbers inside, as plain JSON types."""
        values = {name: records(columns) for name, columns in self.data.items()}
        filled: Spec = _with_data(self.spec, values)
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
    items = column.tolist() if isinstance(column, np.ndarray) else list(column)
    return [_plain_value(item) for item in items]


def _plain_value(item: Any) -> Any:
    if isinstance(item, np.generic):
        item = item.item()
    if isinstance(item, float):
        # Seven digits are more than any pixel or reader needs and halve the message.
        return float(f"{item:.7g}") if math.isfinite(item) else None
    return item


def _with_data(node: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(node, dict):
        return {
            key: {"values": values[child["name"]]}
            if key == "data" and isinstance(child, dict) and child.get("name") in values
            else _with_data(child, values)
            for key, child in node.items()
        }
    if isinstance(node, list):
        return [_with_data(child, values) for child in node]
    return node
