"""A histogram whose bins were counted before: counts between edges, drawn in the grey of real data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.plots.theme import REAL
from core.plots.vega import Figure, Spec

HEIGHT = 220


def histogram_figure(
    name: str, histogram: Mapping[str, Any], *, x: str, y: str, alt: str, caption: str, form: str = "~g"
) -> Figure:
    """Bars of {"edges", "counts"} with titles of both axes; `form` is the d3 format of the bins."""
    return Figure(
        name=name,
        spec={
            "data": {"name": "bars"},
            "height": HEIGHT,
            "mark": {"type": "bar", "color": REAL},
            "encoding": {
                "x": quantity("low", x, form),
                "x2": {"field": "high"},
                "y": {"field": "count", "type": "quantitative", "title": y, "axis": {"tickMinStep": 1}},
                "tooltip": bar_tooltip(y),
            },
        },
        data={"bars": bars(histogram)},
        alt=alt,
        caption=caption,
    )


def bars(histogram: Mapping[str, Any]) -> dict[str, list[Any]]:
    """{"edges", "counts"} as the columns low, high, count."""
    edges = histogram["edges"]
    return {"low": list(edges[:-1]), "high": list(edges[1:]), "count": list(histogram["counts"])}


def quantity(field: str, title: str, form: str = "~g") -> Spec:
    """The horizontal encoding of bins that are already made."""
    return {
        "field": field,
        "bin": "binned",
        "type": "quantitative",
        "title": title,
        "scale": {"zero": False, "nice": False},
        "axis": {"format": form},
    }


def bar_tooltip(what: str) -> list[Spec]:
    """From, to and how many of a bar."""
    return [
        {"field": "low", "title": "From", "format": ".3~g"},
        {"field": "high", "title": "To", "format": ".3~g"},
        {"field": "count", "title": what, "format": ","},
    ]
