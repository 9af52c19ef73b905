"""The figure of lesson 9: a set, its embedding before and after, and how far subsets of it scatter."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from core.lessons.sets import CELLS, POOLINGS, SIZES, Embedded
from core.plots.figure import PANEL_TOP, Figure, draw, typed
from core.plots.theme import BLUE, GREEN, ORANGE, PURPLE, REAL, SEQUENTIAL, VERMILLION

_HEIGHT = 620
_COLOURS = dict(zip(POOLINGS, (PURPLE, ORANGE, BLUE, GREEN), strict=True))
_SYMBOLS = dict(zip(POOLINGS, ("cross", "square", "circle", "triangle-up"), strict=True))
_SIDES = {**dict.fromkeys(POOLINGS, "middle"), "Max": "top", "Mean": "bottom"}  # of a name beside its line's end
# The panels, as shares of the figure.
_LEFT, _RIGHT = (0.0, 0.39), (0.62, 1.0)
_UPPER, _LOWER = (0.56, 1.0), (0.0, 0.36)


def embeddings(set_: Embedded, pooling: str, m: int) -> Figure:
    """The rows of the set, the plane of embeddings, and distance against the size of subsets for every pooling."""
    traces = [_rows(set_), *_plane(set_, pooling, m), *_curves(set_, pooling, m)]
    plot = draw(
        traces,
        height=_HEIGHT,
        margin={"t": PANEL_TOP},
        xaxis={"domain": _LEFT, "title": "Gene 1"},
        yaxis={"domain": _UPPER, "title": "Gene 2"},
        xaxis2={"domain": _RIGHT, "anchor": "y2", "title": "Feature 1", "nticks": 5},
        yaxis2={"domain": _UPPER, "anchor": "x2", "title": "Feature 2", "nticks": 5},
        # Room on the right, where the lines carry their names.
        xaxis3={
            "anchor": "y3", "type": "log", "title": "Cells in a subset", "tickvals": SIZES, "range": [0.5, 3.45],
        },
        yaxis3={
            "domain": _LOWER, "anchor": "x3", "type": "log", "title": "Distance", "range": [-2, 0.2],
            "tickvals": [0.01, 0.1, 1], "ticktext": ["1 %", "10 %", "100 %"],
        },
        legend={"y": -0.13, "yanchor": "top"},
        annotations=[
            _title("The table", _LEFT[0], _UPPER[1]),
            _title("Its embedding", _RIGHT[0], _UPPER[1]),
            _title("How far subsets are from the whole", _LEFT[0], _LOWER[1]),
        ],
    )  # fmt: skip
    return Figure(
        name="embedding_of_a_set",
        plot=plot,
        alt=(
            f"Pooled by {pooling.lower()}, the operation moves the embedding by {set_.moved:.0%} of its length; "
            f"subsets of {m} cells scatter by {set_.scatter:.0%} and are off by {set_.off:.0%} on average."
        ),
        table={"cells": list(SIZES), **{f"distance_{p.lower()}": set_.distance[p] for p in POOLINGS}},
        caption=(
            f"{len(set_.cells):,} rows, coloured from the first (dark) to the last. {len(set_.subsets)} subsets of "
            "each size; distances in percent of the length of the embedding of the whole set. Dotted: 1/√m."
        ),
    )


def _rows(set_: Embedded) -> go.Scatter:
    k = min(len(set_.cells), CELLS)
    row = 1 + np.arange(len(set_.cells)) % k  # of a doubled set, in either copy
    return go.Scatter(
        x=typed(set_.cells[:, 0]), y=typed(set_.cells[:, 1]), mode="markers", showlegend=False, name="Cell",
        marker={
            "size": 5, "color": typed(row), "colorscale": SEQUENTIAL, "cmin": 1, "cmax": k,
            "opacity": 0.8,
        },
        hovertemplate="row %{marker.color:,.0f}: %{x:.2f}, %{y:.2f}<extra></extra>",
    )  # fmt: skip


def _plane(set_: Embedded, pooling: str, m: int) -> list[go.Scatter]:
    hover = "%{x:.3~g}, %{y:.3~g}<extra>%{fullData.name}</extra>"
    place = {"xaxis": "x2", "yaxis": "y2", "mode": "markers", "hovertemplate": hover}
    subsets = go.Scatter(
        x=typed(set_.subsets[:, 0]), y=typed(set_.subsets[:, 1]), name=f"Subsets of {m}",
        marker={"size": 5, "color": _COLOURS[pooling], "opacity": 0.5}, **place,
    )  # fmt: skip
    whole, changed = (
        go.Scatter(x=typed([z[0]]), y=typed([z[1]]), name=name, marker=marker, **place)
        for z, name, marker in (
            (set_.whole, "The whole set", {"size": 17, "color": REAL, "symbol": "diamond"}),
            (set_.changed, "After the operation", {"size": 11, "color": VERMILLION, "symbol": "x"}),
        )
    )
    return [subsets, whole, changed]


def _curves(set_: Embedded, pooling: str, m: int) -> list[go.Scatter]:
    """A line for each pooling, named at its right end, the chosen one last and bold; and the law of the mean."""
    sizes = np.array(SIZES, dtype=np.float64)
    place = {"xaxis": "x3", "yaxis": "y3", "showlegend": False}
    law = go.Scatter(
        x=typed(sizes), y=typed(set_.distance["Mean"][0] * np.sqrt(sizes[0] / sizes)), mode="lines",
        line={"color": REAL, "dash": "dot", "width": 1.5}, name="1/√m", hoverinfo="skip", **place,
    )  # fmt: skip
    lines = [
        go.Scatter(
            x=typed(sizes), y=typed(set_.distance[name]), mode="lines+markers+text", name=name,
            text=[*[""] * (len(sizes) - 1), f" {name}"], textposition=f"{_SIDES[name]} right",
            opacity=1.0 if name == pooling else 0.45,
            line={"color": _COLOURS[name], "width": 3 if name == pooling else 1.5},
            marker={"size": 8 if name == pooling else 5, "symbol": _SYMBOLS[name]},
            hovertemplate="%{x} cells: %{y:.1%}<extra>%{fullData.name}</extra>", **place,
        )
        for name in sorted(POOLINGS, key=pooling.__eq__)
    ]  # fmt: skip
    # The size that the slider has, at the height that the cloud above has.
    here = go.Scatter(
        x=typed([m]), y=typed([np.hypot(set_.off, set_.scatter)]), mode="markers", name=f"Subsets of {m}",
        marker={"size": 14, "symbol": "circle-open", "color": VERMILLION, "line": {"width": 3}},
        hovertemplate="%{x} cells: %{y:.1%}<extra></extra>", **place,
    )  # fmt: skip
    return [law, *lines, here]


def _title(words: str, x: float, y: float) -> dict[str, object]:
    return {
        "text": f"<b>{words}</b>", "x": x, "y": y, "xref": "paper", "yref": "paper", "xanchor": "left",
        "yanchor": "bottom", "yshift": 5, "showarrow": False,
    }  # fmt: skip
