"""Linkage disequilibrium: r² of real and synthetic data in one square, their difference, and decay with distance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from core.plots.figure import PANEL_TOP, Columns, Figure, columns_of, draw, nth, typed
from core.plots.lines import REAL_LABEL, lines, rows_of
from core.plots.theme import DIVERGING, NULL_LABEL, SEQUENTIAL
from core.reports.linkage_windows import Window
from core.reports.standing import Candidate
from core.words import number, position

DIFFERENCE_LIMIT = 0.5
"""Both ends of the colour scale of differences, the same for every model, so that squares can be compared."""

View = Literal["both", "difference"]

_ONE, _TWO = 520, 370  # pixels of a square that stands alone, and of two side by side beside the navigation
_TICKS = 5
_BELOW = 76  # pixels below the squares: their ticks and the colour bar


def squares(window: Window, views: Sequence[View], model: str) -> Figure:
    """Squares side by side over the same variants: "both" has real r² above the diagonal and synthetic below.

    r² always spans 0–1 and differences (synthetic minus real) ±DIFFERENCE_LIMIT. Axes are the variants in order, named
    as `names` has them, so that a click (bridge) gives two names. A pooled window has cells of mean r².
    """
    labels = names(window)
    above = np.triu(np.ones((window.size, window.size), dtype=bool), 1)
    both = np.where(above, window.real, window.synthetic)
    difference = window.synthetic - window.real
    traces: list[Any] = []
    layout: dict[str, Any] = {"annotations": []}
    for k, view in enumerate(views):
        values = (both if view == "both" else difference).astype(np.float32)
        if not window.pooled:
            np.fill_diagonal(values, np.nan)
        suffix = nth(k)
        domain = (0.0, 1.0) if len(views) == 1 else (0.0, 0.485) if k == 0 else (0.515, 1.0)
        traces.append(_heatmap(values, labels, view, suffix, domain, pooled=window.pooled))
        layout |= _axes(window, labels, suffix, domain)
        layout["annotations"] += _titles(view, model, suffix)
    side = _ONE if len(views) == 1 else _TWO
    i, j = np.triu_indices(window.size, 1)
    mean = {k: number(float(np.nanmean(v[i, j]))) for k, v in (("real", window.real), ("made", window.synthetic))}
    return Figure(
        name=f"linkage_{window.contig}_{window.position[0]}_{window.position[-1]}",
        plot=draw(
            traces, height=side + PANEL_TOP + _BELOW, margin={"t": PANEL_TOP, "b": _BELOW, "l": 64, "r": 8}, **layout
        ),
        alt=(
            f"Linkage between {window.variants:,} variants on {window.contig}: mean r² {mean['real']} in real and "
            f"{mean['made']} in synthetic data ({model}); they differ by "
            f"{number(float(np.nanmean(np.abs(difference[i, j]))))} on average."
        ),
        table=_table(window, i, j),
    )


def names(window: Window) -> list[str]:
    """The name of each row on both axes: its variant's id, with its place where several share an id."""
    ids = [str(one) for one in window.identifier]
    counts = Counter(ids)
    return [one if counts[one] == 1 else f"{one} (row {i + 1})" for i, one in enumerate(ids)]


def decay(candidates: Sequence[Candidate]) -> Figure | None:
    """Mean r² against distance: real grey, a line a model, null and ceiling dashed; None where no report has it."""
    rows = rows_of(
        candidates,
        "ld_decay",
        "r2",
        lambda row, key: {"distance": row["distance"], "r2": row.get(key), "pairs": row.get("count")},
    )
    if not rows:
        return None
    nearest = rows[0]["distance"]
    near = {row["series"]: number(row["r2"]) for row in rows if row["distance"] == nearest}
    says = ", ".join(f"{c.label} {near[c.label]}" for c in candidates if c.label in near)
    hover = "%{x:,.0f} bp: mean r² %{y:.3f}"
    return Figure(
        name="linkage_decay",
        plot=draw(
            lines(candidates, rows, "distance", "r2", hover=hover),
            height=420,
            xaxis={
                "title": "Distance between variants (base pairs, log scale)",
                "type": "log",
                "dtick": 1,
                "showgrid": False,
            },
            yaxis={"title": "Mean r²", "rangemode": "tozero"},
        ),
        alt=(
            f"Mean r² at the shortest distance ({position(nearest)}): real {near.get(REAL_LABEL, '–')}, {says}; "
            f"without linkage {near.get(NULL_LABEL, '–')}."
        ),
        table=columns_of(rows),
    )


