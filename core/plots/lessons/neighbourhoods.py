"""The figure of lesson 5: balls around real points, balls around synthetic ones, and both metrics over k."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from core.lessons.neighbourhoods import LARGEST, Neighbourhood
from core.plots.figure import Figure, draw, nth, translucent, typed
from core.plots.theme import BLUE, GREEN, ORANGE, REAL, VERMILLION
from core.words import number

_HEIGHT = 680
_VIEW = 1.65  # half the side of either map
_MAPS, _BELOW = [0.41, 1], [0, 0.3]  # of the height
_CORNERS = 28  # of a circle as it is drawn


def balls(points: Neighbourhood, k: int) -> Figure:
    """Precision at the left, recall at the right, their curves below."""
    precision, recall = (float(curve[k - 1]) for curve in (points.precision, points.recall))
    titles = (
        f"<b>Precision {precision:.2f}</b><br>synthetic points in<br>a ball of a real one",
        f"<b>Recall {recall:.2f}</b><br>real points in a<br>ball of a synthetic one",
    )
    side = {"range": [-_VIEW, _VIEW], "showticklabels": False, "showgrid": False, "constrain": "domain"}
    layout = {
        "margin": {"t": 72},
        "legend": {"y": -0.14, "yanchor": "top"},
        "xaxis": {**side, "domain": [0, 0.47]},
        "yaxis": {**side, "domain": _MAPS, "scaleanchor": "x"},
        "xaxis2": {**side, "domain": [0.53, 1], "anchor": "y2"},
        "yaxis2": {**side, "domain": _MAPS, "scaleanchor": "x2", "anchor": "x2"},
        "xaxis3": {"title": "k, the neighbour to which a ball reaches", "range": [0, LARGEST + 1], "anchor": "y3"},
        "yaxis3": {"range": [0, 1.05], "domain": _BELOW, "anchor": "x3"},
        "annotations": [
            {
                "text": title, "x": 0, "y": 1, "xref": f"x{nth(panel)} domain", "yref": f"y{nth(panel)} domain",
                "xanchor": "left", "align": "left", "yanchor": "bottom", "yshift": 4, "showarrow": False,
            }
            for panel, title in enumerate(titles)
        ],
    }  # fmt: skip
    traces = [
        *_map(points, k, "", judged_synthetic=True), *_map(points, k, "2", judged_synthetic=False), *_curves(points, k)
    ]  # fmt: skip
    ks = np.arange(1, LARGEST + 1)
    return Figure(
        name="precision_recall_balls",
        plot=draw(traces, height=_HEIGHT, **layout),
        alt=f"At k = {k} precision is {number(precision)} and recall {number(recall)}.",
        table={"k": ks, "precision": points.precision, "recall": points.recall, "recall_ceiling": points.ceiling},
        caption=f"{len(points.real)} real points of five populations and as many synthetic ones; k = {k}.",
    )


def _map(points: Neighbourhood, k: int, panel: str, *, judged_synthetic: bool) -> list[go.Scatter]:
    """The balls of one side and the judged points of the other inside and outside of them."""
    sides = (points.real, points.synthetic)
    owners, judged = sides if judged_synthetic else sides[::-1]
    own, other = (REAL, BLUE) if judged_synthetic else (BLUE, REAL)
    whose, theirs = ("real", "synthetic") if judged_synthetic else ("synthetic", "real")
    x, y = _circles(owners, points.radius(k, synthetic=not judged_synthetic))
    inside = points.inside(k, synthetic=judged_synthetic)
    axes = {"xaxis": f"x{panel}", "yaxis": f"y{panel}", "showlegend": False}
    dots = (
        (owners, whose, own, "circle-open", 5),
        (judged[inside], f"{theirs}, inside", other, "circle", 7),
        (judged[~inside], f"{theirs}, outside", VERMILLION, "x", 7),
    )
    return [
        go.Scatter(
            x=typed(x), y=typed(y), mode="lines", fill="toself", fillcolor=translucent(own, 0.16), hoverinfo="skip",
            line={"width": 0.7, "color": translucent(own, 0.4)}, **axes,
        ),
        *(
            go.Scatter(
                x=typed(xy[:, 0]), y=typed(xy[:, 1]), mode="markers", name=name, **axes,
                marker={"color": colour, "symbol": symbol, "size": size},
                hovertemplate="%{fullData.name}<extra></extra>",
            )
            for xy, name, colour, symbol, size in dots
        ),
    ]  # fmt: skip


def _curves(points: Neighbourhood, k: int) -> list[go.Scatter]:
    ks = typed(np.arange(1, LARGEST + 1))
    axes = {"xaxis": "x3", "yaxis": "y3"}
    lines = (
        ("Precision", points.precision, GREEN, "solid"),
        ("Recall", points.recall, ORANGE, "solid"),
        ("Recall of a second real sample", points.ceiling, REAL, "dash"),
    )
    here = [points.precision[k - 1], points.recall[k - 1]]
    return [
        go.Scatter(
            x=[k, k], y=[0, 1.05], mode="lines", line={"color": REAL, "width": 1.5}, showlegend=False,
            hoverinfo="skip", **axes,
        ),
        *(
            go.Scatter(
                x=ks, y=typed(curve), mode="lines", name=name, line={"color": colour, "dash": dash}, **axes,
                hovertemplate="k = %{x}: %{y:.2f}<extra>%{fullData.name}</extra>",
            )
            for name, curve, colour, dash in lines
        ),
        go.Scatter(
            x=[k, k], y=here, mode="markers", showlegend=False, hoverinfo="skip", **axes,
            marker={"color": [GREEN, ORANGE], "symbol": ["circle", "diamond"], "size": 10},
        ),
    ]  # fmt: skip


def _circles(middle: npt.NDArray[np.float64], radius: npt.NDArray[np.float64]) -> tuple[Any, Any]:
    """Circles as one line (n (_CORNERS + 2),) in x and in y, broken by NaN: one path, whose fill does not add up."""
    angle = np.append(np.linspace(0, 2 * np.pi, _CORNERS + 1), np.nan)
    x = middle[:, :1] + radius[:, None] * np.cos(angle)
    y = middle[:, 1:] + radius[:, None] * np.sin(angle)
    return x.ravel(), y.ravel()
