"""What a collection of sets is like, drawn from its overview and a glimpse of a few sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.data.profile.collection import Glimpse
from core.plots.cloud_picture import cloud_picture
from core.plots.histogram import histogram_figure
from core.plots.label_counts import label_counts
from core.plots.sets_axes import fit_axes
from core.plots.sets_samples import axes, limits
from core.plots.theme import REAL
from core.plots.vega import Figure, Spec, columns_of, grid
from core.words import count, number

Overview = Mapping[str, Any]

_MOST_VALUES = 20
_MOST_FEATURES = 40
_ACROSS, _SIDE = 3, 190


def set_sizes(found: Overview) -> Figure:
    """How many sets have how many observations."""
    sizes = found["sizes"]
    return histogram_figure(
        "set_sizes",
        sizes["histogram"],
        x="Observations in a set",
        y="Sets",
        alt=f"Set sizes: from {sizes['min']:,} to {sizes['max']:,} observations, the middle set {sizes['median']:,}.",
        caption=f"{_size(found)}; the middle set has {sizes['median']:,}.",
        form=",~r",
    )


def set_labels(found: Overview, column: str) -> Figure | None:
    """How many sets have each value of a label column, training and held out; None where no two sets share one."""
    label = next((one for one in found["labels"] if one["column"] == column), None)
    if label is None or not label["values"] or label["values"][0]["individuals"] == 1:
        return None
    return label_counts(label, _size(found), noun="set", most=_MOST_VALUES)


def set_covariate(found: Overview, name: str) -> Figure | None:
    """The distribution of a covariate over the sets; None where no set has a value."""
    covariate = next((one for one in found["covariates"] if one["name"] == name), None)
    if covariate is None or "histogram" not in covariate:
        return None
    mean, sd = number(covariate["mean"]), number(covariate["sd"])
    return histogram_figure(
        f"covariate_{name}",
        covariate["histogram"],
        x=name,
        y="Sets",
        alt=f"{name}: mean {mean}, standard deviation {sd}, from {number(covariate['least'])} to "
        f"{number(covariate['most'])}.",
        caption=f"{count(covariate['individuals'], 'set')} with a value; mean {mean}, standard deviation {sd}.",
    )


def feature_ranges(found: Overview) -> Figure | None:
    """Mean and standard deviation of the features that vary most; None where observations have no features."""
    if not found["features"]:
        return None
    widest = sorted(found["features"], key=lambda one: -one["deviation"])[:_MOST_FEATURES]
    names = [one["feature"] for one in found["features"] if one in widest]
    rows = [
        {**one, "low": one["mean"] - one["deviation"], "high": one["mean"] + one["deviation"]}
        for one in found["features"]
    ]
    y = {
        "field": "feature",
        "type": "nominal",
        "sort": names,
        "title": None,
        "axis": {"labelLimit": 140, "labelOverlap": False},
    }
    x = {"type": "quantitative", "title": "Mean ± standard deviation", "scale": {"zero": False}}
    layers: list[Spec] = [
        {
            "mark": {"type": "rule", "color": REAL, "strokeWidth": 2},
            "encoding": {"y": y, "x": {"field": "low", **x}, "x2": {"field": "high"}},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 45, "color": REAL},
            "encoding": {
                "y": y,
                "x": {"field": "mean", **x},
                "tooltip": [
                    {"field": "feature", "title": "Feature"},
                    {"field": "mean", "title": "Mean", "format": ".3~g"},
                    {"field": "deviation", "title": "Standard deviation", "format": ".3~g"},
                ],
            },
        },
    ]
    shown = f"the {len(names)} that vary most of {count(len(rows), 'feature')}" if len(rows) > len(names) else ""
    return Figure(
        name="features",
        spec={"data": {"name": "features"}, "height": {"step": 15}, "layer": layers},
        data={"features": columns_of([row for row in rows if row["feature"] in set(names)])},
        alt=f"Mean and standard deviation of {len(names)} features; {widest[0]['feature']} varies most.",
        caption=f"{_size(found)}; over a sample of the observations of all sets" + (f"; {shown}." if shown else "."),
        table=columns_of(rows),
    )


def some_sets(seen: Glimpse) -> Figure:
    """A small panel a set: its observations before those of all sets, on two features or principal components."""
    axis = fit_axes(seen.around, seen.feature)
    across, up = (axis.names[0], axis.names[min(1, len(axis.names) - 1)])
    around = axis.plane(seen.around, across, up)
    sides = limits([around])
    encoding = axes(sides, (axis.title(across), axis.title(up)))
    # Thousands of points behind each panel are a picture: as marks they take a browser half a second.
    data: dict[str, Any] = {"around": {"picture": [cloud_picture(around, sides, _SIDE, colour=REAL, opacity=0.16)]}}
    table: dict[str, list[Any]] = {"set": [], "x": [], "y": []}
    panels: list[Spec] = []
    middle = {"value": _SIDE / 2}
    behind: Spec = {
        "mark": {"type": "image", "width": _SIDE, "height": _SIDE, "aspect": False},
        "encoding": {"x": middle, "y": middle, "url": {"field": "picture", "type": "nominal"}},
    }
    for i, (name, observations) in enumerate(zip(seen.set_id, seen.observations, strict=True)):
        points = axis.plane(observations, across, up)
        data[f"set_{i}"] = {"x": points[:, 0], "y": points[:, 1]}
        table["set"] += [name] * len(points)
        table["x"] += points[:, 0].tolist()
        table["y"] += points[:, 1].tolist()
        mark: Spec = {"type": "point", "filled": True, "clip": True, "color": REAL}
        title = {"text": _short(name), "subtitle": f"{seen.sizes[i]:,} observations", "anchor": "start"}
        panels.append(
            {
                "title": {**title, "fontSize": 12, "subtitleFontSize": 11, "subtitleColor": REAL},
                "width": _SIDE,
                "height": _SIDE,
                "layer": [
                    {"data": {"name": "around"}, **behind},
                    {"data": {"name": f"set_{i}"}, "mark": {**mark, "size": 24, "opacity": 0.95}, "encoding": encoding},
                ],
            }
        )
    return Figure(
        name="some_sets",
        spec=grid(panels, _ACROSS),
        data=data,
        alt=f"{len(panels)} sets on {axis.title(across)} and {axis.title(up)}, each before all observations.",
        caption=f"Training sets from large to small, at most {max(map(len, seen.observations)):,} observations of "
        f"each; behind them {count(len(around), 'observation')} of all sets.",
        table=table,
    )


def _short(name: str, most: int = 28) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"


def _size(found: Overview) -> str:
    return f"{count(found['sets'], 'set')}, {count(found['observations'], 'observation')}"
