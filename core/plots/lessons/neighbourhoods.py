"""The figure of lesson 5: balls around real points, balls around synthetic ones, and both metrics over k."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from core.lessons.neighbourhoods import LARGEST, Neighbourhood
from core.plots.figure import Figure, nth, translucent, typed
from core.plots.theme import BLUE, GREEN, ORANGE, REAL, TEMPLATE, VERMILLION
from core.words import number

_HEIGHT = 680
_VIEW = 1.65  # half the side of either map
_CORNERS = 28  # of a circle as it is drawn


def balls(points: Neighbourhood, k: int) -> Figure:
    """Precision at the left, recall at the right, their curves below."""
    from plotly.subplots import make_subplots

    precision, recall = (float(curve[k - 1]) for curve in (points.precision, points.recall))
    plot = make_subplots(
        2, 2, specs=[[{}, {}], [{"colspan": 2}, None]], row_heights=[0.66, 0.34], vertical_spacing=0.1,
        horizontal_spacing=0.06,
    )  # fmt: skip
    plot.update_layout(template=TEMPLATE, height=_HEIGHT, margin={"t": 72}, legend={"y": -0.14, "yanchor": "top"})
    _map(plot, 1, points, k, judged_synthetic=True)
    _map(plot, 2, points, k, judged_synthetic=False)
    titles = (
        f"<b>Precision {precision:.2f}</b><br>synthetic points in<br>a ball of a real one",
        f"<b>Recall {recall:.2f}</b><br>real points in a<br>ball of a synthetic one",
    )
    for panel, title in enumerate(titles):
        plot.add_annotation(
            text=title, x=0, y=1, xref=f"x{nth(panel)} domain", yref=f"y{nth(panel)} domain", xanchor="left",
            align="left", yanchor="bottom", yshift=4, showarrow=False,
        )  # fmt: skip
    _curves(plot, points, k)
    ks = np.arange(1, LARGEST + 1)
    return Figure(
        name="precision_recall_balls",
        plot=plot,
        alt=f"At k = {k} precision is {number(precision)} and recall {number(recall)}.",
        table={"k": ks, "precision": points.precision, "recall": points.recall, "recall_ceiling": points.ceiling},
        caption=f"{len(points.real)} real points of five populations and as many synthetic ones; k = {k}.",
    )


def _map(plot: go.Figure, column: int, points: Neighbourhood, k: int, *, judged_synthetic: bool) -> None:
    """The balls of one side and the judged points of the other inside and outside of them."""
    sides = (points.real, points.synthetic)
    owners, judged = sides if judged_synthetic else sides[::-1]
    own, other = (REAL, BLUE) if judged_synthetic else (BLUE, REAL)
    whose, theirs = ("real", "synthetic") if judged_synthetic else ("synthetic", "real")
    x, y = _circles(owners, points.radius(k, synthetic=not judged_synthetic))
    inside = points.inside(k, synthetic=judged_synthetic)
    plot.add_trace(
        go.Scatter(
            x=typed(x), y=typed(y), mode="lines", fill="toself", fillcolor=translucent(own, 0.16), hoverinfo="skip",
            line={"width": 0.7, "color": translucent(own, 0.4)}, showlegend=False,
        ),
        row=1,
        col=column,
    )  # fmt: skip
    plot.add_trace(_dots(owners, whose, own, "circle-open", 5), row=1, col=column)
    plot.add_trace(_dots(judged[inside], f"{theirs}, inside", other, "circle", 7), row=1, col=column)
    plot.add_trace(_dots(judged[~inside], f"{theirs}, outside", VERMILLION, "x", 7), row=1, col=column)
    axis = {"range": [-_VIEW, _VIEW], "showticklabels": False, "showgrid": False, "constrain": "domain"}
    plot.update_xaxes(**axis, row=1, col=column)
    plot.update_yaxes(**axis, scaleanchor=f"x{nth(column - 1)}", row=1, col=column)


def _dots(xy: npt.NDArray[np.float64], name: str, colour: str, symbol: str, size: int) -> go.Scatter:
    return go.Scatter(
        x=typed(xy[:, 0]), y=typed(xy[:, 1]), mode="markers", name=name, showlegend=False,
        marker={"color": colour, "symbol": symbol, "size": size}, hovertemplate="%{fullData.name}<extra></extra>",
    )  # fmt: skip


def _curves(plot: go.Figure, points: Neighbourhood, k: int) -> None:
    ks = np.arange(1, LARGEST + 1)
    plot.add_trace(
        go.Scatter(
            x=[k, k], y=[0, 1.05], mode="lines", line={"color": REAL, "width": 1.5}, name="k", showlegend=False,
            hoverinfo="skip",
        ),
        row=2,
        col=1,
    )  # fmt: skip
    lines = (
        ("Precision", points.precision, GREEN, "solid"),
        ("Recall", points.recall, ORANGE, "solid"),
        ("Recall of a second real sample", points.ceiling, REAL, "dash"),
    )
    for name, curve, colour, dash in lines:
        plot.add_trace(
            go.Scatter(
                x=typed(ks), y=typed(curve), mode="lines", name=name, line={"color": colour, "dash": dash},
                hovertemplate="k = %{x}: %{y:.2f}<extra>%{fullData.name}</extra>",
            ),
            row=2,
            col=1,
        )  # fmt: skip
    plot.add_trace(
        go.Scatter(
            x=[k, k], y=[points.precision[k - 1], points.recall[k - 1]], mode="markers", showlegend=False,
            marker={"color": [GREEN, ORANGE], "symbol": ["circle", "diamond"], "size": 10}, hoverinfo="skip",
        ),
        row=2,
        col=1,
    )  # fmt: skip
    plot.update_xaxes(title="k, the neighbour to which a ball reaches", range=[0, LARGEST + 1], row=2, col=1)
    plot.update_yaxes(range=[0, 1.05], row=2, col=1)


def _circles(middle: npt.NDArray[np.float64], radius: npt.NDArray[np.float64]) -> tuple[Any, Any]:
    """Circles as one line (n (_CORNERS + 2),) in x and in y, broken by NaN: one path, whose fill does not add up."""
    angle = np.append(np.linspace(0, 2 * np.pi, _CORNERS + 1), np.nan)
    x = middle[:, :1] + radius[:, None] * np.cos(angle)
    y = middle[:, 1:] + radius[:, None] * np.sin(angle)
    return x.ravel(), y.ravel()
