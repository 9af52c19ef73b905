"""What a recipe found, as one chart: lines over a number, or points with intervals side by side."""

from __future__ import annotations

from html import escape
from typing import Any

import plotly.graph_objects as go

from core.plots.figure import Figure, columns_of, draw, translucent, typed
from core.plots.lines import REAL_LABEL
from core.plots.theme import REAL, model_colour, model_symbol, population_colours, population_symbols
from core.reports.finding import Finding

_HEIGHT = 420
_COLUMNS = ("series", "x", "y", "low", "high")


def finding(found: Finding) -> Figure | None:
    """The points of a finding; None where it has none."""
    if not found.points:
        return None
    plain = [name for name in found.series if name not in found.models and name != REAL_LABEL]
    colours = {**population_colours(plain), **{k: model_colour(v) for k, v in found.models.items()}, REAL_LABEL: REAL}
    symbols = {**population_symbols(plain), **{k: model_symbol(v) for k, v in found.models.items()}}
    traces = [_trace(found, name, colours[name], symbols.get(name, "circle")) for name in found.series]
    kind = "log" if found.logarithmic else "linear" if found.numeric else "category"
    # Below the chart: some of these names are long.
    legend = {"y": -0.25, "yanchor": "top"}
    plot = draw(
        traces, height=_HEIGHT, xaxis={"title": found.x, "type": kind}, yaxis={"title": found.y}, legend=legend,
        scattermode="group", scattergap=0.6,
    )  # fmt: skip
    return Figure("recipe", plot, found.sentence, columns_of(found.points, _COLUMNS))


def _trace(found: Finding, name: str, colour: str, symbol: str) -> go.Scatter:
    own = [point for point in found.points if point["series"] == name]
    y = [point["y"] for point in own]
    common: dict[str, Any] = {"name": escape(name), "marker": {"color": colour, "symbol": symbol, "size": 8}}
    hover = f"<b>%{{fullData.name}}</b><br>{escape(found.y)} %{{y:.3f}}<br>%{{x}}<extra></extra>"
    if found.numeric:
        x = typed([point["x"] for point in own], "float64")
        return go.Scatter(
            x=x, y=typed(y), mode="lines+markers", line={"color": colour, "width": 2}, hovertemplate=hover, **common
        )
    ends = [(_or(point.get("low"), point["y"]), _or(point.get("high"), point["y"])) for point in own]
    span = {
        "symmetric": False,
        "array": [high - value for value, (_, high) in zip(y, ends, strict=True)],
        "arrayminus": [value - low for value, (low, _) in zip(y, ends, strict=True)],
        "color": translucent(colour, 0.6),
        "thickness": 2,
        "width": 0,
    }
    names = [escape(str(point["x"])) for point in own]
    return go.Scatter(x=names, y=typed(y), error_y=span, mode="markers", hovertemplate=hover, **common)


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value
