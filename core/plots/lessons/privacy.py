"""The figure of lesson 8: what an attacker sees, how often he is right, and AATS against either real cohort."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.lessons.privacy import INDIVIDUALS, Accuracy, Audit
from core.plots.figure import PANEL_TOP, Figure, nth, typed
from core.plots.theme import BLUE, GREEN, REAL, TEMPLATE, VERMILLION
from core.words import number

_HEIGHT = 600
_BINS = 60  # of distance
_SEEN, _UNSEEN = "Training individuals", "Holdout individuals"
_TITLES = ("<b>Individuals</b>", "<b>Members found</b>", "<b>AATS and its two halves</b>")


def audit(found: Audit) -> Figure:
    """Distances and ROC curve above, adversarial accuracy below."""
    plot = make_subplots(
        2, 2, specs=[[{}, {}], [{"colspan": 2}, None]], row_heights=[0.68, 0.32], vertical_spacing=0.24,
        horizontal_spacing=0.14,
    )  # fmt: skip
    plot.update_layout(
        template=TEMPLATE, height=_HEIGHT, margin={"t": PANEL_TOP}, barmode="overlay",
        legend={"y": -0.14, "yanchor": "top"},
    )  # fmt: skip
    for panel, title in enumerate(_TITLES):
        plot.add_annotation(
            text=title, x=0, y=1, xref=f"x{nth(panel)} domain", yref=f"y{nth(panel)} domain", xanchor="left",
            yanchor="bottom", yshift=5, showarrow=False,
        )  # fmt: skip
    _distances(plot, found)
    _roc(plot, found)
    _accuracies(plot, found)
    return Figure(
        name="privacy_audit",
        plot=plot,
        alt=f"AATS is {number(found.holdout.aats)} to the holdout and {number(found.train.aats)} to the training "
        f"individuals; the area under the curve of the attack is {number(found.auc)}.",
        table={"distance_training": found.members, "distance_holdout": found.others},
        caption=f"{INDIVIDUALS} training, {INDIVIDUALS} holdout and {INDIVIDUALS} synthetic individuals; Euclidean "
        "distance over all variants.",
    )


def _distances(plot: go.Figure, found: Audit) -> None:
    edges = np.linspace(0, max(found.members.max(), found.others.max()) * 1.02, _BINS + 1)
    for name, distance, colour in ((_UNSEEN, found.others, REAL), (_SEEN, found.members, VERMILLION)):
        plot.add_trace(
            go.Bar(
                x=typed((edges[1:] + edges[:-1]) / 2), y=typed(np.histogram(distance, edges)[0]), name=name,
                width=float(edges[1]), marker={"color": colour, "opacity": 0.65, "line": {"width": 0}},
                hovertemplate="distance %{x:.1f}: %{y:.0f}<extra>%{fullData.name}</extra>",
            ),
            row=1,
            col=1,
        )  # fmt: skip
    plot.update_xaxes(title="Distance to a synthetic", range=[0, edges[-1]], row=1, col=1)


def _roc(plot: go.Figure, found: Audit) -> None:
    plot.add_trace(
        go.Scatter(
            x=[0, 1], y=[0, 1], mode="lines", line={"color": REAL, "dash": "dash"}, showlegend=False, hoverinfo="skip"
        ),
        row=1,
        col=2,
    )
    plot.add_trace(
        go.Scatter(
            x=typed(found.false_alarms), y=typed(found.found), mode="lines", line={"color": VERMILLION, "width": 3},
            name="ROC curve", showlegend=False, fill="tozeroy", fillcolor="rgba(213, 94, 0, 0.12)",
            hovertemplate="%{y:.0%} of members at %{x:.0%} false alarms<extra></extra>",
        ),
        row=1,
        col=2,
    )  # fmt: skip
    plot.update_xaxes(title="False alarms", range=[0, 1], tickformat=".0%", row=1, col=2)
    plot.update_yaxes(range=[0, 1.03], tickformat=".0%", row=1, col=2)


def _accuracies(plot: go.Figure, found: Audit) -> None:
    sides = {"Training": found.train, "Holdout": found.holdout}
    plot.add_trace(
        go.Scatter(
            x=[0.5, 0.5], y=[-0.5, 1.5], mode="lines", line={"color": REAL, "dash": "dash"}, showlegend=False,
            hoverinfo="skip",
        ),
        row=2,
        col=1,
    )  # fmt: skip
    for place, one in enumerate(sides.values()):
        plot.add_trace(
            go.Scatter(
                x=[one.truth, one.synthetic], y=[place, place], mode="lines", line={"color": REAL, "width": 2},
                showlegend=False, hoverinfo="skip",
            ),
            row=2,
            col=1,
        )  # fmt: skip
    marks: tuple[tuple[str, str, str, int, Callable[[Accuracy], list[float]]], ...] = (
        ("Real, nearest to a real one", "circle", GREEN, 12, lambda one: [one.truth]),
        ("Synthetic, nearest to a synthetic one", "diamond", BLUE, 12, lambda one: [one.synthetic]),
        ("The same, copies and others apart", "diamond-open", BLUE, 12, lambda one: [one.copies, one.others]),
        ("AATS, their mean", "line-ns", VERMILLION, 20, lambda one: [one.aats]),
    )
    for name, symbol, colour, size, values in marks:
        xs = [(value, place) for place, one in enumerate(sides.values()) for value in values(one)]
        if "copies" in name and np.isnan(found.train.copies):
            xs = []
        plot.add_trace(
            go.Scatter(
                x=[x for x, _ in xs], y=[y for _, y in xs], mode="markers", name=name,
                marker={"symbol": symbol, "color": colour, "size": size, "line": {"width": 3, "color": colour}},
                hovertemplate="%{x:.2f}<extra>%{fullData.name}</extra>",
            ),
            row=2,
            col=1,
        )  # fmt: skip
    plot.update_xaxes(range=[-0.04, 1.04], title="0 copies, 0.5 alike, 1 separate", row=2, col=1)
    plot.update_yaxes(tickvals=[0, 1], ticktext=[*sides], range=[-0.6, 1.6], showgrid=False, row=2, col=1)
