"""Population structure: components or a UMAP fitted on real individuals, synthetic ones placed on them; kinship."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt

from core.plots.figure import PANEL_TOP, Columns, Figure, columns_of, draw, nth, points, typed
from core.plots.lines import REAL_LABEL, lines, rows_of
from core.plots.theme import NULL_LABEL, REAL, model_colour, model_symbol, population_colours, population_symbols
from core.reports.arrays import Scores
from core.reports.standing import Candidate
from core.words import number

_UNKNOWN = "unknown"
_SIDE = 380  # pixels of a panel of two

_CAMERA = {"eye": {"x": 1.5, "y": 1.5, "z": 0.9}, "center": {"x": 0, "y": 0, "z": -0.12}}

Array = npt.NDArray[Any]
Look = dict[str, Any]


def overlay(scores: Scores, candidate: Candidate, components: Sequence[int]) -> Figure:
    """Real individuals in grey, synthetic over them in the model's colour.

    `components` are two, or three for a figure in space; they are counted from 1. The `customdata` of a point is the
    row of its individual in `individuals`.
    """
    groups = np.repeat([REAL_LABEL, candidate.label], [len(scores.real), len(scores.synthetic)])
    looks: dict[str, Look] = {
        REAL_LABEL: {"color": REAL, "symbol": "circle"},
        candidate.label: {"color": model_colour(candidate.model), "symbol": model_symbol(candidate.model)},
    }
    return Figure(
        name="_".join([_map(scores), *map(str, components)]),
        plot=draw(
            _clouds(scores, candidate, components, groups, looks, panel=0),
            height=560,
            legend={"itemsizing": "constant"},
            dragmode="select" if len(components) == 2 else "turntable",
            **_space(scores, components, 0, (0.0, 1.0)),
        ),
        alt=_alt(scores, candidate, components),
        table=individuals(scores, candidate),
    )


def by_population(scores: Scores, candidate: Candidate, column: str, components: Sequence[int]) -> Figure:
    """Two panels on the same axes, real and synthetic, each individual in the colour and shape of its population.

    `components` and `customdata` are those of `overlay`.
    """
    groups = np.array([label or _UNKNOWN for label in _labels(scores, column)])
    known = sorted(set(groups.tolist()) - {_UNKNOWN})
    colours, symbols = population_colours(known), population_symbols(known)
    looks: dict[str, Look] = {name: {"color": colours[name], "symbol": symbols[name]} for name in known}
    looks[_UNKNOWN] = {"color": REAL, "symbol": "circle"}
    real = np.arange(len(groups)) < len(scores.real)
    traces: list[Any] = []
    layout: dict[str, Any] = {"annotations": []}
    sides = ((REAL_LABEL, real, (0.0, 0.485)), (f"Synthetic: {candidate.label}", ~real, (0.515, 1.0)))
    for panel, (title, side, domain) in enumerate(sides):
        here = np.where(side, groups, "")  # whoever belongs to the other panel is in no group of this one
        listed = {trace.name for trace in traces}
        for trace in _clouds(scores, candidate, components, here, looks, panel=panel):
            traces.append(trace.update(legendgroup=trace.name, showlegend=trace.name not in listed))
        layout |= _space(scores, components, panel, domain)
        name = {"text": f"<b>{escape(title)}</b>", "x": domain[0], "y": 1, "xref": "paper", "yref": "paper"}
        above = {"xanchor": "left", "yanchor": "bottom", "yshift": 4, "showarrow": False}
        layout["annotations"].append(name | above)
    rows = -(-sum(len(name) + 6 for name in looks) // 100)  # of the legend, beside the navigation at 1280 px
    below = 56 if len(components) == 2 else 8
    return Figure(
        name="_".join([_map(scores), *map(str, components), column]),
        plot=draw(
            traces,
            height=_SIDE + PANEL_TOP + below + 24 * rows,
            margin={"t": PANEL_TOP, "b": below + 24 * rows, "l": 56, "r": 8},
            legend={
                "title": {"text": escape(column)},
                "itemsizing": "constant",
                "y": -below / _SIDE,
                "yanchor": "top",
            },
            dragmode="select" if len(components) == 2 else "turntable",
            **layout,
        ),
        alt=_alt(scores, candidate, components) + f" Coloured by {column}: {len(known)} groups.",
        table=individuals(scores, candidate),
    )


def individuals(scores: Scores, candidate: Candidate, rows: Sequence[int] | None = None) -> Columns:
    """All individuals, real before synthetic, or those of `rows`: name, data, labels and score on every component."""
    values = np.concatenate([scores.real, scores.synthetic])
    chosen = np.arange(len(values)) if rows is None else np.asarray(rows, dtype=np.int64)
    names = np.concatenate([scores.real_id, scores.synthetic_id]).astype(str)
    data = np.repeat(["real", candidate.label], [len(scores.real), len(scores.synthetic)])
    columns = {name: _labels(scores, name)[chosen] for name in {**scores.real_labels, **scores.synthetic_labels}}
    components = {scores.name(i + 1): values[chosen, i] for i in range(scores.components)}
    return {"individual": names[chosen], "data": data[chosen], **columns, **components}


def spread(items: Sequence[tuple[Candidate, Scores]]) -> Figure:
    """Standard deviation along each component: below the real line a model has lost variety, above it adds noise."""
    first = items[0][1]
    sides = [(REAL_LABEL, first.real), (NULL_LABEL, first.null), *((c.label, s.synthetic) for c, s in items)]
    rows = [
        {"series": name, "component": i + 1, "deviation": float(deviation)}
        for name, values in sides
        if values is not None
        for i, deviation in enumerate(values.std(axis=0))
    ]
    says = ", ".join(f"{c.label} {number(float(s.synthetic[:, 0].std()))}" for c, s in items)
    hover = "standard deviation %{y:.3g} along PC%{x}"
    return Figure(
        name="pca_spread",
        plot=draw(
            lines([c for c, _ in items], rows, "component", "deviation", hover=hover),
            height=400,
            xaxis={"title": "Principal component", "dtick": 1, "showgrid": False},
            yaxis={"title": "Standard deviation", "rangemode": "tozero"},
        ),
        alt=f"Standard deviation along the first component: real {number(float(first.real[:, 0].std()))}, {says}.",
        table=columns_of(rows),
    )


def pairs(candidates: Sequence[Candidate], measure: str) -> Figure | None:
    """How alike two individuals of one cohort are, by "kinship" or "ibs": shares of pairs; None without the curve."""
    titles = {"kinship": "Kinship of two individuals", "ibs": "Share of alleles in common (identity by state)"}
    rows = rows_of(
        candidates,
        f"{measure}_distribution",
        "share",
        lambda row, key: {"middle": (row["low"] + row["high"]) / 2, "share": row.get(key)},
    )
    if not rows:
        return None
    says = ", ".join(f"{c.label} {number(c.metric(f'{measure}_wasserstein').value)}" for c in candidates)
    return Figure(
        name=f"{measure}_distribution",
        plot=draw(
            lines(candidates, rows, "middle", "share", hover="%{y:.2%} of pairs about %{x:.3f}"),
            height=400,
            xaxis={"title": titles[measure], "showgrid": False},
            yaxis={"title": "Share of pairs", "tickformat": ".0%", "rangemode": "tozero"},
        ),
        alt=f"{titles[measure]} within each cohort; distance from the real distribution: {says}.",
        table=columns_of(rows),
        caption="Pairs below -1 are counted at -1." if measure == "kinship" else "",
    )


def _clouds(
    scores: Scores,
    candidate: Candidate,
    components: Sequence[int],
    groups: Array,
    looks: Mapping[str, Look],
    *,
    panel: int,
) -> list[Any]:
    """A trace for each group that has individuals; `panel` counts from 0."""
    values = np.concatenate([scores.real, scores.synthetic])[:, [c - 1 for c in components]]
    names = np.concatenate([scores.real_id, scores.synthetic_id])
    solid = len(components) == 3
    place = nth(panel)
    axes = {"scene": f"scene{place}"} if solid else {"xaxis": f"x{place}", "yaxis": f"y{place}"}
    says = "".join(f"<br>{scores.name(c)} %{{{axis}:.2f}}" for axis, c in zip("xyz", components, strict=False))
    traces = []
    for group, look in looks.items():
        rows = np.flatnonzero(groups == group)
        if len(rows):
            traces.append(
                points(
                    values[rows], len(values), name=escape(group), customdata=typed(rows, "int32"),
                    text=[escape(str(n)) for n in names[rows]],
                    marker={"size": 3 if solid else 6, "opacity": 0.65, **look}, **axes,
                    hovertemplate=f"<b>%{{text}}</b><br>%{{fullData.name}}{says}<extra></extra>",
                )
            )  # fmt: skip
    return traces


def _space(scores: Scores, components: Sequence[int], panel: int, domain: tuple[float, float]) -> dict[str, Any]:
    """The axes of a panel, the same for real and synthetic individuals."""
    place = nth(panel)
    axes = []
    for c in components:
        values = np.concatenate([scores.real[:, c - 1], scores.synthetic[:, c - 1]])
        pad = float(np.ptp(values) or 1.0) * 0.04
        held = "" if scores.explained is None else f" ({scores.explained[c - 1]:.1%} of the real variance)"
        title = {"text": f"{scores.name(c)}{held}"}
        axes.append({"title": title, "range": [float(values.min()) - pad, float(values.max()) + pad]})
    if len(components) == 3:
        short = [{**axis, "title": {"text": scores.name(c)}} for axis, c in zip(axes, components, strict=True)]
        scene = {f"{name}axis": axis for name, axis in zip("xyz", short, strict=True)}
        return {f"scene{place}": {**scene, "aspectmode": "cube", "camera": _CAMERA, "domain": {"x": domain}}}
    x, y = ({**axis, "showgrid": False} for axis in axes)
    if not panel:
        return {"xaxis": {**x, "domain": domain}, "yaxis": y}
    return {
        f"xaxis{place}": {**x, "domain": domain, "anchor": f"y{place}", "matches": "x"},
        f"yaxis{place}": {**y, "anchor": f"x{place}", "matches": "y", "title": None, "showticklabels": False},
    }


def _labels(scores: Scores, column: str) -> Array:
    """The label of every individual, real before synthetic; "" where it is not known."""
    sides = ((scores.real_labels, len(scores.real)), (scores.synthetic_labels, len(scores.synthetic)))
    return np.concatenate([np.asarray(labels.get(column, np.full(n, ""))).astype(str) for labels, n in sides])


def _map(scores: Scores) -> str:
    return "umap" if scores.explained is None else "pca"


def _alt(scores: Scores, candidate: Candidate, components: Sequence[int]) -> str:
    if scores.explained is None:
        sizes = f"{len(scores.real):,} real and {len(scores.synthetic):,} synthetic individuals of {candidate.label}"
        return f"UMAP fitted on real individuals, in {len(components)} dimensions, with {sizes}."
    distance = candidate.metric("pca_wasserstein").value
    first = components[0]
    ratio = float(scores.synthetic[:, first - 1].std() / (scores.real[:, first - 1].std() or 1))
    names = [f"PC{c}" for c in dict.fromkeys(components)]
    held = float(scores.explained[[c - 1 for c in dict.fromkeys(components)]].sum())
    text = (
        f"Along PC{first}, {candidate.label} spreads {number(ratio)} times as wide as the real individuals; "
        f"{' and '.join([', '.join(names[:-1]), names[-1]] if len(names) > 1 else names)} hold {held:.1%} of the "
        "real variance."
    )
    return text + (f" Sliced Wasserstein distance {number(distance)}." if distance is not None else "")
