"""The figure of lesson 8: what an attacker sees, how often he is right, and AATS against either real cohort."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go

from core.lessons.privacy import INDIVIDUALS, Accuracy, Audit
from core.plots.figure import PANEL_TOP, Figure, draw, nth, translucent, typed
from core.plots.theme import BLUE, GREEN, REAL, VERMILLION
from core.words import number

_HEIGHT = 600
_ABOVE = [0.47, 1]  # of the height
_BINS = 60  # of distance
_SEEN, _UNSEEN = "Training individuals", "Holdout individuals"
_TITLES = ("<b>Individuals</b>", "<b>Members found</b>", "<b>AATS and its two halves</b>")


def audit(found: Audit) -> Figure:
    """Distances and ROC curve above, adversarial accuracy below."""
    farthest = 1.02 * float(max(found.members.max(), found.others.max()))
    layout = {
        "margin": {"t": PANEL_TOP},
        "barmode": "overlay",
        "legend": {"y": -0.14, "yanchor": "top"},
        "xaxis": {"title": "Distance to a synthetic", "range": [0, farthest], "domain": [0, 0.43]},
        "yaxis": {"domain": _ABOVE},
        "xaxis2": {
            "title": "False alarms", "range": [0, 1], "tickformat": ".0%", "domain": [0.57, 1], "anchor": "y2"
        },
        "yaxis2": {"range": [0, 1.03], "tickformat": ".0%", "domain": _ABOVE, "anchor": "x2"},
        "xaxis3": {"title": "0 copies, 0.5 alike, 1 separate", "range": [-0.04, 1.04], "anchor": "y3"},
        "yaxis3": {
            "tickvals": [0, 1], "ticktext": ["Training", "Holdout"], "range": [-0.6, 1.6], "showgrid": False,
            "domain": [0, 0.24], "anchor": "x3",
        },
        "annotations": [
            {
                "text": title, "x": 0, "y": 1, "xref": f"x{nth(panel)} domain", "yref": f"y{nth(panel)} domain",
                "xanchor": "left", "yanchor": "bottom", "yshift": 5, "showarrow": False,
            }
            for panel, title in enumerate(_TITLES)
        ],
    }  # fmt: skip
    return Figure(
        name="privacy_audit",
        plot=draw([*_distances(found, farthest), *_roc(found), *_accuracies(found)], height=_HEIGHT, **layout),
        alt=f"AATS is {number(found.holdout.aats)} to the holdout and {number(found.train.aats)} to the training "
        f"individuals; the area under the curve of the attack is {number(found.auc)}.",
        table={"distance_training": found.members, "distance_holdout": found.others},
        caption=f"{INDIVIDUALS} training, {INDIVIDUALS} holdout and {INDIVIDUALS} synthetic individuals; Euclidean "
        "distance over all variants.",
    )


def _distances(found: Audit, farthest: float) -> list[go.Bar]:
    edges = np.linspace(0, farthest, _BINS + 1)
    sides = ((_UNSEEN, found.others, REAL), (_SEEN, found.members, VERMILLION))
    return [
        go.Bar(
            x=typed((edges[1:] + edges[:-1]) / 2), y=typed(np.histogram(distance, edges)[0]), name=name,
            width=float(edges[1]), marker={"color": colour, "opacity": 0.65, "line": {"width": 0}},
            hovertemplate="distance %{x:.1f}: %{y:.0f}<extra>%{fullData.name}</extra>",
        )
        for name, distance, colour in sides
    ]  # fmt: skip


def _roc(found: Audit) -> list[go.Scatter]:
    axes = {"xaxis": "x2", "yaxis": "y2", "showlegend": False}
    return [
        go.Scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": REAL, "dash": "dash"}, hoverinfo="skip", **axes),
        go.Scatter(
            x=typed(found.false_alarms), y=typed(found.found), mode="lines", line={"color": VERMILLION, "width": 3},
            name="ROC curve", fill="tozeroy", fillcolor=translucent(VERMILLION, 0.12), **axes,
            hovertemplate="%{y:.0%} of members at %{x:.0%} false alarms<extra></extra>",
        ),
    ]  # fmt: skip


def _accuracies(found: Audit) -> list[go.Scatter]:
    axes = {"xaxis": "x3", "yaxis": "y3"}
    sides = (found.train, found.holdout)
    half = {"color": REAL, "dash": "dash"}
    traces = [
        go.Scatter(
            x=[0.5, 0.5], y=[-0.5, 1.5], mode="lines", line=half, showlegend=False, hoverinfo="skip", **axes
        ),
        *(
            go.Scatter(
                x=[one.truth, one.synthetic], y=[place, place], mode="lines", line={"color": REAL, "width": 2},
                showlegend=False, hoverinfo="skip", **axes,
            )
            for place, one in enumerate(sides)
        ),
    ]  # fmt: skip
    marks: list[tuple[str, str, str, int, Callable[[Accuracy], list[float]]]] = [
        ("Real, nearest to a real one", "circle", GREEN, 12, lambda one: [one.truth]),
        ("Synthetic, nearest to a synthetic one", "diamond", BLUE, 12, lambda one: [one.synthetic]),
        ("AATS, their mean", "line-ns", VERMILLION, 20, lambda one: [one.aats]),
    ]
    if np.isfinite(found.train.copies):
        apart = ("The same, copies and others apart", "diamond-open", BLUE, 12, lambda one: [one.copies, one.others])
        marks.insert(2, apart)
    for name, symbol, colour, size, values in marks:
        places = [(value, place) for place, one in enumerate(sides) for value in values(one)]
        traces.append(
            go.Scatter(
                x=[x for x, _ in places], y=[y for _, y in places], mode="markers", name=name, **axes,
                marker={"symbol": symbol, "color": colour, "size": size, "line": {"width": 3, "color": colour}},
                hovertemplate="%{x:.2f}<extra>%{fullData.name}</extra>",
            )
        )  # fmt: skip
    return traces
