"""The figure of lesson 6: what the generator makes, and how precision, recall and losses went until then."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.lessons.collapse import MOST_STEPS, K, RealCohort, Snapshot
from core.plots.figure import PANEL_TOP, Figure, nth, typed
from core.plots.theme import BLUE, GREEN, ORANGE, PURPLE, REAL, SKY, TEMPLATE

_HEIGHT = 560
_TITLES = ("<b>Individuals</b>", "<b>Measured</b>", "<b>Losses</b>")
_LEAST_SPAN = 50  # steps on the axis from the beginning


def training(real: RealCohort, history: Sequence[Snapshot], place: int) -> Figure:
    """Individuals at `place` of the history, and the whole history; without one the real cohort alone."""
    plot = make_subplots(
        2, 2, specs=[[{"rowspan": 2}, {}], [None, {}]], column_widths=[0.56, 0.44], row_heights=[0.58, 0.42],
        horizontal_spacing=0.12, vertical_spacing=0.2,
    )  # fmt: skip
    plot.update_layout(
        template=TEMPLATE, height=_HEIGHT, margin={"t": PANEL_TOP}, legend={"y": -0.13, "yanchor": "top"}
    )
    for panel, title in enumerate(_TITLES):
        plot.add_annotation(
            text=title, x=0, y=1, xref=f"x{nth(panel)} domain", yref=f"y{nth(panel)} domain", xanchor="left",
            yanchor="bottom", yshift=5, showarrow=False,
        )  # fmt: skip
    shown = history[place] if history else None
    _individuals(plot, real, shown)
    steps = np.array([snapshot.step for snapshot in history])
    _course(plot, real, history, steps, shown)
    _losses(plot, history, steps)
    words = "nothing is trained yet" if shown is None else f"step {shown.step}"
    measures = "" if shown is None else f"; precision {shown.precision:.2f}, recall {shown.recall:.2f}"
    return Figure(
        name="wgan_gp_training",
        plot=plot,
        alt=f"Real and generated individuals on two principal components: {words}{measures}.",
        table={
            "step": steps,
            "precision": [snapshot.precision for snapshot in history],
            "recall": [snapshot.recall for snapshot in history],
            "critic_loss": [snapshot.critic for snapshot in history],
            "generator_loss": [snapshot.generator for snapshot in history],
        },
        caption=f"{len(real.calls)} real individuals of five populations, {real.calls.shape[1]} variants, as many "
        f"generated; k = {K}; {words}. At most {MOST_STEPS} steps.",
    )


def _individuals(plot: go.Figure, real: RealCohort, shown: Snapshot | None) -> None:
    sides = [("Real", real.points, REAL, "circle", 6, 0.6)]
    if shown is not None:
        sides.append(("Generated", shown.points, BLUE, "diamond", 7, 0.75))
    for name, xy, colour, symbol, size, opacity in sides:
        plot.add_trace(
            go.Scatter(
                x=typed(xy[:, 0]), y=typed(xy[:, 1]), mode="markers", name=name,
                marker={"color": colour, "symbol": symbol, "size": size, "opacity": opacity},
                hovertemplate="%{x:.1f}, %{y:.1f}<extra>%{fullData.name}</extra>",
            ),
            row=1,
            col=1,
        )  # fmt: skip
    reach = np.abs(real.points).max(axis=0) * 1.15
    plot.update_xaxes(title="PC1", range=[-reach[0], reach[0]], row=1, col=1)
    plot.update_yaxes(title="PC2", range=[-reach[1], reach[1]], row=1, col=1)


def _course(
    plot: go.Figure, real: RealCohort, history: Sequence[Snapshot], steps: np.ndarray, shown: Snapshot | None
) -> None:
    span = max(_LEAST_SPAN, int(steps[-1]) if len(steps) else 0)
    plot.add_trace(
        go.Scatter(
            x=[0, span], y=[real.recall, real.recall], mode="lines", name="Recall of a second real cohort",
            line={"color": REAL, "dash": "dash", "width": 1.5}, hoverinfo="skip",
        ),
        row=1,
        col=2,
    )  # fmt: skip
    lines = (
        ("Precision", GREEN, "circle", [snapshot.precision for snapshot in history]),
        ("Recall", ORANGE, "diamond", [snapshot.recall for snapshot in history]),
    )
    for name, colour, symbol, curve in lines:
        now = [] if shown is None else [shown.precision if name == "Precision" else shown.recall]
        plot.add_trace(
            go.Scatter(
                x=typed(steps), y=typed(curve), mode="lines", name=name, line={"color": colour},
                hovertemplate="step %{x}: %{y:.2f}<extra>%{fullData.name}</extra>",
            ),
            row=1,
            col=2,
        )  # fmt: skip
        plot.add_trace(
            go.Scatter(
                x=[shown.step] if shown else [], y=now, mode="markers", showlegend=False, hoverinfo="skip",
                marker={"color": colour, "symbol": symbol, "size": 10},
            ),
            row=1,
            col=2,
        )  # fmt: skip
    plot.update_xaxes(range=[0, span * 1.02], row=1, col=2)
    plot.update_yaxes(range=[0, 1.04], row=1, col=2)
    plot.update_xaxes(title="Step", range=[0, span * 1.02], row=2, col=2)


def _losses(plot: go.Figure, history: Sequence[Snapshot], steps: np.ndarray) -> None:
    lines = (
        ("Critic loss", PURPLE, [snapshot.critic for snapshot in history]),
        ("Generator loss", SKY, [snapshot.generator for snapshot in history]),
    )
    for name, colour, curve in lines:
        plot.add_trace(
            go.Scatter(
                x=typed(steps), y=typed(curve), mode="lines", name=name, line={"color": colour},
                hovertemplate="step %{x}: %{y:.2f}<extra>%{fullData.name}</extra>",
            ),
            row=2,
            col=2,
        )  # fmt: skip