def _heatmap(
    values: npt.NDArray[np.float32],
    labels: Sequence[str],
    view: View,
    suffix: str,
    domain: tuple[float, float],
    *,
    pooled: bool,
) -> go.Heatmap:
    signed = view == "difference"
    low, high = (-DIFFERENCE_LIMIT, DIFFERENCE_LIMIT) if signed else (0.0, 1.0)
    number_of = "difference of r² %{z:+.3f}" if signed else "r² %{z:.3f}"
    both = "from %{y} on<br>from %{x} on<br>mean " if pooled else "%{y}<br>%{x}<br>"
    bar = {
        "orientation": "h", "x": sum(domain) / 2, "xanchor": "center", "y": 0, "yanchor": "top", "ypad": 32,
        "thickness": 10, "len": (domain[1] - domain[0]) * 0.5, "nticks": 5, "tickprefix": "Δ r² " if signed else "r² ",
        "showtickprefix": "first",
    }  # fmt: skip
    return go.Heatmap(
        z=typed(values), x=labels, y=labels, zmin=low, zmax=high, colorscale=DIVERGING if signed else SEQUENTIAL,
        colorbar=bar, hoverongaps=False, hovertemplate=f"{both}{number_of}<extra></extra>",
        xaxis=f"x{suffix}", yaxis=f"y{suffix}",
    )  # fmt: skip


def _axes(window: Window, labels: Sequence[str], suffix: str, domain: tuple[float, float]) -> dict[str, Any]:
    """Both axes of a square: variants from left to right and from top to bottom, some with their positions."""
    count = min(_TICKS, window.size)
    places = [int((k + 0.5) * window.size / count) for k in range(count)]
    common = {
        "type": "category",
        "tickvals": [labels[p] for p in places],
        "ticktext": [window.place(float(window.position[p])) for p in places],
        "showgrid": False,
        "tickangle": 0,
        "constrain": "domain",
    }
    # Cells stay square whatever the width of the page; the second square zooms with the first and shares its labels.
    x = {**common, "domain": domain, "anchor": f"y{suffix}"}
    y = {**common, "anchor": f"x{suffix}", "autorange": "reversed", "constraintoward": "top"}
    if suffix:
        return {f"xaxis{suffix}": {**x, "matches": "x"}, f"yaxis{suffix}": {**y, "matches": "y", "visible": False}}
    return {"xaxis": x, "yaxis": {**y, "scaleanchor": "x"}}


def _titles(view: View, model: str, suffix: str) -> list[dict[str, Any]]:
    """What stands above a square: each triangle's data at its own corner."""
    words = {"both": [("Real ◥", 1.0), (f"◣ {model}", 0.0)], "difference": [(f"{model} − real", 0.0)]}
    return [
        {
            "text": text, "x": x, "y": 1.0, "xref": f"x{suffix} domain", "yref": f"y{suffix} domain",
            "xanchor": "right" if x else "left", "yanchor": "bottom", "yshift": 4, "showarrow": False,
            "font": {"size": 14},
        }
        for text, x in words[view]
    ]  # fmt: skip


def _table(window: Window, i: npt.NDArray[Any], j: npt.NDArray[Any]) -> Columns:
    identifier = window.identifier.astype(str)
    return {
        "variant_1": identifier[i],
        "variant_2": identifier[j],
        "position_1": window.position[i],
        "position_2": window.position[j],
        "r2_real": window.real[i, j],
        "r2_synthetic": window.synthetic[i, j],
        "difference": window.synthetic[i, j] - window.real[i, j],
    }
