"""Population structure: principal components fitted on real individuals, synthetic ones projected onto them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from core.plots.series import REAL_LABEL, REFERENCES, line_data, line_table, lines
from core.plots.theme import REAL, model_colour, model_symbol, population_colours, population_symbols
from core.plots.vega import Figure, Spec, columns_of
from core.reports.arrays import Scores
from core.reports.standing import Candidate
from core.words import number

POINTS = 2000
"""Individuals drawn at most, real and synthetic together."""


def overlay(
    scores: Scores, candidate: Candidate, first: int, second: int, *, seed: int = 0, caption: str = ""
) -> Figure:
    """Real individuals in grey, synthetic over them in the model's colour; components are counted from 1."""
    rows = [
        *_points(scores.real, None, (first, second), REAL_LABEL, seed),
        *_points(scores.synthetic, None, (first, second), candidate.label, seed),
    ]
    domain = [REAL_LABEL, candidate.label]
    legend = {"title": None, "orient": "top", "labelLimit": 300}
    return Figure(
        name=f"pca_{first}_{second}",
        spec={
            "data": {"name": "individuals"},
            "height": 480,
            "mark": {"type": "point", "filled": True, "size": 28, "opacity": 0.6},
            "encoding": {
                **_axes(scores, first, second),
                "color": {
                    "field": "source",
                    "scale": {"domain": domain, "range": [REAL, model_colour(candidate.model)]},
                    "legend": legend,
                },
                "shape": {
                    "field": "source",
                    "scale": {"domain": domain, "range": ["circle", model_symbol(candidate.model)]},
                    "legend": legend,
                },
                "tooltip": [{"field": "source", "title": "Data"}, *_score_tips(first, second)],
            },
        },
        data={"individuals": columns_of(rows)},
        alt=_alt(scores, candidate, first, second),
        caption=caption,
    )


def by_population(
    scores: Scores,
    candidate: Candidate,
    column: str,
    first: int,
    second: int,
    *,
    seed: int = 0,
    width: int = 325,
    caption: str = "",
) -> Figure:
    """Two panels on the same axes, real and synthetic, each individual in the colour and shape of its population."""
    sides = {
        REAL_LABEL: (scores.real, scores.real_labels),
        candidate.label: (scores.synthetic, scores.synthetic_labels),
    }
    known = sorted({str(v) for _, labels in sides.values() for v in labels.get(column, ())} - {""})
    colours, shapes = population_colours(known), population_symbols(known)
    domain = [*known, "unknown"]
    legend = {"title": column, "symbolLimit": 60, "columns": 8, "orient": "bottom"}
    data, panels = {}, []
    for name, (values, labels) in sides.items():
        rows = _points(values, labels.get(column), (first, second), name, seed)
        data[name] = columns_of(rows, ["source", "x", "y", "population"])
        panels.append(
            {
                "title": {
                    "text": "Synthetic: " + name if name != REAL_LABEL else "Real data",
                    "anchor": "start",
                    "fontSize": 13,
                },
                "data": {"name": name},
                "width": width,
                "height": width,
                "mark": {"type": "point", "filled": True, "size": 26, "opacity": 0.75},
                "encoding": {
                    **_axes(scores, first, second),
                    "color": {
                        "field": "population",
                        "scale": {"domain": domain, "range": [*colours.values(), REAL]},
                        "legend": legend,
                    },
                    "shape": {
                        "field": "population",
                        "scale": {"domain": domain, "range": [*shapes.values(), "circle"]},
                        "legend": legend,
                    },
                    "tooltip": [{"field": "population", "title": column}, *_score_tips(first, second)],
                },
            }
        )
    table = {key: [v for part in data.values() for v in part[key]] for key in ("source", "x", "y", "population")}
    return Figure(
        name=f"pca_{first}_{second}_{column}",
        spec={"hconcat": panels, "spacing": 24},
        data=data,
        alt=_alt(scores, candidate, first, second) + f" Coloured by {column}: {len(known)} groups.",
        caption=caption,
        table=table,
    )


