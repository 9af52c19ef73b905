"""Linkage disequilibrium: triangles of r² for real and synthetic data and their difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from core.plots.colormaps import DIVERGING, SEQUENTIAL
from core.plots.figure import Figure, Spec
from core.plots.linkage_picture import picture
from core.reports.linkage_windows import Window
from core.words import number

INTERACTIVE = 500
"""Variants up to which every pair is a mark of its own that can be pointed at; above, the triangle is a picture."""

DIFFERENCE_LIMIT = 0.5
"""Both ends of the colour scale of differences, the same for every model, so that pictures can be compared."""

_WIDTH = 700
View = Literal["real", "synthetic", "difference"]

# What is read when a pair is pointed at, which Vega-Lite puts together once for all triangles.
_WORDS = (
    "{'Variant': datum.i, 'and variant': datum.j, 'Distance (bp)': format(datum.distance, ','), "
    "'r² real': format(datum.real, '.3f'), 'r² synthetic': format(datum.synthetic, '.3f'), "
    "'Difference': format(datum.difference, '+.3f')}"
)


def triangles(window: Window, views: Sequence[View], model: str, *, caption: str = "") -> Figure:
    """Triangles one below the other over the same variants: real points up, synthetic hangs down from the same axis.

    r² always spans 0–1 and differences (synthetic minus real) ±DIFFERENCE_LIMIT. Up to INTERACTIVE variants a pair can
    be pointed at and selected (parameters pair_real, pair_synthetic, pair_difference with fields i and j).
    """
    interactive = window.size <= INTERACTIVE and not window.pooled
    height = _WIDTH // 2 if len(views) == 1 else 240
    pairs = _pairs(window)
    make = _marks if interactive else _raster
    layers = [make(window, view, model, height) for view in views]
    gap = float(np.nanmean(np.abs(pairs["difference"]))) if window.size > 1 else 0.0
    real, made = (float(np.nanmean(pairs[k])) if window.size > 1 else 0.0 for k in ("real", "synthetic"))
    return Figure(
        name=f"linkage_{window.contig}_{window.position[0]}_{window.position[-1]}",
        spec={"vconcat": layers, "spacing": 18, "resolve": {"scale": {"color": "independent"}}},
        data={"pairs": pairs} if interactive else {"corner": {"x": [0.0], "y": [0.0]}},
        alt=(
            f"Linkage between {window.variants:,} variants on {window.contig}: mean r² {number(real)} in real and "
            f"{number(made)} in synthetic data ({model}); they differ by {number(gap)} on average."
        ),
        caption=caption,
        table=_table(window, pairs),
        selections=tuple(f"pair_{view}" for view in views) if interactive else (),
    )


def _pairs(window: Window) -> dict[str, npt.NDArray[Any]]:
    i, j = np.triu_indices(window.size, 1)
    real, synthetic = window.real[i, j], window.synthetic[i, j]
    return {
        "i": i.astype(np.uint16),
        "j": j.astype(np.uint16),
        "x": ((i + j) / 2).astype(np.float32),
        "y": (j - i).astype(np.uint16),
        "distance": np.abs(window.position[j] - window.position[i]).astype(np.int64),
        "real": real.round(3),
        "synthetic": synthetic.round(3),
        "difference": (synthetic - real).round(3),
    }


def _table(window: Window, pairs: Mapping[str, npt.NDArray[Any]]) -> dict[str, Any]:
    identifier = window.identifier.astype(str)
    return {
        "variant_1": identifier[pairs["i"]],
        "variant_2": identifier[pairs["j"]],
        "position_1": window.position[pairs["i"]],
        "position_2": window.position[pairs["j"]],
        "r2_real": pairs["real"],
        "r2_synthetic": pairs["synthetic"],
        "difference": pairs["difference"],
    }


def _frame(window: Window, view: View, model: str, height: int) -> tuple[Spec, Spec, Spec]:
    """(view properties, x, y): the axes that a triangle has, whichever way its cells are drawn."""
    titles = {"real": "Real data", "synthetic": f"Synthetic: {model}", "difference": f"Synthetic − real: {model}"}
    down = view == "synthetic"
    ticks = _ticks(window)
    labels = (
        " : ".join(f"datum.value == {tick} ? '{window.place(float(window.position[tick]))}'" for tick in ticks)
        + " : ''"
    )
    x = {
        "field": "x",
        "type": "quantitative",
        "scale": {"domain": [-0.5, window.size - 0.5], "nice": False, "zero": False},
        "axis": None
        if down
        else {
            "values": ticks,
            "labelExpr": labels,
            "grid": False,
            "title": None,
            "labelFlush": True,
            "orient": "bottom",
        },
    }
    y = {
        "field": "y",
        "type": "quantitative",
        "scale": {"domain": [0, window.size], "nice": False, "reverse": down},
        "axis": None,
    }
    frame: Spec = {
        "title": {
            "text": titles[view],
            "anchor": "start",
            "fontSize": 13,
            "orient": "bottom" if down else "top",
            "offset": -18,
        },
        "width": _WIDTH,
        "height": height,
        "view": {"stroke": None},
    }
    return frame, x, y


def _ticks(window: Window) -> list[int]:
    return sorted({int(t) for t in np.linspace(0, window.size - 1, min(7, window.size))})


def _colour(view: View, *, legend: bool = True) -> Spec:
    scale: Spec = {"range": SEQUENTIAL, "domain": [0, 1], "clamp": True}
    if view == "difference":
        scale = {"range": DIVERGING, "domain": [-DIFFERENCE_LIMIT, DIFFERENCE_LIMIT], "clamp": True}
    title = "Difference" if view == "difference" else "r²"
    return {
        "field": view,
        "type": "quantitative",
        "scale": scale,
        "legend": {"title": title, "gradientLength": 120, "tickCount": 3} if legend else None,
    }


def _marks(window: Window, view: View, model: str, height: int) -> Spec:
    """Every pair a diamond: the cell of the matrix, turned by 45°."""
    frame, x, y = _frame(window, view, model, height)
    # A diamond symbol of size s is sqrt(s) wide; a little overlap closes the seams.
    cell = (_WIDTH / window.size) * 1.2
    aspect = height / (_WIDTH / 2)
    shape = f"M0,{-aspect:.3f}L1,0L0,{aspect:.3f}L-1,0Z"
    return {
        **frame,
        "data": {"name": "pairs"},
        "transform": [{"calculate": _WORDS, "as": "words"}],
        "params": [{"name": f"pair_{view}", "select": {"type": "point", "fields": ["i", "j"]}}],
        "mark": {
            "type": "point",
            "shape": shape,
            "filled": True,
            "size": cell**2,
            "opacity": 1,
            "tooltip": {"expr": "datum.words"},
        },
        "encoding": {"x": x, "y": y, "color": _colour(view, legend=view != "synthetic")},
    }


def _raster(window: Window, view: View, model: str, height: int) -> Spec:
    """The triangle as a picture: each pixel the mean of the pairs that fall on it."""
    frame, x, y = _frame(window, view, model, height)
    values = window.synthetic - window.real if view == "difference" else getattr(window, view)
    limits = (-DIFFERENCE_LIMIT, DIFFERENCE_LIMIT) if view == "difference" else (0.0, 1.0)
    stops = DIVERGING if view == "difference" else SEQUENTIAL
    url = picture(values, _WIDTH, height, limits=limits, stops=stops, down=view == "synthetic")
    middle = {"value": _WIDTH / 2}, {"value": height / 2}
    # The invisible point carries the axes and the legend, which an image does not have.
    ghost = {**_colour(view, legend=view != "synthetic"), "field": "x"}
    return {
        **frame,
        "layer": [
            {
                "data": {"name": "corner"},
                "mark": {"type": "image", "url": url, "width": _WIDTH, "height": height, "aspect": False},
                "encoding": {"x": middle[0], "y": middle[1]},
            },
            {
                "data": {"name": "corner"},
                "mark": {"type": "point", "opacity": 0},
                "encoding": {"x": x, "y": y, "color": ghost},
            },
        ],
    }
