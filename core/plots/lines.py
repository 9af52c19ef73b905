"""Lines of several models on one chart: one colour and marker a model, grey lines for real, null and ceiling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from core.plots.figure import Columns, columns_of, typed
from core.plots.theme import CEILING_DASH, CEILING_LABEL, NULL_DASH, NULL_LABEL, REAL, model_colour, model_symbol
from core.reports.standing import Candidate

REAL_LABEL = "Real"
REFERENCES = {"real": REAL_LABEL, "null": NULL_LABEL, "ceiling": CEILING_LABEL}
_DASHES = {"real": "solid", "null": NULL_DASH, "ceiling": CEILING_DASH}

Rows = Sequence[Mapping[str, Any]]


def lines(
    candidates: Sequence[Candidate],
    models: Rows,
    references: Rows,
    x: str,
    y: str,
    *,
    hover: str,
    legend: bool = True,
    **place: Any,
) -> list[go.Scatter]:
    """A grey line for each "reference" (a key of REFERENCES) of `references`, a coloured one a "series" of `models`.

    Args:
        models: rows with "series" (the label of a candidate), `x` and `y`; None is a gap.
        references: rows with "reference", `x` and `y`.
        hover: what stands below the name when a point is pointed at, in Plotly's template ("%{x:.3g}: %{y:.3f}").
        legend: whether the lines enter the legend; all but the first panel of a figure leave it to that one.
        place: axes of the panel (xaxis="x2", yaxis="y2").
    """
    common = {"showlegend": legend, "hovertemplate": f"<b>%{{fullData.name}}</b><br>{hover}<extra></extra>", **place}
    traces = []
    for key in dict.fromkeys(row["reference"] for row in references):
        rows = [row for row in references if row["reference"] == key]
        traces.append(
            go.Scatter(
                x=typed([r[x] for r in rows]), y=_values(rows, y), name=REFERENCES[key], legendgroup=REFERENCES[key],
                mode="lines", line={"color": REAL, "width": 2.5, "dash": _DASHES[key]}, **common,
            )
        )  # fmt: skip
    for candidate in candidates:
        rows = [row for row in models if row["series"] == candidate.label]
        if rows:
            colour = model_colour(candidate.model)
            traces.append(
                go.Scatter(
                    x=typed([r[x] for r in rows]), y=_values(rows, y), name=candidate.label,
                    legendgroup=candidate.label, mode="lines+markers", line={"color": colour, "width": 2},
                    marker={"symbol": model_symbol(candidate.model), "size": 7, "color": colour}, **common,
                )
            )  # fmt: skip
    return traces


def line_table(models: Rows, references: Rows) -> Columns:
    """Models and references as one table for the CSV, with the name of each line under "series"."""
    named = [
        {"series" if k == "reference" else k: REFERENCES[v] if k == "reference" else v for k, v in row.items()}
        for row in references
    ]
    return columns_of([*named, *models])


def _values(rows: Rows, y: str) -> Any:
    return typed([float("nan") if r[y] is None else r[y] for r in rows])
