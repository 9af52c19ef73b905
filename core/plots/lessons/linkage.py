"""The figures of lesson 1: cohort A beside cohort B."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go

from core.lessons.linkage import Cohort, Pair
from core.plots.figure import Figure, draw, grid, nth, typed
from core.plots.theme import BLUE, ORANGE, SEQUENTIAL, VERMILLION
from core.words import number

_HEIGHT = 440
_NAMES = ("Cohort A", "Cohort B")
_COLOURS = (BLUE, ORANGE)


def heatmaps(pair: Pair) -> Figure:
    """r² of every pair of variants in either cohort."""
    plot = _panels()
    for panel, (name, cohort) in enumerate(zip(_NAMES, pair.shown, strict=True)):
        plot.add_trace(
            go.Heatmap(
                z=typed(cohort.r2), zmin=0, zmax=1, colorscale=SEQUENTIAL, showscale=panel == 1,
                colorbar={"title": "r²", "thickness": 12}, name=name,
                hovertemplate="variants %{x} and %{y}: r² %{z:.2f}<extra>%{fullData.name}</extra>",
            ),
            row=1,
            col=panel + 1,
        )  # fmt: skip
        plot.update_xaxes(title="Variant", showgrid=False, constrain="domain", col=panel + 1)
        plot.update_yaxes(
            autorange="reversed", showgrid=False, constrain="domain", scaleanchor=f"x{nth(panel)}", col=panel + 1
        )
    i, j = np.triu_indices(len(pair.position), 1)
    return Figure(
        name="linkage_of_two_cohorts",
        plot=plot,
        alt=_alt(pair, "Squared correlation r² of neighbouring variants", lambda c: c.neighbours),
        table={
            "position_1": pair.position[i], "position_2": pair.position[j],
            **{f"r2_{name[-1]}": cohort.r2[i, j] for name, cohort in zip(_NAMES, pair.shown, strict=True)},
        },
        caption=_size(pair),
    )  # fmt: skip


def decay(pair: Pair) -> Figure:
    """Mean r² against distance, a line for each cohort."""
    kb = pair.distance / 1000
    traces = [
        go.Scatter(
            x=typed(kb), y=typed(cohort.decay), name=name, mode="lines+markers", connectgaps=True,
            line={"color": colour}, marker={"size": 8, "symbol": symbol},
            hovertemplate="%{x:,.0f} kb: r² %{y:.3f}<extra>%{fullData.name}</extra>",
        )
        for name, cohort, colour, symbol in zip(_NAMES, pair.shown, _COLOURS, ("circle", "square"), strict=True)
    ]  # fmt: skip
    highest = max(0.2, float(np.nanmax([cohort.decay for cohort in pair.shown])) * 1.1)
    return Figure(
        name="decay_of_two_cohorts",
        plot=draw(
            traces, height=_HEIGHT, xaxis={"title": "Distance of two variants (kb)"},
            yaxis={"title": "Mean r²", "range": [0, highest]},
        ),
        alt=_alt(pair, "Mean r² of the nearest pairs", lambda c: float(c.decay[np.isfinite(c.decay)][0])),
        table={
            "distance": pair.distance,
            **{f"r2_{name[-1]}": cohort.decay for name, cohort in zip(_NAMES, pair.shown, strict=True)},
        },
        caption=_size(pair),
    )  # fmt: skip


def frequencies(pair: Pair) -> Figure:
    """The frequency of the alternate allele at every variant, one cohort above the other."""
    places = np.arange(1, len(pair.position) + 1)
    plot = _panels()
    for panel, (name, cohort, colour) in enumerate(zip(_NAMES, pair.shown, _COLOURS, strict=True)):
        plot.add_trace(
            go.Bar(
                x=typed(places), y=typed(cohort.frequency), name=name, marker={"color": colour}, showlegend=False,
                hovertemplate="variant %{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
            ),
            row=1,
            col=panel + 1,
        )  # fmt: skip
    plot.update_xaxes(title="Variant", showgrid=False)
    plot.update_yaxes(title="Allele frequency", range=[0, 1], col=1)
    plot.update_yaxes(range=[0, 1], col=2)
    a, b = (cohort.frequency for cohort in pair.shown)
    return Figure(
        name="frequencies_of_two_cohorts",
        plot=plot,
        alt=f"Allele frequencies of both cohorts; the largest difference is {number(float(np.abs(a - b).max()))}.",
        table={"position": pair.position, "frequency_A": a, "frequency_B": b},
        caption=_size(pair),
    )


def components(pair: Pair) -> Figure:
    """Individuals on the first two principal components of their own cohort."""
    plot = _panels()
    for panel, (name, cohort) in enumerate(zip(_NAMES, pair.shown, strict=True)):
        for population, colour, symbol in (("North", BLUE, "circle"), ("South", VERMILLION, "diamond")):
            rows = pair.population == population
            plot.add_trace(
                go.Scatter(
                    x=typed(cohort.scores[rows, 0]), y=typed(cohort.scores[rows, 1]), mode="markers", name=population,
                    legendgroup=population, showlegend=panel == 0,
                    marker={"color": colour, "symbol": symbol, "size": 7, "opacity": 0.8},
                    hovertemplate=f"{name}: %{{x:.1f}}, %{{y:.1f}}<extra>%{{fullData.name}}</extra>",
                ),
                row=1,
                col=panel + 1,
            )  # fmt: skip
        plot.update_xaxes(title=f"PC1 ({cohort.share:.0%} of the variance)", col=panel + 1)
        plot.update_yaxes(title="PC2", col=panel + 1)
    plot.update_layout(legend={"y": -0.22, "yanchor": "top"})
    a, b = pair.shown
    return Figure(
        name="components_of_two_cohorts",
        plot=plot,
        alt=_alt(pair, "Share of variance on the first component", lambda c: c.share),
        table={
            "population": pair.population, "pc1_A": a.scores[:, 0], "pc2_A": a.scores[:, 1], "pc1_B": b.scores[:, 0],
            "pc2_B": b.scores[:, 1],
        },
        caption=_size(pair),
    )  # fmt: skip


VIEWS = {"Frequencies": frequencies, "Linkage": heatmaps, "Decay": decay, "PCA": components}


def _panels() -> go.Figure:
    return grid(1, 2, [f"<b>{name}</b>" for name in _NAMES], height=_HEIGHT, horizontal_spacing=0.1)


def _size(pair: Pair) -> str:
    n, m = pair.real.calls.shape
    return f"{n} individuals of two populations, {m} variants on {pair.position.max() / 1e6:.1f} Mb."


def _alt(pair: Pair, what: str, value: Callable[[Cohort], float]) -> str:
    a, b = (value(cohort) for cohort in pair.shown)
    return f"{what}: {number(a)} in cohort A, {number(b)} in cohort B."
