"""Encodings that charts of several models share: one colour and marker a model, grey and dashes for references."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.plots.figure import Spec
from core.plots.scorecard import Candidate
from core.plots.style import CEILING_DASH, CEILING_LABEL, NULL_DASH, NULL_LABEL, REAL, model_colour, model_shape

REAL_LABEL = "Real"
REFERENCES = {"real": REAL_LABEL, "null": NULL_LABEL, "ceiling": CEILING_LABEL}
_DASHES: dict[str, list[int]] = {"real": [1, 0], "null": NULL_DASH, "ceiling": CEILING_DASH}


def encodings(
    candidates: Sequence[Candidate], references: Sequence[str] = ("real", "null", "ceiling"), *, columns: int = 3
) -> tuple[Spec, Spec, Spec]:
    """(colour, dash, shape) of the field "series": the chosen references first, then the candidates by label."""
    domain = [*(REFERENCES[r] for r in references), *(c.label for c in candidates)]
    many = len(references)
    legend = {"title": None, "orient": "bottom", "columns": columns, "labelLimit": 260, "symbolStrokeWidth": 2}
    colour = _scaled(domain, [REAL] * many + [model_colour(c.model) for c in candidates]) | {"legend": legend}
    dash = _scaled(domain, [*(_DASHES[r] for r in references), *([[1, 0]] * len(candidates))]) | {"legend": legend}
    shape = _scaled(domain, ["circle"] * many + [model_shape(c.model) for c in candidates]) | {"legend": legend}
    return colour, dash, shape


def _scaled(domain: list[str], values: list[Any]) -> Spec:
    return {"field": "series", "type": "nominal", "scale": {"domain": domain, "range": values}}
