"""A training at several sites: the loss of each, how far they drift apart, and what it is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import plotly.graph_objects as go

from core.config.federation import ALONE, DRIFT, FEDERATED, POOLED, SITE_CURVE
from core.plots.figure import Figure, draw, grid, typed
from core.plots.theme import BLUE, CEILING_DASH, NULL_DASH, ORANGE, PURPLE, REAL, population_colours, population_symbols
from core.plots.training import Curve
from core.reports.report import Measurement
from core.words import count, number

_LOOKS = {POOLED: (PURPLE, "square"), FEDERATED: (BLUE, "circle"), ALONE: (ORANGE, "triangle-up")}
_ROW = 34


@dataclass(frozen=True)
class Compared:
    """One finished run of a comparison: what it is called, its role, its seed and its score."""

    label: str
    role: str
    seed: int
    score: Measurement


def sites(curves: Mapping[str, Curve], *, running: bool) -> Figure | None:
    """The loss of each site over the rounds, and below it their drift; None before the first round has ended."""
    own = {name.removeprefix(SITE_CURVE): curve for name, curve in curves.items() if name.startswith(SITE_CURVE)}
    drift = curves.get(DRIFT)
    if not own or drift is None:
        return None
    colours, symbols = population_colours(list(own)), population_symbols(list(own))
    titles = ["Loss at each site", "Drift: how far the sites' weights are apart before they are averaged"]
    plot = grid(2, 1, titles, height=420, shared_xaxes=True, vertical_spacing=0.16)
    for name, curve in own.items():
        looks = {"color": colours[name]}
        plot.add_trace(_line(curve, escape(name), {**looks, "symbol": symbols[name]}), row=1, col=1)
    plot.add_trace(_line(drift, "Drift", {"color": BLUE, "symbol": "circle"}, legend=False), row=2, col=1)
    plot.update_xaxes(showgrid=False).update_xaxes(title="Round", row=2, col=1)
    plot.update_yaxes(rangemode="tozero", tickformat=".1%", row=2, col=1)
    plot.update_layout(margin={"t": 84, "b": 48, "l": 60, "r": 8}, legend={"y": 1.09})
    last = ", ".join(f"{name} {number(curve.value[-1])}" for name, curve in own.items())
    done = count(len(drift.value), "round")
    names = [*own, DRIFT]
    every = [*own.values(), drift]
    return Figure(
        name="sites",
        plot=plot,
        alt="The losses of the sites by round, and their drift; training goes on."
        if running
        else f"After {done} the losses of the sites are {last}; their drift is {drift.value[-1]:.2%}.",
        table={
            "curve": [name for name, curve in zip(names, every, strict=True) for _ in curve.value],
            "round": [i + 1 for curve in every for i in range(len(curve.value))],
            "value": [value for curve in every for value in curve.value],
        },
        caption=f"After {done}: {last}. Drift: root mean square distance of the sites' weights from their mean, "
        f"weighted by their sets, over the size of the mean; now {drift.value[-1]:.2%}.",
    )


def _line(curve: Curve, name: str, looks: Mapping[str, str], *, legend: bool = True) -> go.Scatter:
    few = len(curve.value) <= 30  # a line alone would hide where the values are
    return go.Scatter(
        x=typed(range(1, len(curve.value) + 1)), y=typed(curve.value), name=name, showlegend=legend,
        mode="lines+markers" if few else "lines", line={"color": looks["color"], "width": 2},
        marker={"symbol": looks["symbol"], "size": 7},
        hovertemplate="<b>%{fullData.name}</b><br>Round %{x}: %{y:.4~g}<extra></extra>",
    )  # fmt: skip


def compared(rows: Sequence[Compared]) -> Figure | None:
    """A score of all runs with its interval, one row a kind or site; None unless two kinds have a value."""
    known = [row for row in rows if row.score.value is not None]
    if len({row.role for row in known}) < 2:
        return None
    labels = list(dict.fromkeys(row.label for row in known))
    traces: list[Any] = [_reference(value, name, dash, len(labels)) for value, name, dash in _references(known)]
    for label in labels:
        own = [row for row in known if row.label == label]
        for k, row in enumerate(own):
            traces.append(_point(row, labels.index(label) + (k - (len(own) - 1) / 2) * 0.7 / len(own)))
    about = known[0].score
    told = "; ".join(f"{row.label}, seed {row.seed}: {row.score.shown}" for row in known)
    return Figure(
        name="federated",
        plot=draw(
            traces,
            height=110 + max(_ROW, 14 * len(known) // len(labels)) * len(labels),
            xaxis={"title": f"{about.label} ({about.goal})", "showgrid": False},
            yaxis={
                "tickvals": list(range(len(labels))), "ticktext": [escape(label) for label in labels],
                "range": [len(labels) - 0.5, -0.5], "fixedrange": True, "showgrid": False,
            },
            margin={"t": 40, "b": 52, "l": 8, "r": 12},
        ),
        alt=f"{about.label}. {told}.",
        table={
            "run": [row.label for row in known],
            "seed": [row.seed for row in known],
            **{key: [getattr(row.score, key) for row in known] for key in ("value", "low", "high", "null", "ceiling")},
        },
        caption="All on the same held-out sets; intervals: 95 %, bootstrap over these sets.",
    )  # fmt: skip


def _references(rows: Sequence[Compared]) -> list[tuple[float, str, str]]:
    first = rows[0].score
    both = (
        (first.ceiling, "Floor: two halves of a set", CEILING_DASH),
        (first.null, "Null: the mean alone", NULL_DASH),
    )
    return [(value, name, dash) for value, name, dash in both if value is not None]


def _reference(value: float, name: str, dash: str, rows: int) -> go.Scatter:
    return go.Scatter(
        x=typed([value, value]), y=typed([-0.5, rows - 0.5]), mode="lines", name=name, hoverinfo="skip",
        line={"color": REAL, "width": 2, "dash": dash},
    )  # fmt: skip


def _point(row: Compared, y: float) -> go.Scatter:
    one = row.score
    assert one.value is not None
    low, high = (one.value if end is None else end for end in (one.low, one.high))
    colour, symbol = _LOOKS[row.role]
    return go.Scatter(
        x=[one.value], y=[y], mode="markers", name=escape(row.label), showlegend=False,
        error_x={
            "symmetric": False, "array": [high - one.value], "arrayminus": [one.value - low], "color": colour,
            "thickness": 2, "width": 0,
        },
        marker={"color": colour, "symbol": symbol, "size": 10},
        hovertemplate=f"<b>{escape(row.label)}</b>, seed {row.seed}<br>{one.shown}<extra></extra>",
    )  # fmt: skip
