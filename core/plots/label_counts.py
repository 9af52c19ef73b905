"""How many individuals, or sets, have each value of a label column, training and held out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.plots.theme import REAL, population_colours
from core.plots.vega import Figure, columns_of
from core.words import count

HELD_OUT = 0.45  # opacity of what is held out
_MOST_BARS = 60  # values in one figure; the table behind it has them all


def label_counts(label: Mapping[str, Any], about: str, *, noun: str = "individual", most: int = _MOST_BARS) -> Figure:
    """Bars of a label column as `core.data.profile.summaries.label_summary` counts it.

    `about` begins the caption; `noun` is what carries the labels.
    """
    column = label["column"]
    values = label["values"][:most]
    names = [one["value"] for one in values]
    colours = population_colours([one["value"] for one in label["values"]])
    rows = [
        {"value": one["value"], "part": part, f"{noun}s": n}
        for one in label["values"]
        for part, n in (("Training", one["individuals"] - one["holdout"]), ("Held out", one["holdout"]))
    ]
    more = len(label["values"]) - len(values)
    unlabelled = f" {count(label['missing'], noun)} without a value." if label["missing"] else ""
    return Figure(
        name=f"{noun}s_by_{column}",
        spec={
            "data": {"name": "labels"},
            "height": {"step": 20},
            "mark": {"type": "bar"},
            "encoding": {
                "y": {"field": "value", "type": "nominal", "sort": names, "title": None, "axis": {"labelLimit": 200}},
                "x": {
                    "field": f"{noun}s",
                    "type": "quantitative",
                    "title": f"{noun.capitalize()}s",
                    "axis": {"tickMinStep": 1},
                },
                "color": {
                    "field": "value",
                    "type": "nominal",
                    "scale": {"domain": names, "range": [colours[name] for name in names]},
                    "legend": None,
                },
                "opacity": {
                    "field": "part",
                    "type": "nominal",
                    "scale": {"domain": ["Training", "Held out"], "range": [1, HELD_OUT]},
                    "legend": {"title": None, "orient": "top", "symbolFillColor": REAL, "symbolStrokeWidth": 0},
                },
                "order": {"field": "part", "sort": "descending"},
                "tooltip": [
                    {"field": "value", "title": column},
                    {"field": "part", "title": "Part"},
                    {"field": f"{noun}s", "title": f"{noun.capitalize()}s", "format": ","},
                ],
            },
        },
        data={"labels": columns_of([row for row in rows if row["value"] in set(names)])},
        alt=f"{noun.capitalize()}s by {column}: {len(label['values'])} values, largest {names[0]} "
        f"({values[0]['individuals']:,}), smallest {label['values'][-1]['value']} "
        f"({label['values'][-1]['individuals']:,}).",
        caption=f"{about}.{unlabelled}" + (f" {more:,} smaller ones are in the CSV." if more else ""),
        table=columns_of(rows),
    )
