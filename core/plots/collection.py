"""What a collection of sets is like, drawn from its overview and a glimpse of a few sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from core.data.profile.collection import Glimpse
from core.modalities.vector import Vector
from core.plots.axes import fit_axes
from core.plots.cohort import distribution, histogram, label_counts
from core.plots.figure import Figure, columns_of, draw, grid, points, typed
from core.plots.theme import BLUE, REAL
from core.words import count

Overview = Mapping[str, Any]

_MOST_VALUES = 20
_MOST_FEATURES = 40
_ACROSS, _SIDE = 3, 240


def set_sizes(overview: Overview) -> Figure:
    """How many sets have how many observations."""
    sizes = overview["sizes"]
    return histogram(
        "set_sizes",
        sizes["histogram"],
        x="Observations in a set",
        y="Sets",
        alt=f"Set sizes: from {sizes['min']:,} to {sizes['max']:,} observations, the middle set {sizes['median']:,}.",
        caption=f"{_size(overview)}; the middle set has {sizes['median']:,}.",
        form=",~r",
    )


def set_labels(overview: Overview, column: str) -> Figure | None:
    """How many sets have each value of a label column, training and held out; None where no two sets share one."""
    label = next((one for one in overview["labels"] if one["column"] == column), None)
    if label is None or not label["values"] or label["values"][0]["individuals"] == 1:
        return None
    return label_counts(label, _size(overview), noun="set", most=_MOST_VALUES)


def set_covariate(overview: Overview, name: str) -> Figure | None:
    """The distribution of a covariate over the sets; None where no set has a value."""
    covariate = next((one for one in overview["covariates"] if one["name"] == name), None)
    if covariate is None or "histogram" not in covariate:
        return None
    return distribution(f"covariate_{name}", name, covariate, "set")


def feature_ranges(overview: Overview) -> Figure | None:
    """Mean and standard deviation of the features that vary most; None where observations have no features."""
    features = overview["features"]
    if not features:
        return None
    widest = sorted(features, key=lambda one: -one["deviation"])[:_MOST_FEATURES]
    shown = [one for one in features if one in widest]
    bars = go.Scatter(
        x=typed([one["mean"] for one in shown]), y=[one["feature"] for one in shown], mode="markers",
        marker={"color": REAL, "size": 7},
        error_x={"array": typed([one["deviation"] for one in shown]), "color": REAL, "thickness": 2, "width": 0},
        hovertemplate="<b>%{y}</b><br>mean %{x:.3~g}, standard deviation %{error_x.array:.3~g}<extra></extra>",
    )  # fmt: skip
    most = (
        f"; the {len(shown)} that vary most of {count(len(features), 'feature')}" if len(features) > len(shown) else ""
    )
    return Figure(
        name="features",
        plot=draw(
            [bars],
            height=90 + 16 * max(len(shown), 4),
            margin={"t": 16, "b": 48, "l": 80, "r": 12},
            xaxis={"title": "Mean ± standard deviation"},
            yaxis={"type": "category", "autorange": "reversed", "dtick": 1},
        ),
        alt=f"Mean and standard deviation of {len(shown)} features; {widest[0]['feature']} varies most.",
        table=columns_of(features),
        caption=f"{_size(overview)}; over a sample of the observations of all sets{most}.",
    )


def some_sets(seen: Glimpse) -> Figure:
    """A small panel a set: its observations before those of all sets, on two features or principal components."""
    axis = fit_axes(seen.around, Vector((seen.around.shape[1],)), seen.feature)
    across, up = axis.names[0], axis.names[min(1, len(axis.names) - 1)]
    around = axis.plane(seen.around, across, up)
    panels = len(seen.set_id)
    rows = -(-panels // _ACROSS)
    titles = [f"{_short(name)} ({size:,} observations)" for name, size in zip(seen.set_id, seen.sizes, strict=True)]
    plot = grid(
        rows, _ACROSS, titles, height=60 + _SIDE * rows, shared=True, horizontal_spacing=0.03,
        vertical_spacing=0.32 / max(rows, 2),
    )  # fmt: skip
    marks = panels * (len(around) + max(map(len, seen.observations)))
    table: dict[str, list[Any]] = {"set": [], across: [], up: []}
    for i, (name, observations) in enumerate(zip(seen.set_id, seen.observations, strict=True)):
        place = {"row": i // _ACROSS + 1, "col": i % _ACROSS + 1}
        own = axis.plane(observations, across, up)
        faint, strong = {"color": REAL, "size": 3, "opacity": 0.16}, {"color": BLUE, "size": 5, "opacity": 0.9}
        plot.add_trace(points(around, marks, marker=faint, hoverinfo="skip"), **place)
        plot.add_trace(points(own, marks, marker=strong, name=str(name), hoverinfo="x+y+name"), **place)
        table["set"] += [name] * len(own)
        table[across] += own[:, 0].tolist()
        table[up] += own[:, 1].tolist()
    plot.update_layout(showlegend=False)
    plot.update_annotations(font_size=12)
    plot.update_xaxes(title_text=axis.title(across), row=rows)
    plot.update_yaxes(title_text=axis.title(up), col=1)
    return Figure(
        name="some_sets",
        plot=plot,
        alt=f"{panels} sets on {axis.title(across)} and {axis.title(up)}, each before all observations.",
        table=table,
        caption=f"Blue: training sets from large to small, at most {max(map(len, seen.observations)):,} observations "
        f"of each; grey behind them: {count(len(around), 'observation')} of all sets.",
    )


def _short(name: str, most: int = 24) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"


def _size(overview: Overview) -> str:
    return f"{count(overview['sets'], 'set')}, {count(overview['observations'], 'observation')}"
