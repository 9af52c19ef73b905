"""Lines of several models on one chart: one colour and marker a model, grey lines for real, null and ceiling."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from core.plots.figure import typed
from core.plots.theme import CEILING_DASH, CEILING_LABEL, NULL_DASH, NULL_LABEL, REAL, model_colour, model_symbol
from core.reports.standing import Candidate

REAL_LABEL = "Real"
REFERENCES = {"real": REAL_LABEL, "null": NULL_LABEL, "ceiling": CEILING_LABEL}
_DASHES = {REAL_LABEL: "solid", NULL_LABEL: NULL_DASH, CEILING_LABEL: CEILING_DASH}

Row = dict[str, Any]


def rows_of(
    candidates: Sequence[Candidate], curve: str, y: str, values: Callable[[Mapping[str, Any], str], Row]
) -> list[Row]:
    """A curve of the reports as rows for `lines`: the references as the first report has them, then each model.

    Args:
        y: the value that decides whether a reference is there at all.
        values: what a row of the curve says of a key of REFERENCES, or of "synthetic".
    """
    curves = {c.label: c.report.curve(curve) for c in candidates}
    first = next((rows for rows in curves.values() if rows), [])
    shown = [key for key in REFERENCES if any(values(row, key)[y] is not None for row in first)]
    references = [{"series": REFERENCES[key], **values(row, key)} for key in shown for row in first]
    models = [{"series": label, **values(row, "synthetic")} for label, rows in curves.items() for row in rows]
    return [*references, *models]


def lines(
    candidates: Sequence[Candidate], rows: Sequence[Row], x: str, y: str, *, hover: str, legend: bool = True
) -> list[go.Scatter]:
    """A grey line for each reference among `rows`, then a coloured one for each candidate.

    Args:
        rows: with "series" (a value of REFERENCES, or the label of a candidate), `x` and `y`; None is a gap.
        hover: what stands below the name when a point is pointed at, in Plotly's template ("%{x:.3g}: %{y:.3f}").
        legend: whether the lines enter the legend; all but the first panel of a figure leave it to that one.
    """
    looks: dict[str, Row] = {
        label: {"mode": "lines", "line": {"color": REAL, "width": 2.5, "dash": dash}} for label, dash in _DASHES.items()
    }
    for candidate in candidates:
        colour = model_colour(candidate.model)
        marker = {"symbol": model_symbol(candidate.model), "size": 7, "color": colour}
        looks[candidate.label] = {"mode": "lines+markers", "line": {"color": colour, "width": 2}, "marker": marker}
    traces = []
    for name, look in looks.items():
        own = [row for row in rows if row["series"] == name]
        if own:
            traces.append(
                go.Scatter(
                    x=typed([row[x] for row in own]), y=typed([row[y] for row in own], "float32"), name=name,
                    legendgroup=name, showlegend=legend, **look,
                    hovertemplate=f"<b>%{{fullData.name}}</b><br>{hover}<extra></extra>",
                )
            )  # fmt: skip
    return traces
