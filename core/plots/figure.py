"""A chart as data: a Plotly figure, the words that go with it, and the numbers behind it."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from core.plots.theme import TEMPLATE

Column = Sequence[Any] | npt.NDArray[Any]
Columns = Mapping[str, Column]

SVG_MARKS = 2000
"""Marks up to which SVG is the faster and the sharper drawing; WebGL above (two contexts a figure, six such a page)."""


@dataclass(frozen=True)
class Figure:
    """One chart, known to no user interface.

    Attributes:
        name: stem of the files that a reader saves ("linkage_decay").
        plot: the Plotly figure; its layout has a height.
        alt: one sentence with the takeaway, for those who cannot see the chart; constant while a run goes on.
        table: the numbers behind the chart in full, as columns of equal length; what the CSV holds.
        caption: n, seed and parameters, shown below the chart.
    """

    name: str
    plot: go.Figure
    alt: str
    table: Columns
    caption: str = ""

    def csv(self) -> str:
        """The numbers as CSV text with a header line; NaN is an empty field."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(self.table)
        writer.writerows(zip(*(_plain(column) for column in self.table.values()), strict=True))
        return stream.getvalue()


def draw(traces: Iterable[Any], *, height: int, **layout: Any) -> go.Figure:
    """Traces as a figure in the house's template; `layout` are properties of Plotly's layout."""
    return go.Figure(data=list(traces), layout={"template": TEMPLATE, "height": height, **layout})


PANEL_TOP = 56
"""Pixels above a figure of several panels: their titles stand below the tools that appear in its corner."""


def panel_title(text: str, left: float) -> dict[str, Any]:
    """The annotation that names a panel whose left edge is at `left`, a share of the figure's width."""
    return {
        "text": f"<b>{text}</b>", "x": left, "y": 1, "xref": "paper", "yref": "paper", "xanchor": "left",
        "yanchor": "bottom", "yshift": 4, "showarrow": False,
    }  # fmt: skip


def scatter(count: int) -> Any:
    """The scatter trace for so many marks in one figure."""
    return go.Scatter if count <= SVG_MARKS else go.Scattergl


def typed(values: npt.ArrayLike, dtype: str = "float32") -> npt.NDArray[Any]:
    """Numbers as they travel: Plotly sends a contiguous array as base64 of its own type, a list as text.

    float32 (24 bits) halves the message; give "int32" or "float64" for positions on a contig.
    """
    return np.ascontiguousarray(values, dtype=dtype)


def packed(values: npt.ArrayLike, dtype: str = "float32") -> dict[str, str]:
    """`typed` for the places that Plotly does not encode by itself: the arguments of sliders and buttons."""
    array = typed(values, dtype)
    kind = {"float32": "f4", "float64": "f8", "uint8": "u1", "uint16": "u2", "int32": "i4"}[array.dtype.name]
    shape = {"shape": ", ".join(map(str, array.shape))} if array.ndim > 1 else {}
    return {"dtype": kind, "bdata": base64.b64encode(array.tobytes()).decode(), **shape}


def columns_of(rows: Sequence[Mapping[str, Any]], names: Sequence[str] | None = None) -> dict[str, list[Any]]:
    """Rows as columns; a key that a row lacks is None there."""
    keys = list(names) if names is not None else list(dict.fromkeys(key for row in rows for key in row))
    return {key: [row.get(key) for row in rows] for key in keys}


def translucent(colour: str, opacity: float) -> str:
    """ "#2f7fc1" as "rgba(47, 127, 193, opacity)": for bands, whose fill has no opacity of its own."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity:g})"


def _plain(column: Column) -> list[Any]:
    values = column.tolist() if isinstance(column, np.ndarray) else list(column)
    return ["" if isinstance(v, float | np.floating) and not np.isfinite(v) else _short(v) for v in values]


def _short(value: Any) -> Any:
    """Seven significant digits: more than float32 knows would be noise."""
    return float(f"{value:.7g}") if isinstance(value, float | np.floating) else value
