"""Maps of sets: each point a distribution, coloured by what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from core.plots.theme import REAL, population_colours, population_symbols
from core.plots.vega import Figure, Spec

LAYOUTS = {"UMAP of latents": "umap", "PCA of latents": "pca", "Transport distances (MDS)": "mds"}
_PIN = "#5a5f66"  # what marks a set: a grey that stands out on white and on black, with a white letter on it
MANY = 20  # a label with more values is shown by colour only for the most frequent


@dataclass(frozen=True)
class SetMap:
    """Where the sets lie and what they are called.

    Attributes:
        xy: layout key → (s, 2) coordinates, NaN for sets that the layout leaves out.
        set_id: (s,) names.
        split: (s,) "train" or "holdout".
        columns: label or covariate → (s,) values.
        explained: (≥ 2,) share of the variance of the latents along the principal components.
    """

    xy: dict[str, npt.NDArray[Any]]
    set_id: npt.NDArray[Any]
    split: npt.NDArray[Any]
    columns: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    explained: npt.NDArray[Any] = field(default_factory=lambda: np.zeros(2))


def set_map(
    sets: SetMap,
    layout: str,
    colour: str,
    *,
    marked: dict[str, str] | None = None,
    outline: npt.NDArray[Any] | None = None,
    height: int = 440,
    caption: str = "",
) -> Figure:
    """The map of `layout` coloured by the column `colour`; `marked` names sets to ring and letter ("A", "B");
    `outline` is a closed line (p, 2) on the map.

    A click selects a set: the selection parameter is "set", its field "set".
    """
    xy = sets.xy[layout]
    known = np.isfinite(xy).all(axis=1)
    values = sets.columns[colour][known]
    data: dict[str, Any] = {
        "set": sets.set_id[known].tolist(),
        "x": xy[known, 0].tolist(),
        "y": xy[known, 1].tolist(),
        "value": values.tolist() if values.dtype.kind == "f" else _grouped(values),
        "split": sets.split[known].tolist(),
    }
    data["mark"] = [(marked or {}).get(name, "") for name in data["set"]]
    axis = {"grid": False, "labels": False, "ticks": False, "domain": False}
    names = _axis_names(layout, sets.explained)
    position = {
        c: {"field": c, "type": "quantitative", "title": n, "axis": axis, "scale": {"zero": False, "padding": 14}}
        for c, n in zip("xy", names, strict=True)
    }
    tooltip = [
        {"field": "set", "title": "Set"},
        {"field": "value", "title": colour},
        {"field": "split", "title": "Split"},
    ]
    points: Spec = {
        "params": [{"name": "set", "select": {"type": "point", "fields": ["set"], "on": "click"}}],
        "mark": {"type": "point", "filled": True, "size": 70, "opacity": 0.85, "cursor": "pointer"},
        "encoding": {**position, **_colours(values, data["value"], colour), "tooltip": tooltip},
    }
    lifted = -22  # pixels: a letter stands above its set
    pin = {"type": "point", "filled": True, "size": 330, "color": _PIN, "opacity": 1, "stroke": "white"}
    rings: Spec = {
        "transform": [{"filter": "datum.mark != ''"}],
        "layer": [
            {"mark": {"type": "point", "size": 190, "strokeWidth": 2.5, "color": _PIN}, "encoding": position},
            {"mark": {**pin, "strokeWidth": 1.5, "yOffset": lifted}, "encoding": position},
            {
                "mark": {"type": "text", "dy": lifted, "fontSize": 12, "fontWeight": "bold", "color": "white"},
                "encoding": {**position, "text": {"field": "mark"}},
            },
        ],
    }
    layers, drawn = [points, rings], {"sets": data}
    if outline is not None:
        drawn["outline"] = {
            "x": outline[:, 0].tolist(),
            "y": outline[:, 1].tolist(),
            "order": list(range(len(outline))),
        }
        line = {"type": "line", "color": _PIN, "strokeWidth": 1.5, "clip": True}
        order = {"field": "order", "type": "quantitative"}
        layers.append({"data": {"name": "outline"}, "mark": line, "encoding": {**position, "order": order}})
    return Figure(
        name=f"map_{layout}",
        spec={"data": {"name": "sets"}, "height": height, "layer": layers},
        data=drawn,
        alt=f"{int(known.sum())} sets, near each other where the layout finds them alike, coloured by {colour}.",
        caption=caption,
        selections=("set",),
    )


def _axis_names(layout: str, explained: npt.NDArray[Any]) -> tuple[str, str]:
    if layout == "pca" and len(explained) >= 2:
        return f"PC1 ({explained[0]:.0%})", f"PC2 ({explained[1]:.0%})"
    return {"umap": ("UMAP 1", "UMAP 2"), "mds": ("MDS 1", "MDS 2")}.get(layout, ("1", "2"))


def _grouped(values: npt.NDArray[Any]) -> list[str]:
    """Labels as they are, the rarer ones of many as "other"."""
    names, counts = np.unique(values, return_counts=True)
    kept = set(names[np.argsort(-counts, kind="stable")[:MANY]].tolist()) if len(names) > MANY else set(names.tolist())
    return [("(missing)" if v == "" else v) if v in kept else "other" for v in values.tolist()]


def _colours(values: npt.NDArray[Any], shown: Sequence[Any], title: str) -> Spec:
    legend = {"title": title, "orient": "right", "labelLimit": 160, "symbolLimit": 30}
    if values.dtype.kind == "f":
        return {
            "color": {
                "field": "value",
                "type": "quantitative",
                "scale": {"scheme": "viridis"},
                "legend": {"title": title, "orient": "right", "gradientLength": 160},
            }
        }
    labels = sorted(set(shown) - {"other", "(missing)"})
    rest = [name for name in ("other", "(missing)") if name in shown]
    colours, shapes = population_colours(labels), population_symbols(labels)
    domain = [*labels, *rest]
    return {
        "color": {
            "field": "value",
            "type": "nominal",
            "scale": {"domain": domain, "range": [*colours.values(), *[REAL] * len(rest)]},
            "legend": legend,
        },
        "shape": {
            "field": "value",
            "type": "nominal",
            "scale": {"domain": domain, "range": [*shapes.values(), *["circle"] * len(rest)]},
            "legend": legend,
        },
    }
