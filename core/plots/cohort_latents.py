"""The latents of individuals: their map, and a walk across it with the allele frequencies on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from core.plots.figure import Figure, draw, grid, points, typed
from core.plots.map import PIN
from core.plots.theme import REAL, model_colour, population_colours, population_symbols
from core.plots.walk import Moments, playing
from core.words import number

Array = npt.NDArray[Any]

MOVED = 300  # variants that move with the slider, as elements of SVG
SHOWN = 8  # variants that are drawn along the way
_UNKNOWN = "unknown"
_PANEL = 330


@dataclass(frozen=True)
class Individuals:
    """The individuals of a map.

    Attributes:
        names, labels: (n,) of each; a label that is not known is "".
        column: name of the labels.
        places: (n, 2) along the principal components of the latents.
        explained: (2,) share of the variance of the latents along each.
    """

    names: Array
    labels: Array
    column: str
    places: Array
    explained: Array


@dataclass(frozen=True)
class Path:
    """A walk from A to B.

    Attributes:
        model: the name of its registration, whose colour it has.
        names: of the two ends.
        observed: (2, m) frequency of the alternate allele at each, NaN unknown.
        variants: (m,) names.
        t: (T,) from 0 to 1.
        places: (T, 2) on the map.
        frequency: (T, m) expected frequency of the alternate allele.
        heterozygosity: (T,) expected share of heterozygous calls.
    """

    model: str
    names: tuple[str, str]
    observed: Array
    variants: Array
    t: Array
    places: Array
    frequency: Array
    heterozygosity: Array

    def most_changed(self, count: int) -> npt.NDArray[np.int64]:
        """Up to `count` variants (places) by how much their frequency changes between the ends, most first."""
        return np.argsort(-np.abs(self.frequency[-1] - self.frequency[0]), kind="stable")[:count].astype(np.int64)


def cohort_map(cohort: Individuals, ends: Mapping[str, Array]) -> Figure:
    """The individuals along the components of their latents, coloured by a label; `ends` letter → (2,).

    The `customdata` of a point is its place on the map.
    """
    groups = np.array([label or _UNKNOWN for label in cohort.labels.tolist()])
    known = sorted(set(groups.tolist()) - {_UNKNOWN})
    colours, symbols = population_colours(known), population_symbols(known)
    traces = []
    for name in [*known, *([_UNKNOWN] if _UNKNOWN in groups else [])]:
        rows = np.flatnonzero(groups == name)
        look = {"color": colours.get(name, REAL), "symbol": symbols.get(name, "circle"), "size": 6, "opacity": 0.65}
        traces.append(
            points(
                cohort.places[rows], len(groups), name=escape(name), customdata=typed(rows, "int32"), marker=look,
                text=[escape(str(cohort.names[i])) for i in rows],
                hovertemplate="<b>%{text}</b><br>%{fullData.name}<extra></extra>",
            )
        )  # fmt: skip
    pins = []
    for letter, place in ends.items():
        x, y = place.tolist()
        pins.append(
            {
                "x": x, "y": y, "text": f"<b>{letter}</b>", "showarrow": True, "arrowhead": 6, "ax": 0, "ay": -28,
                "arrowcolor": PIN, "bgcolor": PIN, "borderpad": 3, "font": {"color": "#ffffff", "size": 13},
            }
        )  # fmt: skip
    titles = [f"Component {i + 1} ({share:.0%} of the latents' variance)" for i, share in enumerate(cohort.explained)]
    return Figure(
        name="cohort_map",
        plot=draw(
            traces,
            height=430,
            annotations=pins,
            showlegend=len(known) > 0,
            legend={"title": {"text": escape(cohort.column)}, "itemsizing": "constant"},
            xaxis={"title": titles[0], "showgrid": False},
            yaxis={"title": titles[1], "showgrid": False},
        ),
        alt=(
            f"{len(groups)} individuals by their latents, coloured by {cohort.column or 'nothing'}; the two components "
            f"hold {cohort.explained.sum():.0%} of the variance of the latents."
        ),
        table={
            "individual": cohort.names,
            cohort.column or "label": groups,
            "component_1": cohort.places[:, 0],
            "component_2": cohort.places[:, 1],
        },
    )


def way(cohort: Individuals, path: Path) -> Figure:
    """The walk on the map, and expected allele frequencies beside those observed at A and at B, by a slider.

    Shown are the variants whose expected frequency changes most.
    """
    frequency, places, variants = path.frequency, path.places, path.variants
    moving = path.most_changed(MOVED)
    titles = ("<b>On the map</b>", "<b>Compared with A</b>", "<b>Compared with B</b>")
    plot = grid(1, 3, titles, height=_PANEL + 190, horizontal_spacing=0.07)
    plot.update_layout(margin={"b": 140}, showlegend=False)
    behind = points(
        cohort.places, 0, marker={"size": 4, "color": REAL, "opacity": 0.35}, hoverinfo="skip", xaxis="x", yaxis="y"
    )
    line = go.Scatter(
        x=typed(places[:, 0]), y=typed(places[:, 1]), mode="lines", line={"color": PIN, "width": 1.5}, hoverinfo="skip",
        xaxis="x", yaxis="y",
    )  # fmt: skip
    still: list[Any] = [behind, line]
    for axis in ("2", "3"):
        still.append(
            go.Scatter(
                x=[0, 1], y=[0, 1], mode="lines", line={"color": REAL, "width": 1.5}, hoverinfo="skip",
                xaxis=f"x{axis}", yaxis=f"y{axis}",
            )
        )  # fmt: skip
    plot.update_xaxes(range=_around(cohort.places[:, 0], places[:, 0]), title="Component 1", showgrid=False, col=1)
    plot.update_yaxes(range=_around(cohort.places[:, 1], places[:, 1]), title="Component 2", showgrid=False, col=1)
    for column, letter in ((2, "A"), (3, "B")):
        plot.update_xaxes(range=[-0.03, 1.03], title=f"Observed in {letter}", showgrid=False, col=column)
        plot.update_yaxes(range=[-0.03, 1.03], showgrid=False, col=column)
    plot.update_yaxes(title="Expected at t", col=2)
    names = [escape(str(variants[j])) for j in moving]
    dot = {"size": 13, "color": PIN, "line": {"width": 2, "color": "#ffffff"}}
    marker = {"size": 5, "color": model_colour(path.model), "opacity": 0.6}
    common = {"type": "scatter", "mode": "markers", "showlegend": False}
    hover = "<b>%{text}</b><br>observed %{x:.2f}, expected %{y:.2f}<extra></extra>"
    traces = [
        {**common, "xaxis": "x", "yaxis": "y", "marker": dot, "hoverinfo": "skip"},
        *(
            {**common, "xaxis": f"x{k}", "yaxis": f"y{k}", "marker": marker, "text": names, "hovertemplate": hover}
            for k in (2, 3)
        ),
    ]
    data = [
        [
            {"x": typed(place[:1]), "y": typed(place[1:])},
            *({"x": typed(observed[moving]), "y": typed(row[moving])} for observed in path.observed),
        ]
        for place, row in zip(places, frequency, strict=True)
    ]
    words = [f"expected heterozygosity {value:.3f}" for value in path.heterozygosity]
    moments = Moments([round(float(t), 3) for t in path.t], words, 0)
    changed = float(np.abs(frequency[-1] - frequency[0]).mean())
    return Figure(
        name="walk_of_individuals",
        plot=playing(plot, still, traces, data, moments, redraw=False),
        alt=(
            f"The walk from {path.names[0]} to {path.names[1]} by a slider: the expected allele frequency of a variant "
            f"changes by {number(changed)} on average."
        ),
        table={
            "t": np.repeat(path.t, len(variants)),
            "variant": np.tile(variants, len(path.t)),
            "expected_frequency": frequency.ravel(),
        },
        caption=f"{len(moving):,} of {len(variants):,} variants, those whose expected frequency changes most.",
    )


def along(path: Path) -> Figure:
    """Expected allele frequency of the variants that change most, against t; crosses: observed in A and in B."""
    chosen, frequency = path.most_changed(SHOWN), path.frequency
    names = [str(path.variants[j]) for j in chosen]
    colours = population_colours(names)
    traces = []
    for name, j in zip(names, chosen, strict=True):
        traces += [
            go.Scatter(
                x=typed(path.t), y=typed(frequency[:, j]), mode="lines", name=escape(name), legendgroup=name,
                line={"color": colours[name], "width": 2},
                hovertemplate="t = %{x:.2f}: expected %{y:.3f}<extra>%{fullData.name}</extra>",
            ),
            go.Scatter(
                x=[0, 1], y=typed(path.observed[:, j]), mode="markers", name=escape(name),
                legendgroup=name, showlegend=False, cliponaxis=False,
                marker={"color": colours[name], "symbol": "x", "size": 9},
                hovertemplate="observed %{y:.3f}<extra>%{fullData.name}</extra>",
            ),
        ]  # fmt: skip
    return Figure(
        name="frequencies_along_the_walk",
        plot=draw(
            traces,
            height=400,
            legend={"orientation": "v", "x": 1.02, "y": 1, "yanchor": "top"},
            xaxis={"title": "t (0 = A, 1 = B)", "showgrid": False},
            yaxis={"title": "Frequency of the alternate allele", "range": [-0.02, 1.02]},
        ),
        alt=(
            f"Expected allele frequencies from {path.names[0]} to {path.names[1]} of the {len(names)} variants that "
            f"change most, {names[0]} first."
        ),
        table={"t": path.t, **{name: frequency[:, j] for name, j in zip(names, chosen, strict=True)}},
        caption="Crosses: observed in A and in B.",
    )


def _around(*values: Array) -> list[float]:
    low, high = min(float(v.min()) for v in values), max(float(v.max()) for v in values)
    pad = 0.06 * ((high - low) or 1.0)
    return [low - pad, high + pad]
