"""A chart as data: a Plotly figure, the words that go with it, and the numbers behind it."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from plotly.colors import hex_to_rgb
from plotly.subplots import make_subplots

from core.plots.theme import TEMPLATE

Column = Sequence[Any] | npt.NDArray[Any]
Columns = Mapping[str, Column]

SVG_MARKS = 2000
"""Marks up to which SVG is the faster and the sharper drawing; WebGL above (two contexts a figure, six such a page)."""

_SOLID = ("circle", "square", "diamond", "cross")  # the symbols that WebGL draws in space


@dataclass(frozen=True)
class Figure:
    """One chart, known to no user interface.

    Attributes:
        name: stem of the files that a reader saves ("linkage_decay").
        plot: the Plotly figure; its layout has a height.
        alt: one sentence with the takeaway, for those who cannot see the chart; constant while a run goes on.
        table: the numbers behind the chart in full, as columns of equal length; what the CSV holds.
        caption: what the figure itself knows (n, parameters, what is left out); shown below the chart.
    """

    name: str
    plot: go.Figure
    alt: str
    table: Columns
    caption: str = ""

    def csv(self) -> str:
        """The numbers as CSV text with a header line; NaN is an empty field."""
        return csv(self.table)


def csv(table: Columns) -> str:
    """Columns as CSV text with a header line; NaN is an empty field."""
    import pandas as pd  # a process that only draws starts without it

    numbers = pd.DataFrame(dict(table)).replace([np.inf, -np.inf], np.nan)
    # Seven significant digits: more than float32 knows would be noise.
    return str(numbers.to_csv(index=False, float_format="%.7g", lineterminator="\n"))


def draw(traces: Iterable[Any], *, height: int, **layout: Any) -> go.Figure:
    """Traces as a figure in the house's template; `layout` are properties of Plotly's layout."""
    return go.Figure(data=list(traces), layout={"template": TEMPLATE, "height": height, **layout})


PANEL_TOP = 56
"""Pixels above a figure of several panels: their titles stand below the tools that appear in its corner."""


def grid(
    rows: int, columns: int, titles: Iterable[str], *, height: int, shared: bool = False, **options: Any
) -> go.Figure:
    """Empty panels with `titles` (Plotly's markup) at their left; `options` are those of `make_subplots`.

    `shared`: all panels have the same axes.
    """
    axes = {"shared_xaxes": "all", "shared_yaxes": "all"} if shared else {}
    plot = make_subplots(rows, columns, **axes, **options)
    plot.update_layout(template=TEMPLATE, height=height, margin={"t": PANEL_TOP})
    for k, title in enumerate(titles):
        plot.add_annotation(
            text=title, x=0, y=1, xref=f"x{nth(k)} domain", yref=f"y{nth(k)} domain", xanchor="left", align="left",
            yanchor="bottom", yshift=5, showarrow=False,
        )  # fmt: skip
    return plot


def nth(panel: int) -> str:
    """What Plotly puts behind the name of an axis of a panel, counted from 0."""
    return str(panel + 1) if panel else ""


def points(xyz: npt.NDArray[Any], count: int, *, marker: Mapping[str, Any], **trace: Any) -> Any:
    """The trace of points (n, 2), or in space (n, 3), in a figure of `count` marks."""
    if xyz.shape[1] == 3:
        kind = go.Scatter3d
        marker = {**marker, "symbol": marker["symbol"] if marker.get("symbol") in _SOLID else "circle"}
    else:
        kind = go.Scatter if count <= SVG_MARKS else go.Scattergl
    places = {axis: typed(values) for axis, values in zip("xyz", xyz.T, strict=False)}
    return kind(**places, mode="markers", marker=marker, **trace)


def typed(values: npt.ArrayLike, dtype: str = "float32") -> npt.NDArray[Any]:
    """Numbers as they travel: Plotly sends a contiguous array as base64 of its own type, a list as text.

    float32 (24 bits) halves the message; give "int32" or "float64" for positions on a contig.
    """
    return np.ascontiguousarray(values, dtype=dtype)


def packed(values: npt.ArrayLike) -> dict[str, str]:
    """`typed` (n,) for the places that Plotly does not encode by itself: the arguments of sliders and buttons."""
    array = typed(values)
    return {"dtype": array.dtype.str[1:], "bdata": base64.b64encode(array.tobytes()).decode()}


def columns_of(rows: Sequence[Mapping[str, Any]], names: Sequence[str] = ()) -> dict[str, list[Any]]:
    """Rows as columns, all of them or those of `names`; a key that a row lacks is None there."""
    keys = names or list(dict.fromkeys(key for row in rows for key in row))
    return {key: [row.get(key) for row in rows] for key in keys}


def translucent(colour: str, opacity: float) -> str:
    """ "#2f7fc1" as "rgba(47, 127, 193, opacity)": for bands, whose fill has no opacity of its own."""
    return f"rgba{(*hex_to_rgb(colour), opacity)}"
