"""Maps of sets: each point a distribution, coloured by what is known of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from core.plots.figure import Figure, draw, points, typed
from core.plots.theme import REAL, SEQUENTIAL, SYMBOLS, population_colours, population_symbols

Array = npt.NDArray[Any]

LAYOUTS = {"UMAP of latents": "umap", "PCA of latents": "pca", "Transport distances (MDS)": "mds"}
MANY = 20
"""A label with more values is shown by colour only for the most frequent."""

OTHER, MISSING = "other", "(missing)"
PIN = "#5a5f66"  # what marks a set: a grey that stands out on white and on black, with a white letter on it


@dataclass(frozen=True)
class SetMap:
    """Where the sets lie and what they are called.

    Attributes:
        places: layout key → (s, ≥ 2) coordinates, NaN for sets that the layout leaves out.
        set_id: (s,) names.
        split: (s,) "train" or "holdout".
        size: (s,) observations.
        columns: label or covariate → (s,) values.
        explained: (≥ 2,) share of the variance of the latents along the principal components.
    """

    places: dict[str, Array]
    set_id: Array
    split: Array
    size: Array
    columns: dict[str, Array] = field(default_factory=dict)
    explained: Array = field(default_factory=lambda: np.zeros(2))

    def solid(self, layout: str) -> bool:
        """Whether the layout has a third component."""
        return bool(self.places[layout].shape[1] > 2)


def set_map(
    sets: SetMap,
    layout: str,
    colour: str,
    *,
    marked: Mapping[str, str] | None = None,
    outline: Array | None = None,
    solid: bool = False,
    height: int = 500,
) -> Figure:
    """The map of `layout` coloured by the column `colour`.

    Args:
        marked: set → the letter that marks it ("A", "B").
        outline: (p, 2) closed line on the map.
        solid: in three dimensions, where the layout has them; without the outline.

    The `customdata` of a point is the place of its set among `set_id`.
    """
    xyz = sets.places[layout][:, : 3 if solid else 2]
    known = np.flatnonzero(np.isfinite(xyz).all(axis=1))
    hover = _hover(sets, colour)
    traces = [
        points(
            xyz[rows], len(known), customdata=typed(rows, "int32"), text=hover[rows],
            hovertemplate="%{text}<extra></extra>", **look,
        )
        for rows, look in _groups(sets.columns[colour], known, colour, 4 if solid else 9)
    ]  # fmt: skip
    if outline is not None and not solid:
        line = {"color": PIN, "width": 1.5}
        traces.append(
            go.Scatter(
                x=typed(outline[:, 0]), y=typed(outline[:, 1]), mode="lines", line=line, hoverinfo="skip",
                showlegend=False,
            )
        )  # fmt: skip
    titles = _titles(layout, sets.explained)
    pins = _pins(sets, xyz, marked or {}, solid)
    names = dict(zip("xyz", titles, strict=False))
    if solid:
        axis = {"showticklabels": False, "showspikes": False, "zeroline": False}
        space = {f"{c}axis": {**axis, "title": {"text": names[c]}} for c in "xyz"}
        where: dict[str, Any] = {"scene": {**space, "annotations": pins, "aspectmode": "cube"}}
    else:
        axis = {"showticklabels": False, "showgrid": False}
        where = {f"{c}axis": {**axis, "title": names[c]} for c in "xy"} | {"annotations": pins}
    return Figure(
        name=f"map_{layout}",
        plot=draw(
            traces,
            height=height,
            margin={"l": 30, "r": 10, "t": 30, "b": 36},
            legend={"title": {"text": escape(colour)}, "orientation": "v", "x": 1.01, "y": 1, "yanchor": "top"},
            **where,
        ),
        alt=f"{len(known)} sets, near each other where the layout finds them alike, coloured by {colour}.",
        table={
            "set": sets.set_id[known],
            **{f"{layout}_{i + 1}": xyz[known, i] for i in range(xyz.shape[1])},
            colour: sets.columns[colour][known],
            "observations": sets.size[known],
            "split": sets.split[known],
        },
    )


def _groups(values: Array, known: Array, colour: str, size: int) -> Iterator[tuple[Array, dict[str, Any]]]:
    """Places of the sets of each trace, and how it looks: one for each label, one in all for a number."""
    common = {"size": size, "opacity": 0.85}
    if values.dtype.kind == "f":
        bar = {"title": {"text": colour}, "thickness": 12, "len": 0.8}
        scale = {"color": typed(values[known]), "colorscale": SEQUENTIAL, "colorbar": bar}
        yield known, {"marker": common | scale, "showlegend": False}
        return
    labels = _grouped(values[known])
    own = sorted(set(labels.tolist()) - {OTHER, MISSING})
    colours, symbols = population_colours(own), population_symbols(own)
    for label in [*own, *(name for name in (OTHER, MISSING) if name in labels)]:
        look = {"color": colours.get(label, REAL), "symbol": symbols.get(label, SYMBOLS[0])}
        yield known[labels == label], {"name": escape(label), "marker": common | look}


def _grouped(values: Array) -> Array:
    """Labels as they are, the rarer ones of many as "other"."""
    names, counts = np.unique(values, return_counts=True)
    kept = names[np.argsort(-counts, kind="stable")[:MANY]] if len(names) > MANY else names
    named = np.where(values == "", MISSING, values.astype(object))
    return np.where(np.isin(values, kept), named, OTHER)


def _hover(sets: SetMap, colour: str) -> Array:
    """(s,) what is said of each set that is pointed at: its name, size, split and labels, the coloured one first."""
    labels = [name for name, values in sets.columns.items() if values.dtype.kind != "f" and name != colour]
    lines = []
    for i, name in enumerate(sets.set_id):
        value = sets.columns[colour][i]
        first = f"{value:.3g}" if sets.columns[colour].dtype.kind == "f" else str(value) or MISSING
        size, split = f"{int(sets.size[i]):,} observations", "held out" if sets.split[i] == "holdout" else "training"
        rest = [f"{label}: {sets.columns[label][i] or MISSING}" for label in labels[:4]]
        words = [escape(line) for line in (f"{colour}: {first}", *rest, f"{size}, {split}")]
        lines.append("<br>".join([f"<b>{escape(str(name))}</b>", *words]))
    return np.array(lines, dtype=object)


def _titles(layout: str, explained: Array) -> list[str]:
    if layout == "pca":
        return [f"PC{i + 1} ({share:.0%})" if share else f"PC{i + 1}" for i, share in enumerate(explained[:3])]
    return [f"{layout.upper()} {i + 1}" for i in range(3)]


def _pins(sets: SetMap, xyz: Array, marked: Mapping[str, str], solid: bool) -> list[dict[str, Any]]:
    """A letter above each marked set."""
    pins = []
    for name, letter in marked.items():
        place = np.flatnonzero(sets.set_id == name)
        if len(place) and np.isfinite(xyz[place[0]]).all():
            at = {c: float(value) for c, value in zip("xyz", xyz[place[0]], strict=False)}
            pins.append(
                {
                    **at, "text": f"<b>{letter}</b>", "showarrow": True, "arrowhead": 6, "arrowsize": 0.8, "ax": 0,
                    "ay": -30, "arrowcolor": PIN, "bgcolor": PIN, "font": {"color": "#ffffff", "size": 13},
                    "borderpad": 3, "standoff": 4,
                }
            )  # fmt: skip
    return pins
