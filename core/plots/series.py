"""Lines of several models on one chart: one colour and marker a model, grey lines for real, null and ceiling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.plots.theme import CEILING_LABEL, NULL_LABEL, REAL, model_colour, model_symbol
from core.plots.vega import CEILING_DASH, NULL_DASH, Columns, Spec, columns_of
from core.reports.standing import Candidate

REAL_LABEL = "Real"
REFERENCES = {"real": REAL_LABEL, "null": NULL_LABEL, "ceiling": CEILING_LABEL}
_DASHES = {"real": [1, 0], "null": NULL_DASH, "ceiling": CEILING_DASH}
_LEGEND: Spec = {"title": None, "labelLimit": 300}
_LEGEND_CHARACTERS = 90  # a line of labels at 12 px that fits beside the sidebar on a screen of 1280 px


def colour_and_shape(candidates: Sequence[Candidate], field: str = "series") -> tuple[Spec, Spec]:
    """The colour and shape encodings of models by their labels in `field`, with one legend for both."""
    labels = [c.label for c in candidates]
    columns = max(1, _LEGEND_CHARACTERS // (6 + max((len(label) for label in labels), default=1)))
    legend = {**_LEGEND, "orient": "bottom", "columns": columns}
    encoding = {"field": field, "type": "nominal", "legend": legend}
    colours, shapes = [model_colour(c.model) for c in candidates], [model_symbol(c.model) for c in candidates]
    return (
        {**encoding, "scale": {"domain": labels, "range": colours}},
        {**encoding, "scale": {"domain": labels, "range": shapes}},
    )


def lines(
    name: str,
    candidates: Sequence[Candidate],
    x: Spec,
    y: Spec,
    *,
    tooltip: Sequence[Spec],
    references: Sequence[str],
) -> list[Spec]:
    """Layers over the data set `name` (models, field "series") and "<name> references" (field "reference")."""
    colour, shape = colour_and_shape(candidates)
    shown = [REFERENCES[key] for key in references]
    dash = {
        "field": "reference",
        "type": "nominal",
        "scale": {"domain": shown, "range": [_DASHES[key] for key in references]},
        "legend": {**_LEGEND, "orient": "top", "symbolType": "stroke", "symbolSize": 600, "symbolStrokeColor": REAL},
    }
    grey: list[Spec] = [
        {
            "data": {"name": f"{name} references"},
            "mark": {"type": "line", "strokeWidth": 2.5, "color": REAL},
            "encoding": {
                "x": x,
                "y": y,
                "strokeDash": dash,
                "tooltip": [{"field": "reference", "title": "Data"}, *tooltip],
            },
        }
    ]
    return [
        *(grey if shown else []),
        {
            "data": {"name": name},
            "mark": {"type": "line", "strokeWidth": 2},
            "encoding": {"x": x, "y": y, "color": colour},
        },
        {
            "data": {"name": name},
            "mark": {"type": "point", "filled": True, "size": 45, "opacity": 1},
            "encoding": {
                "x": x,
                "y": y,
                "color": colour,
                "shape": shape,
                "tooltip": [{"field": "series", "title": "Model"}, *tooltip],
            },
        },
    ]


def line_data(
    name: str, models: Sequence[Mapping[str, Any]], references: Sequence[Mapping[str, Any]]
) -> dict[str, Columns]:
    """The data sets that `lines` draws: rows of models with "series", rows of references with "reference"."""
    return {name: columns_of(models), f"{name} references": columns_of(references)}


def line_table(models: Sequence[Mapping[str, Any]], references: Sequence[Mapping[str, Any]]) -> Columns:
    """Both as one table for the CSV."""
    renamed = [{"series" if k == "reference" else k: v for k, v in row.items()} for row in references]
    return columns_of([*renamed, *models])
