"""The figures of lesson 12: a cohort noised and another denoised, and what becomes of rare alleles."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from core.lessons.pca_diffusion import CLASSES, COUNTS, Cohort, Diffusion, Floats
from core.plots.figure import Figure, grid, typed
from core.plots.theme import BLUE, ORANGE, REAL, VERMILLION, model_colour, population_colours, population_symbols

_HEIGHT = 440
_REACH = 4.0  # of a plane, in deviations
_COLOURS = dict(zip(CLASSES, (VERMILLION, ORANGE, BLUE), strict=True))
_SHORT = ["< 2 %", "2–10 %", "> 10 %"]  # CLASSES below a bar
_SYMBOLS = dict(zip(CLASSES, ("circle", "square", "diamond"), strict=True))


def clouds(one: Cohort, result: Diffusion, noise: float) -> Figure:
    """The real cohort with a share of noise, beside generated individuals with as much of it left."""
    plot = grid(1, 2, ["<b>Real, noised</b>", "<b>Generated, denoised</b>"], height=_HEIGHT)
    forward, backward = result.noised(noise), result.denoised(noise)
    labels = list(dict.fromkeys(one.population.tolist()))
    colours, symbols = population_colours(labels), population_symbols(labels)
    for label in labels:
        marker = {"color": colours[label], "symbol": symbols[label], "size": 7, "opacity": 0.75}
        _points(plot, 1, forward[one.population == label], marker, label)
    _points(plot, 2, result.real, {"color": REAL, "size": 6, "opacity": 0.45}, "real, without noise")
    _points(plot, 2, backward, {"color": model_colour("pca_diffusion"), "size": 7, "opacity": 0.75}, "generated")
    plot.update_xaxes(title="PC1", range=[-_REACH, _REACH])
    plot.update_yaxes(range=[-_REACH, _REACH])
    plot.update_yaxes(title="PC2", col=1)
    plot.update_layout(legend={"y": -0.22, "yanchor": "top"})
    return Figure(
        name="noised_and_denoised",
        plot=plot,
        alt=(
            f"With {noise:.0%} of noise: a real cohort of three populations on its first two components, and generated "
            "individuals on their way from noise."
        ),
        table={
            "population": one.population, "noised_1": forward[:, 0], "noised_2": forward[:, 1],
            "denoised_1": backward[:, 0], "denoised_2": backward[:, 1],
        },
        caption=(
            f"{len(one.calls)} individuals each, {one.calls.shape[1]} variants, {result.components} components; scores "
            "in units of their own deviation. Denoised by the exact flow of one normal distribution a population."
        ),
    )  # fmt: skip


def _points(plot: go.Figure, column: int, scores: Floats, marker: dict[str, object], name: str) -> None:
    plot.add_trace(
        go.Scatter(
            x=typed(scores[:, 0]), y=typed(scores[:, 1]), mode="markers", name=name, marker=marker,
            hovertemplate="%{x:.2f}, %{y:.2f}<extra>%{fullData.name}</extra>",
        ),
        row=1,
        col=column,
    )  # fmt: skip


def rare_alleles(one: Cohort, result: Diffusion) -> Figure:
    """Carriers that components keep, by frequency of the allele, and alleles that no generated individual has."""
    plot = grid(1, 2, ["<b>Real carriers kept</b>", "<b>Alleles not generated</b>"], height=_HEIGHT)
    counts = np.array(COUNTS)
    for name, kept in one.kept.items():
        plot.add_trace(
            go.Scatter(
                x=typed(counts), y=typed(kept), mode="lines+markers", name=f"allele {name}",
                line={"color": _COLOURS[name]}, marker={"symbol": _SYMBOLS[name], "size": 8},
                hovertemplate="%{x} components: %{y:.0%}<extra>%{fullData.name}</extra>",
            ),
            row=1,
            col=1,
        )  # fmt: skip
    plot.add_trace(
        go.Scatter(
            x=[result.components] * 2, y=[0, 1.05], mode="lines", line={"color": REAL, "dash": "dash"},
            name="components now", hoverinfo="skip",
        ),
        row=1,
        col=1,
    )  # fmt: skip
    plot.add_trace(
        go.Bar(
            x=_SHORT, y=typed(list(result.lost.values())), showlegend=False,
            marker={"color": [_COLOURS[name] for name in result.lost]}, cliponaxis=False,
            text=[f"{share:.0%}" for share in result.lost.values()], textposition="outside",
            hovertemplate="%{x}: %{y:.0%} absent<extra></extra>",
        ),
        row=1,
        col=2,
    )  # fmt: skip
    ticks = {"tickvals": [2, 5, 15, 50, 150], "ticktext": ["2", "5", "15", "50", "150"], "tickangle": 0}
    plot.update_xaxes(title="Components", type="log", **ticks, col=1)
    plot.update_xaxes(title="Allele frequency", showgrid=False, tickangle=0, col=2)
    plot.update_yaxes(tickformat=".0%", range=[0, 1.05])
    plot.update_layout(legend={"y": -0.22, "yanchor": "top"})
    rare = next(iter(CLASSES))
    return Figure(
        name="rare_alleles_and_components",
        plot=plot,
        alt=(
            f"{result.components} components keep {result.kept[rare]:.0%} of the carriers of alleles {rare}; "
            f"{result.lost[rare]:.0%} of these alleles are in no generated individual."
        ),
        table={"components": counts, **{f"kept_{name.replace(' ', '_')}": kept for name, kept in one.kept.items()}},
        caption=(
            f"Left: real calls reduced to components and rounded. Right: {len(one.calls)} generated individuals, calls "
            f"{'by thresholds' if result.thresholds else 'rounded'}. {one.calls.shape[1]} variants; the components "
            f"hold {one.share(result.components):.0%} of the variance."
        ),
    )
