"""The figure of lesson 7: frequencies of synthetic alleles against real ones, and which alleles survive."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.lessons.matthew import BINS, REAL, THRESHOLD, Decoded
from core.plots.figure import Figure, grid, typed
from core.plots.theme import BLUE, GREEN, ORANGE, VERMILLION
from core.plots.theme import REAL as GREY

_HEIGHT = 460


def frequencies(decoded: Decoded) -> Figure:
    """Each allele's frequency at the left, the share that survives by frequency at the right."""
    plot = grid(1, 2, ["<b>Every allele</b>", "<b>Who survives</b>"], height=_HEIGHT, horizontal_spacing=0.13)
    rare, lost = decoded.rare, decoded.rare & ~decoded.survives
    plot.add_trace(
        go.Scatter(
            x=[0, 1], y=[0, 1], mode="lines", line={"color": GREY, "dash": "dash"}, name="As in the real cohort",
            hoverinfo="skip",
        ),
        row=1,
        col=1,
    )  # fmt: skip
    plot.add_trace(_alleles(decoded, ~rare, "Common", BLUE, "circle"), row=1, col=1)
    plot.add_trace(_alleles(decoded, rare & ~lost, "Below 5 %, survives", GREEN, "diamond"), row=1, col=1)
    plot.add_trace(_alleles(decoded, lost, "Below 5 %, lost", VERMILLION, "x"), row=1, col=1)
    labels = [f"{100 * low:g}–{100 * high:g}" for low, high in pairwise(BINS)]
    kept, chance = decoded.shares()
    colours = [VERMILLION if high <= THRESHOLD else ORANGE for high in BINS[1:]]
    for name, share, colour in (("A second real cohort", chance, GREY), ("Synthetic cohort", kept, colours)):
        plot.add_trace(
            go.Bar(
                x=labels, y=typed(share), name=name, marker={"color": colour}, showlegend=False,
                hovertemplate="%{x} %: %{y:.0%}<extra>%{fullData.name}</extra>",
            ),
            row=1,
            col=2,
        )  # fmt: skip
    plot.update_layout(barmode="group", bargap=0.25, legend={"y": -0.26, "yanchor": "top"})
    plot.update_xaxes(title="Real frequency", range=[-0.03, 1.03], col=1)
    plot.update_yaxes(title="Synthetic frequency", range=[-0.03, 1.03], col=1)
    plot.update_xaxes(title="Rarer allele (%)", tickangle=-35, col=2)
    plot.update_yaxes(range=[0, 1.05], tickformat=".0%", col=2)
    return Figure(
        name="frequencies_after_decoding",
        plot=plot,
        alt=f"{1 - decoded.lost:.0%} of the alleles below 5 % survive; the correlation of frequencies is "
        f"{decoded.correlation:.3f}.",
        table={"real": decoded.real, "synthetic": decoded.synthetic, "rare": rare, "lost": lost},
        caption=f"{REAL} real and {decoded.individuals} synthetic individuals, {len(rare)} variants, of which "
        f"{int(rare.sum())} have an allele below 5 %. Grey bars: a second real cohort as large as the synthetic one.",
    )


def _alleles(decoded: Decoded, chosen: Any, name: str, colour: str, symbol: str) -> go.Scatter:
    return go.Scatter(
        x=typed(decoded.real[chosen]), y=typed(decoded.synthetic[chosen]), mode="markers", name=name,
        marker={"color": colour, "symbol": symbol, "size": 7, "opacity": 0.8}, customdata=np.flatnonzero(chosen) + 1,
        hovertemplate="variant %{customdata}: real %{x:.3f}, synthetic %{y:.3f}<extra>%{fullData.name}</extra>",
    )  # fmt: skip
