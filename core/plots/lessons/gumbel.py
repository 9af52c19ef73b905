"""The figures of lesson 2: one call being drawn, many calls on their simplex, and gradients against temperature."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from core.lessons.gumbel import Draws, Floats, Gradients
from core.plots.figure import Figure, grid, translucent, typed
from core.plots.theme import BLUE, GREEN, ORANGE, REAL, SYMBOLS, VERMILLION
from core.words import number

_HEIGHT = 440
_GENOTYPES = ("0", "1", "2")
_COLOURS = (BLUE, ORANGE, GREEN)
# Corners of the simplex of the genotypes 0, 1, 2 on a plane.
_CORNERS = np.array([[0.0, 0.0], [0.5, np.sqrt(0.75)], [1.0, 0.0]])
_LARGEST = 60  # pixels of a corner at which all calls lie
_SPAN = 3.0  # of the histogram, to either side of the exact gradient
_BINS = 60


def one_call(draws: Draws) -> Figure:
    """Log-probabilities, the same with noise, and the call that comes out: the first one drawn."""
    titles = ["<b>1. Log-probability</b>", "<b>2. Plus Gumbel noise</b>", f"<b>3. Softmax at {draws.temperature:g}</b>"]
    logits = np.log(draws.probability)
    heights = (logits, draws.score[0], draws.call[0])
    plot = grid(1, 3, titles, height=_HEIGHT, horizontal_spacing=0.08)
    for panel, values in enumerate(heights, start=1):
        plot.add_trace(
            go.Bar(
                x=_GENOTYPES, y=typed(values), marker={"color": list(_COLOURS)}, showlegend=False,
                text=[number(float(v), 2) for v in values], textposition="outside", cliponaxis=False,
                hovertemplate="genotype %{x}: %{y:.2f}<extra></extra>",
            ),
            row=1,
            col=panel,
        )  # fmt: skip
        plot.update_xaxes(title="Genotype", type="category", showgrid=False, col=panel)
    low, high = min(-3.0, *heights[0], *heights[1]) * 1.15, max(3.0, *heights[1]) * 1.15
    for panel in (1, 2):
        plot.update_yaxes(range=[low, high], zeroline=True, col=panel)
    plot.update_yaxes(range=[0, 1.12], col=3)
    winner = draws.winner[0]
    share = number(float(draws.call[0, winner]))
    return Figure(
        name="one_call",
        plot=plot,
        alt=f"Genotype {winner} has the largest score; its share of the call is {share}.",
        table={
            "genotype": _GENOTYPES, "log_probability": logits, "score": draws.score[0], "soft": draws.soft[0],
            "call": draws.call[0],
        },
        caption=f"{_kind(draws.hard)} call, allele frequency {draws.frequency:g}; the seed draws the noise.",
    )  # fmt: skip


def simplex(draws: Draws) -> Figure:
    """Every call as a point of the triangle, beside true probabilities, winners and means."""
    titles = ["<b>Each call</b>", "<b>All calls</b>"]
    plot = grid(1, 2, titles, height=_HEIGHT, column_widths=[0.6, 0.4], horizontal_spacing=0.1)
    edge = _CORNERS[[0, 1, 2, 0]]
    plot.add_trace(
        go.Scatter(
            x=typed(edge[:, 0]), y=typed(edge[:, 1]), mode="lines", line={"color": REAL}, hoverinfo="skip",
            showlegend=False,
        ),
        row=1,
        col=1,
    )  # fmt: skip
    for genotype, colour in enumerate(_COLOURS):
        plot.add_trace(_points(draws, genotype, colour), row=1, col=1)
    places = (("0", 0, "right", -8, 0), ("1", 1, "center", 0, 14), ("2", 2, "left", 8, 0))
    for text, corner, anchor, right, up in places:
        shift = _LARGEST / 2 if draws.hard else 0
        plot.add_annotation(
            text=f"<b>{text}</b>", x=_CORNERS[corner, 0], y=_CORNERS[corner, 1], xref="x", yref="y", showarrow=False,
            xanchor=anchor, xshift=np.sign(right) * shift + right, yshift=up and up + shift,
        )  # fmt: skip
    plot.update_xaxes(visible=False, range=[-0.2, 1.2], constrain="range", col=1)
    plot.update_yaxes(visible=False, range=[-0.15, 1.05], scaleanchor="x", constrain="range", col=1)
    bars: tuple[tuple[str, str, Floats], ...] = (
        ("true probability", REAL, draws.probability),
        ("share of winners", BLUE, draws.shares),
        ("mean call", ORANGE, draws.call.mean(axis=0)),
    )
    for name, colour, values in bars:
        plot.add_trace(
            go.Bar(
                x=_GENOTYPES, y=typed(values), name=name, marker={"color": colour},
                hovertemplate="genotype %{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
            ),
            row=1,
            col=2,
        )  # fmt: skip
    plot.update_xaxes(title="Genotype", type="category", showgrid=False, col=2)
    plot.update_yaxes(range=[0, 1], col=2)
    plot.update_layout(legend={"y": -0.2, "yanchor": "top", "x": 1, "xanchor": "right"})
    return Figure(
        name="calls_on_the_simplex",
        plot=plot,
        alt=(
            f"{len(draws.call)} calls at temperature {draws.temperature:g}; the largest share of a soft call is "
            f"{number(draws.decided)} on average, and the genotypes win in shares of "
            f"{', '.join(number(float(s)) for s in draws.shares)}."
        ),
        table={f"share_{g}": draws.call[:, g] for g in range(3)} | {"winner": draws.winner},
        caption=f"{len(draws.call)} {_kind(draws.hard).lower()} calls, allele frequency {draws.frequency:g}.",
    )


def _points(draws: Draws, genotype: int, colour: str) -> go.Scatter:
    rows = draws.winner == genotype
    name = f"genotype {genotype} wins"
    if draws.hard:
        # All of them at one place: the area says how many.
        size = np.sqrt(rows.mean()) * _LARGEST
        marker = {"color": colour, "size": [float(size)], "symbol": SYMBOLS[genotype], "opacity": 0.9}
        x, y = _CORNERS[genotype]
        return go.Scatter(
            x=[x], y=[y], mode="markers", name=name, marker=marker, cliponaxis=False, showlegend=False,
            hovertemplate=f"{rows.sum()} calls<extra>%{{fullData.name}}</extra>",
        )  # fmt: skip
    places = draws.call[rows] @ _CORNERS
    marker = {"color": colour, "size": 7, "opacity": 0.6, "symbol": SYMBOLS[genotype]}
    return go.Scatter(
        x=typed(places[:, 0]), y=typed(places[:, 1]), mode="markers", name=name, marker=marker, cliponaxis=False,
        showlegend=False, customdata=typed(draws.call[rows]),
        hovertemplate="shares of 0, 1, 2: %{customdata[0]:.2f}, %{customdata[1]:.2f}, %{customdata[2]:.2f}"
        "<extra>%{fullData.name}</extra>",
    )  # fmt: skip


def gradient(result: Gradients) -> Figure:
    """Single-sample gradients at one temperature, and their mean and spread along all temperatures."""
    titles = [f"<b>Temperature {result.now:g}</b>", "<b>Any temperature</b>"]
    plot = grid(1, 2, titles, height=_HEIGHT, horizontal_spacing=0.1)
    edges = np.linspace(result.exact - _SPAN, result.exact + _SPAN, _BINS + 1)
    inside = np.clip(result.samples, edges[0] + 1e-9, edges[-1] - 1e-9)
    share = np.histogram(inside, edges)[0] / len(inside)
    middle = (edges[1:] + edges[:-1]) / 2
    plot.add_trace(
        go.Bar(
            x=typed(middle), y=typed(share), marker={"color": BLUE}, showlegend=False,
            hovertemplate="about %{x:.2f}: %{y:.1%} of the samples<extra></extra>",
        ),
        row=1,
        col=1,
    )  # fmt: skip
    top = float(share.max()) * 1.05
    for value, colour, dash in ((result.exact, REAL, "solid"), (result.exact + result.bias, VERMILLION, "dash")):
        plot.add_trace(_line([value, value], [0, top], colour, dash), row=1, col=1)
    plot.update_xaxes(title="Gradient from one call", range=[edges[0], edges[-1]], col=1)
    plot.update_yaxes(tickformat=".0%", range=[0, top], col=1)

    low, high = result.mean - result.deviation, result.mean + result.deviation
    t = result.temperature
    plot.add_trace(
        go.Scatter(
            x=typed(np.concatenate([t, t[::-1]])), y=typed(np.concatenate([low, high[::-1]])), fill="toself",
            mode="lines", line={"width": 0}, fillcolor=translucent(BLUE, 0.25), name="± 1 standard deviation",
            hoverinfo="skip",
        ),
        row=1,
        col=2,
    )  # fmt: skip
    mean = go.Scatter(
        x=typed(t), y=typed(result.mean), mode="lines+markers", name="mean of the samples",
        line={"color": VERMILLION, "dash": "dash"}, marker={"size": 6}, customdata=typed(result.deviation),
        hovertemplate="temperature %{x}: mean %{y:.3f}, standard deviation %{customdata:.2f}<extra></extra>",
    )  # fmt: skip
    plot.add_trace(mean, row=1, col=2)
    ends = [float(t[0]), float(t[-1])]
    plot.add_trace(_line(ends, [result.exact] * 2, REAL, "solid", "exact gradient"), row=1, col=2)
    reach = max(1.0, float(np.abs(np.concatenate([low, high])).max())) * 1.05
    now = _line([result.now] * 2, [-reach, reach], ORANGE, "dot", "temperature now")
    plot.add_trace(now, row=1, col=2)
    ticks = {"tickvals": [0.1, 0.3, 1, 3], "ticktext": ["0.1", "0.3", "1", "3"], "tickangle": 0}
    plot.update_xaxes(title="Temperature", type="log", **ticks, col=2)
    plot.update_yaxes(title="Gradient", range=[-reach, reach], col=2)
    plot.update_layout(legend={"y": -0.22, "yanchor": "top"}, bargap=0)
    return Figure(
        name="gradient_against_temperature",
        plot=plot,
        alt=(
            f"At temperature {result.now:g} the mean gradient is {number(result.bias)} off the exact "
            f"{number(result.exact)}, with a standard deviation of {number(float(result.samples.std()))}."
        ),
        table={
            "temperature": t, "mean": result.mean, "standard_deviation": result.deviation,
            "exact": np.full(len(t), result.exact),
        },
        caption=(
            f"{len(result.samples):,} samples of one {_kind(result.hard).lower()} call each; loss: the square of its "
            "alternate alleles; gradient by the log-odds of their frequency. Left: shares of the samples; those "
            "outside the histogram are counted in its last bars."
        ),
    )  # fmt: skip


def _line(x: list[float], y: list[float], colour: str, dash: str, name: str = "") -> go.Scatter:
    return go.Scatter(
        x=x, y=y, mode="lines", line={"color": colour, "dash": dash, "width": 2}, name=name, showlegend=bool(name),
        hoverinfo="skip",
    )  # fmt: skip


def _kind(hard: bool) -> str:
    return "Hard" if hard else "Soft"
