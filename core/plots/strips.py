"""The scorecard drawn: one strip a metric, its null and ceiling as lines, every model as a point with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.plots.theme import CEILING_LABEL, NULL_LABEL, REAL, model_colour, model_symbol
from core.plots.vega import CEILING_DASH, NULL_DASH, Figure, Spec, grid
from core.reports.standing import Candidate, described, frame, leader, numbers
from core.words import number, parameters

_BAND = 0.1
_WIDTH = 330
_STEP = 17  # pixels a model: room for an 11 px label and its marker


def strips(candidates: Sequence[Candidate], names: Sequence[str], *, columns: int = 2, caption: str = "") -> Figure:
    """Draw `names` for all candidates, `columns` strips a row; each strip has the metric's own axis and units."""
    data: dict[str, Any] = {}
    views = []
    for i, name in enumerate(names):
        points = _points(candidates, name)
        data[name] = _where(points, measured=True)
        if None in points["value"]:
            data[f"{name} reasons"] = _where(points, measured=False)
        data[f"{name} references"] = _references(candidates, name)
        views.append(_strip(candidates, name, data, labelled=i % columns == 0))
    return Figure(
        name="scorecard",
        spec=grid(views, columns),
        data=data,
        alt=takeaway(candidates, names),
        caption=caption,
        table=numbers(candidates, names),
    )


def takeaway(candidates: Sequence[Candidate], names: Sequence[str]) -> str:
    """What the scorecard shows, for those who cannot see it."""
    alt = f"{len(names)} metrics of {len(candidates)} models, each with its null and ceiling."
    if len(candidates) > 1 and (first := leader(candidates, names)):
        alt += f" {first[0].label} is best, or within noise of the best, on most of them."
    return alt


def _strip(candidates: Sequence[Candidate], name: str, data: Mapping[str, Any], *, labelled: bool) -> Spec:
    about = described(candidates, name)
    labels = [c.label for c in candidates]
    axis = {
        "title": None,
        "labelLimit": 170,
        "labelOverlap": False,
        "labelFlush": False,
        "labelBound": False,
        "labels": labelled,
        "ticks": False,
        "domain": False,
        "grid": False,
    }
    y = {"field": "model", "type": "nominal", "sort": labels, "axis": axis}
    x = {
        "field": "value",
        "type": "quantitative",
        "scale": _scale(candidates, name),
        "axis": {"title": None, "tickCount": 4, "grid": False},
    }
    colour = {
        "field": "model",
        "scale": {"domain": labels, "range": [model_colour(c.model) for c in candidates]},
        "legend": None,
    }
    shape = {
        "field": "model",
        "scale": {"domain": labels, "range": [model_symbol(c.model) for c in candidates]},
        "legend": None,
    }
    lines = {
        "field": "kind",
        "scale": {"domain": [NULL_LABEL, CEILING_LABEL], "range": [NULL_DASH, CEILING_DASH]},
        "legend": {"title": None, "orient": "top", "symbolType": "stroke", "symbolSize": 500, "labelLimit": 300},
    }
    tooltip = [
        {"field": "model", "title": "Model"},
        {"field": "shown", "title": about.label},
        {"field": "params", "title": "Estimator"},
    ]
    return {
        "title": {
            "text": about.label,
            "subtitle": about.goal,
            "anchor": "start",
            "fontSize": 13,
            "subtitleFontSize": 11,
            "subtitleColor": REAL,
            "offset": 4,
        },
        "width": _WIDTH,
        "height": {"step": _STEP},
        "layer": [
            {
                "data": {"name": f"{name} references"},
                "mark": {"type": "rule", "color": REAL, "strokeWidth": 2},
                "encoding": {
                    "x": x,
                    "strokeDash": lines,
                    "tooltip": [{"field": "kind", "title": "Line"}, {"field": "value", "format": ".4g", "title": "At"}],
                },
            },
            {
                "data": {"name": name},
                "mark": {"type": "rule", "strokeWidth": 2},
                "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y, "color": colour},
            },
            {
                "data": {"name": name},
                "mark": {"type": "point", "filled": True, "size": 75, "opacity": 1},
                "encoding": {"x": x, "y": y, "color": colour, "shape": shape, "tooltip": tooltip},
            },
            *([_reasons(name, y)] if f"{name} reasons" in data else []),
        ],
    }


def _reasons(name: str, y: Spec) -> Spec:
    """In place of a point, why there is none."""
    return {
        "data": {"name": f"{name} reasons"},
        "mark": {"type": "text", "align": "left", "color": REAL, "fontSize": 10, "limit": _WIDTH - 8},
        "encoding": {
            "x": {"value": 4},
            "y": y,
            "text": {"field": "shown"},
            "tooltip": [{"field": "shown", "title": "No value"}],
        },
    }


def _where(points: Mapping[str, list[Any]], *, measured: bool) -> dict[str, list[Any]]:
    """The rows with a value, or those without."""
    kept = [i for i, value in enumerate(points["value"]) if (value is not None) == measured]
    return {key: [column[i] for i in kept] for key, column in points.items()}


def _scale(candidates: Sequence[Candidate], name: str) -> Spec:
    """Room for every value, interval, null and ceiling; a band around the value where all are the same."""
    entries = [c.metric(name) for c in candidates]
    known = [
        v for e in entries for k in ("value", "low", "high", "null", "ceiling") if (v := getattr(e, k)) is not None
    ]
    if known and min(known) == max(known):
        return {"domain": [known[0] - _BAND, known[0] + _BAND], "nice": False}
    return {"zero": False, "nice": True, "padding": 8}


def _points(candidates: Sequence[Candidate], name: str) -> dict[str, list[Any]]:
    entries = [c.metric(name) for c in candidates]
    return {
        "model": [c.label for c in candidates],
        **{key: [getattr(e, key) for e in entries] for key in ("value", "low", "high")},
        "shown": [e.shown for e in entries],
        "params": [parameters(e.params) for e in entries],
    }


def _references(candidates: Sequence[Candidate], name: str) -> dict[str, list[Any]]:
    """Null and ceiling: of the first report that has them, since all candidates share the real data."""
    both = zip((NULL_LABEL, CEILING_LABEL), frame(candidates, name), strict=True)
    found = {kind: value for kind, value in both if value is not None}
    return {"kind": list(found), "value": list(found.values()), "shown": [number(v) for v in found.values()]}
