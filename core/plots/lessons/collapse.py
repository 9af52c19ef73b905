"""The figure of lesson 6: what the generator makes, and how precision, recall and losses went until then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from core.lessons.collapse import MOST_STEPS, K, RealCohort, Snapshot
from core.plots.figure import PANEL_TOP, Figure, draw, nth, typed
from core.plots.theme import BLUE, GREEN, ORANGE, PURPLE, REAL, SKY

Steps = npt.NDArray[np.int64]

_HEIGHT = 560
_TITLES = ("<b>Individuals</b>", "<b>Measured</b>", "<b>Losses</b>")
_RIGHT = [0.62, 1]  # of the width
_LEAST_SPAN = 50  # steps on the axis from the beginning


def training(real: RealCohort, history: Sequence[Snapshot], place: int) -> Figure:
    """Individuals at `place` of the history, and the whole history; without one the real cohort alone."""
    shown = history[place] if history else None
    steps = np.array([snapshot.step for snapshot in history])
    span = max(_LEAST_SPAN, int(steps[-1]) if len(steps) else 0)
    reach = np.abs(real.points).max(axis=0) * 1.15
    layout = {
        "margin": {"t": PANEL_TOP},
        "legend": {"y": -0.13, "yanchor": "top"},
        "xaxis": {"title": "PC1", "range": [-reach[0], reach[0]], "domain": [0, 0.5]},
        "yaxis": {"title": "PC2", "range": [-reach[1], reach[1]]},
        "xaxis2": {"range": [0, span * 1.02], "domain": _RIGHT, "anchor": "y2"},
        "yaxis2": {"range": [0, 1.04], "domain": [0.54, 1], "anchor": "x2"},
        "xaxis3": {"title": "Step", "range": [0, span * 1.02], "domain": _RIGHT, "anchor": "y3"},
        "yaxis3": {"domain": [0, 0.34], "anchor": "x3"},
        "annotations": [
            {
                "text": title, "x": 0, "y": 1, "xref": f"x{nth(panel)} domain", "yref": f"y{nth(panel)} domain",
                "xanchor": "left", "yanchor": "bottom", "yshift": 5, "showarrow": False,
            }
            for panel, title in enumerate(_TITLES)
        ],
    }  # fmt: skip
    traces = [*_individuals(real, shown), *_course(real, history, steps, shown, span), *_losses(history, steps)]
    words = "nothing is trained yet" if shown is None else f"step {shown.step}"
    measures = "" if shown is None else f"; precision {shown.precision:.2f}, recall {shown.recall:.2f}"
    return Figure(
        name="wgan_gp_training",
        plot=draw(traces, height=_HEIGHT, **layout),
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


def _individuals(real: RealCohort, shown: Snapshot | None) -> list[go.Scatter]:
    sides = [("Real", real.points, REAL, "circle", 6, 0.6)]
    if shown is not None:
        sides.append(("Generated", shown.points, BLUE, "diamond", 7, 0.75))
    return [
        go.Scatter(
            x=typed(xy[:, 0]), y=typed(xy[:, 1]), mode="markers", name=name,
            marker={"color": colour, "symbol": symbol, "size": size, "opacity": opacity},
            hovertemplate="%{x:.1f}, %{y:.1f}<extra>%{fullData.name}</extra>",
        )
        for name, xy, colour, symbol, size, opacity in sides
    ]  # fmt: skip


def _course(
    real: RealCohort, history: Sequence[Snapshot], steps: Steps, shown: Snapshot | None, span: int
) -> list[go.Scatter]:
    axes = {"xaxis": "x2", "yaxis": "y2"}
    curves = {"Precision": [s.precision for s in history], "Recall": [s.recall for s in history]}
    here = [] if shown is None else [shown.precision, shown.recall]
    return [
        go.Scatter(
            x=[0, span], y=[real.recall, real.recall], mode="lines", name="Recall of a second real cohort",
            line={"color": REAL, "dash": "dash", "width": 1.5}, hoverinfo="skip", **axes,
        ),
        *_lines(steps, curves, (GREEN, ORANGE), axes),
        go.Scatter(
            x=[] if shown is None else [shown.step] * 2, y=here, mode="markers", showlegend=False, hoverinfo="skip",
            marker={"color": [GREEN, ORANGE], "symbol": ["circle", "diamond"], "size": 10}, **axes,
        ),
    ]  # fmt: skip


def _losses(history: Sequence[Snapshot], steps: Steps) -> list[go.Scatter]:
    curves = {"Critic loss": [s.critic for s in history], "Generator loss": [s.generator for s in history]}
    return _lines(steps, curves, (PURPLE, SKY), {"xaxis": "x3", "yaxis": "y3"})


def _lines(
    steps: Steps, curves: Mapping[str, Sequence[float]], colours: Sequence[str], axes: Mapping[str, str]
) -> list[go.Scatter]:
    return [
        go.Scatter(
            x=typed(steps), y=typed(curve), mode="lines", name=name, line={"color": colour}, **axes,
            hovertemplate="step %{x}: %{y:.2f}<extra>%{fullData.name}</extra>",
        )
        for (name, curve), colour in zip(curves.items(), colours, strict=True)
    ]  # fmt: skip