def spread(items: Sequence[tuple[Candidate, Scores]], *, caption: str = "") -> Figure:
    """Standard deviation along each component: below the real line a model has lost variety, above it adds noise."""
    first = items[0][1]
    sides = {"real": first.real} | ({} if first.null is None else {"null": first.null})
    references = [{"reference": REFERENCES[k], **row} for k, values in sides.items() for row in _deviations(values)]
    models = [{"series": c.label, **row} for c, scores in items for row in _deviations(scores.synthetic)]
    x = {"field": "component", "type": "ordinal", "title": "Principal component", "axis": {"labelAngle": 0}}
    y = {"field": "deviation", "type": "quantitative", "title": "Standard deviation", "axis": {"tickCount": 6}}
    tooltip = [
        {"field": "component", "title": "Component"},
        {"field": "deviation", "title": "Standard deviation", "format": ".3g"},
    ]
    real = float(first.real[:, 0].std())
    said = ", ".join(f"{c.label} {number(float(s.synthetic[:, 0].std()))}" for c, s in items)
    return Figure(
        name="pca_spread",
        spec={
            "height": 300,
            "layer": lines("spread", [c for c, _ in items], x, y, tooltip=tooltip, references=list(sides)),
        },
        data=line_data("spread", models, references),
        alt=f"Standard deviation along the first component: real {number(real)}, {said}.",
        caption=caption,
        table=line_table(models, references),
    )


def _deviations(values: npt.NDArray[np.float32]) -> list[dict[str, Any]]:
    return [{"component": i + 1, "deviation": float(d)} for i, d in enumerate(values.std(axis=0))]


def _points(
    values: npt.NDArray[np.float32], known: npt.NDArray[Any] | None, pair: tuple[int, int], source: str, seed: int
) -> list[dict[str, Any]]:
    """Rows of at most half of POINTS individuals, drawn with `seed`."""
    chosen = np.arange(len(values))
    if len(values) > POINTS // 2:
        chosen = np.sort(np.random.default_rng(seed).choice(len(values), POINTS // 2, replace=False))
    return [
        {
            "source": source,
            "x": float(values[i, pair[0] - 1]),
            "y": float(values[i, pair[1] - 1]),
            "population": (str(known[i]) if known is not None else "") or "unknown",
        }
        for i in chosen
    ]


def _axes(scores: Scores, first: int, second: int) -> Spec:
    """The same limits for every panel and model: those of the real individuals, widened to hold the synthetic."""
    axes: Spec = {}
    for channel, component in (("x", first), ("y", second)):
        both = np.concatenate([scores.real[:, component - 1], scores.synthetic[:, component - 1]])
        low, high = float(both.min()), float(both.max())
        pad = (high - low or 1.0) * 0.04
        share = float(scores.explained[component - 1])
        axes[channel] = {
            "field": channel,
            "type": "quantitative",
            "title": f"PC{component} ({share:.1%} of the real variance)",
            "scale": {"domain": [low - pad, high + pad], "nice": False, "zero": False},
            "axis": {"grid": False, "tickCount": 8},
        }
    return axes


def _score_tips(first: int, second: int) -> list[Spec]:
    return [{"field": f, "title": f"PC{c}", "format": ".2f"} for f, c in (("x", first), ("y", second))]


def _alt(scores: Scores, candidate: Candidate, first: int, second: int) -> str:
    distance = candidate.metric("pca_wasserstein").value
    ratio = float(scores.synthetic[:, first - 1].std() / (scores.real[:, first - 1].std() or 1))
    text = (
        f"Along PC{first}, {candidate.label} spreads {number(ratio)} times as wide as the real individuals; "
        f"PC{first} and PC{second} hold {scores.explained[[first - 1, second - 1]].sum():.1%} of the real variance."
    )
    return text + (f" Sliced Wasserstein distance {number(distance)}." if distance is not None else "")
