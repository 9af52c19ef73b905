"""The figures of lesson 4: sand being pushed, both distances against the shift, and critics at work."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from core.lessons.earth_mover import (
    BIN,
    CLIPPING,
    HERE,
    NOTHING,
    PENALTY,
    PLACES,
    SHIFTS,
    STEPS,
    WAYS,
    WIDTH,
    Critics,
    Floats,
    Piles,
    along,
    best_critic,
)
from core.plots.figure import Figure, draw, grid, translucent, typed
from core.plots.theme import BLUE, GREEN, ORANGE, PURPLE, REAL, VERMILLION
from core.words import number

_HEIGHT = 440
_BETWEEN = 0.12  # half of the height that the sand falls, in units of mass
_COLOURS = {NOTHING: VERMILLION, CLIPPING: ORANGE, PENALTY: GREEN}
_DASHES = {NOTHING: "dot", CLIPPING: "dash", PENALTY: "solid"}


def sand(two: Piles) -> Figure:
    """The real pile above, the synthetic one below, and where each part of the sand goes."""
    x, y = _flows(two)
    traces = [
        go.Scatter(
            x=x, y=y, fill="toself", mode="lines", line={"width": 0.5, "color": translucent(PURPLE, 0.5)},
            fillcolor=translucent(PURPLE, 0.3), name="way of the sand", hoverinfo="skip",
        )
    ]  # fmt: skip
    for name, mass, colour, side in (("real", two.real, REAL, 1), ("synthetic", two.synthetic, BLUE, -1)):
        traces.append(
            go.Bar(
                x=typed(PLACES), y=typed(side * mass), base=side * _BETWEEN, name=name, marker={"color": colour},
                customdata=typed(mass), hovertemplate="at %{x}: %{customdata:.1%} of the sand<extra>%{fullData.name}"
                "</extra>",
            )
        )  # fmt: skip
    top = _BETWEEN + max(float(two.real.max()), float(two.synthetic.max())) * 1.05
    plot = draw(
        traces, height=_HEIGHT, barmode="overlay", bargap=0.05, legend={"y": 1.02},
        xaxis={"title": "Place", "range": [0, PLACES[-1]]}, yaxis={"visible": False, "range": [-top, top]},
    )  # fmt: skip
    _arrow(plot, two)
    return Figure(
        name="sand_to_be_pushed",
        plot=plot,
        alt=(
            f"The synthetic pile lies {two.shift:g} to the right of the real one; to push one into the other costs "
            f"{number(two.earth_mover)}, mass times distance."
        ),
        table={"place": PLACES, "real": two.real, "synthetic": two.synthetic},
        caption=_caption(two),
    )


def _flows(two: Piles) -> tuple[list[float | None], list[float | None]]:
    """Polygons of all parts of the plan, one after the other: as wide above and below as their share of the bins."""
    x: list[float | None] = []
    y: list[float | None] = []
    used = {"real": np.zeros(len(PLACES)), "synthetic": np.zeros(len(PLACES))}
    for i, j in zip(*np.nonzero(two.plan > 1e-9), strict=True):
        ends = []
        for name, mass, k in (("real", two.real, i), ("synthetic", two.synthetic, j)):
            share = two.plan[i, j] / mass[k] * BIN
            left = PLACES[k] - BIN / 2 + used[name][k]
            used[name][k] += share
            ends += [(float(left), float(left + share))]
        (a, b), (c, d) = ends
        x += [a, b, d, c, a, None]
        y += [_BETWEEN, _BETWEEN, -_BETWEEN, -_BETWEEN, _BETWEEN, None]
    return x, y


def _arrow(plot: go.Figure, two: Piles) -> None:
    if two.shift:
        plot.add_annotation(
            text=f"shift {two.shift:g}", x=HERE + two.shift, ax=HERE, y=0, ay=0, xref="x", axref="x", yref="y",
            ayref="y", showarrow=True, arrowhead=2, arrowwidth=2, arrowcolor=REAL, xanchor="left", xshift=4,
        )  # fmt: skip


def distances(two: Piles) -> Figure:
    """W1 and Jensen–Shannon divergence at every shift, and where the slider stands."""
    plot = grid(1, 2, ["<b>Earth mover's</b>", "<b>Jensen–Shannon</b>"], height=_HEIGHT)
    curves = along(two.width)
    for panel, (curve, colour, now) in enumerate(
        zip(curves, (PURPLE, ORANGE), (two.earth_mover, two.jensen_shannon), strict=True), start=1
    ):
        plot.add_trace(
            go.Scatter(
                x=typed(SHIFTS), y=typed(curve), mode="lines", line={"color": colour, "width": 3}, showlegend=False,
                hovertemplate="shift %{x}: %{y:.3f}<extra></extra>",
            ),
            row=1,
            col=panel,
        )  # fmt: skip
        plot.add_trace(
            go.Scatter(
                x=[two.shift], y=[now], mode="markers", marker={"color": colour, "size": 14, "symbol": "diamond"},
                name="now", showlegend=False, hovertemplate="now: %{y:.3f}<extra></extra>",
            ),
            row=1,
            col=panel,
        )  # fmt: skip
    plot.add_hline(
        y=float(np.log(2)), line={"color": REAL, "dash": "dash"}, row=1, col=2, annotation_text="log 2",
        annotation_position="bottom right",
    )  # fmt: skip
    plot.update_xaxes(title="Shift")
    plot.update_yaxes(range=[0, 5.3], col=1)
    plot.update_yaxes(range=[0, 0.8], col=2)
    return Figure(
        name="two_distances_against_shift",
        plot=plot,
        alt=(
            f"At shift {two.shift:g} the earth mover's distance is {number(two.earth_mover)} and the Jensen–Shannon "
            f"divergence {number(two.jensen_shannon)} nats."
        ),
        table={"shift": SHIFTS, "earth_mover": curves[0], "jensen_shannon": curves[1]},
        caption=_caption(two) + " Jensen–Shannon in nats.",
    )


def critics(three: Critics) -> Figure:
    """What each critic says of each place, and the distance that it makes of it step by step."""
    two, best = three.piles, best_critic(three.piles, three.lipschitz)
    goal = three.lipschitz * two.earth_mover
    plot = grid(1, 2, ["<b>Score of a place</b>", "<b>Real less synthetic</b>"], height=_HEIGHT)
    low, high = float(best.min()), float(best.max())
    pad = max(0.35 * (high - low), 0.5)
    floor = low - 1.5 * pad
    for name, mass, colour in (("real", two.real, REAL), ("synthetic", two.synthetic, BLUE)):
        outline = floor + mass / max(two.real.max(), two.synthetic.max()) * pad
        outside = {"fill": "toself", "fillcolor": translucent(colour, 0.5), "line": {"width": 0}}
        ends = np.concatenate([PLACES, PLACES[::-1]]), np.concatenate([outline, np.full(len(PLACES), floor)])
        plot.add_trace(
            go.Scatter(
                x=typed(ends[0]), y=typed(ends[1]), mode="lines", name=name, legendgroup=name, hoverinfo="skip",
                **outside,
            ),
            row=1,
            col=1,
        )  # fmt: skip
    steps = np.arange(1.0, three.step + 1)
    estimates = np.array(three.estimates).T
    for way, score, estimate in zip(WAYS, three.scores(), estimates, strict=True):
        line = {"color": _COLOURS[way], "dash": _DASHES[way], "width": 2.5}
        _both(plot, way, line, (PLACES, score), (steps, estimate))
    line = {"color": PURPLE, "dash": "longdash", "width": 2.5}
    _both(plot, "best possible", line, (PLACES, best), (np.array([0.0, STEPS]), np.full(2, goal)))
    plot.update_xaxes(title="Place", range=[0, PLACES[-1]], col=1)
    plot.update_yaxes(range=[floor, high + pad], col=1)
    plot.update_xaxes(title="Step", range=[0, STEPS], col=2)
    plot.update_yaxes(range=[0, max(2 * goal, 0.1)], col=2)
    plot.update_layout(legend={"y": -0.22, "yanchor": "top"})
    return Figure(
        name="three_critics",
        plot=plot,
        # Constant while they train.
        alt=(
            f"Three critics learn to tell the piles apart; the best possible one of slope {three.lipschitz:g} makes a "
            f"difference of {number(goal)}."
        ),
        table={
            "place": PLACES, "best": best,
            **{way.replace(" ", "_"): score for way, score in zip(WAYS, three.scores(), strict=True)},
        },
        caption=(
            f"λ = {three.lipschitz:g}. Critics of two hidden layers; what leaves the figure has left the scale. Where "
            "the piles have no sand to tell apart, any slope up to λ is as good as the one drawn."
        ),
    )  # fmt: skip


def _both(plot: go.Figure, name: str, line: dict[str, object], *curves: tuple[Floats, Floats]) -> None:
    """A line of one name in each panel."""
    for column, (x, y) in enumerate(curves, start=1):
        plot.add_trace(
            go.Scatter(
                x=typed(x), y=typed(y), mode="lines", line=line, name=name, legendgroup=name, showlegend=column == 1,
                hovertemplate="%{y:.2f}<extra>%{fullData.name}</extra>",
            ),
            row=1,
            col=column,
        )  # fmt: skip


def _caption(two: Piles) -> str:
    return f"Both piles hold the same sand; the real one is {WIDTH:g} wide, the synthetic one {two.width:g}."
