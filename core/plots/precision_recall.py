"""Precision, recall, density and coverage over the neighbourhood size k, and per population."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from html import escape
from typing import Any

import plotly.graph_objects as go

from core.plots.figure import Figure, columns_of, draw, grid, typed
from core.plots.lines import Row, lines, rows_of
from core.plots.theme import model_colour, model_symbol
from core.reports.standing import Candidate
from core.words import number

PANELS = {
    "precision": "Precision: synthetic individuals that look real",
    "recall": "Recall: real variety that is reproduced",
    "density": "Density: how crowded the real regions are",
    "coverage": "Coverage: real individuals with a synthetic neighbour",
}
_CURVE, _POPULATIONS = "precision_recall", "precision_recall_by_population"


def curves(candidates: Sequence[Candidate], names: Sequence[str]) -> Figure | None:
    """A panel for each of two metrics (keys of PANELS), a line a model over k; None where no report has the curve."""
    plot = grid(1, len(names), [f"<b>{PANELS[name]}</b>" for name in names], height=450, horizontal_spacing=0.06)
    plot.update_layout(legend={"y": -0.2, "yanchor": "top"})
    ticks = [3, 5, 10, 20, 50, 100, 200, 500]
    plot.update_xaxes(title="Neighbours k (log scale)", type="log", tickvals=ticks, showgrid=False)
    table, says = [], []
    for panel, name in enumerate(names):
        rows = rows_of(candidates, _CURVE, "value", partial(_at_k, name))
        if not rows:
            return None
        hover = f"{name} %{{y:.3f}} at k = %{{x}}"
        traces = lines(candidates, rows, "k", "value", hover=hover, legend=not panel)
        plot.add_traces(traces, rows=1, cols=panel + 1)
        bounds = {"rangemode": "tozero"} if name == "density" else {"range": [-0.03, 1.03]}
        plot.update_yaxes(nticks=6, col=panel + 1, **bounds)
        table += [{"metric": name, **row} for row in rows]
        says.append(_alt(candidates, name, rows))
    return Figure(
        name="_".join(names),
        plot=plot,
        alt=" ".join(says),
        table=columns_of(table),
    )


def populations(candidates: Sequence[Candidate], name: str, column: str) -> Figure | None:
    """`name` in each population of a label column, a point a model; None where no report has it."""
    rows = [
        {
            "series": candidate.label,
            "population": f"{row['population']} (n={row['n']})",
            "value": row[name],
            "n": row["n"],
            "n_synthetic": row.get("n_synthetic"),
            "k": row.get("k"),
        }
        for candidate in candidates
        for row in candidate.report.curve(_POPULATIONS)
        if row.get("column") == column and row.get(name) is not None
    ]
    if not rows:
        return None
    traces = []
    for candidate in candidates:
        own = [row for row in rows if row["series"] == candidate.label]
        if not own:
            continue
        marker = {"color": model_colour(candidate.model), "symbol": model_symbol(candidate.model), "size": 10}
        traces.append(
            go.Scatter(
                x=typed([row["value"] for row in own]), y=[escape(row["population"]) for row in own], mode="markers",
                name=candidate.label, marker=marker,
                text=[f"{row['n']:,} real, {row['n_synthetic'] or 0:,} synthetic individuals" for row in own],
                hovertemplate=f"<b>%{{fullData.name}}</b><br>{name} %{{x:.3f}} in %{{y}}<br>%{{text}}<extra></extra>",
            )
        )  # fmt: skip
    worst = min(rows, key=lambda row: row["value"])
    bounds = {"rangemode": "tozero"} if name == "density" else {"range": [-0.02, 1.02]}
    groups = len({row["population"] for row in rows})
    return Figure(
        name=f"{name}_by_population",
        plot=draw(
            traces,
            height=150 + 28 * groups,
            xaxis={"title": name.capitalize(), **bounds},
            yaxis={"autorange": "reversed", "type": "category"},
        ),
        alt=f"{name.capitalize()} by {column}: lowest in {worst['population']} for {worst['series']} "
        f"({number(worst['value'])}).",
        table=columns_of(rows),
    )


def label_columns(candidates: Sequence[Candidate]) -> list[str]:
    """The label columns for which any report has values per population."""
    rows = [row for c in candidates for row in c.report.curve(_POPULATIONS)]
    return list(dict.fromkeys(str(row["column"]) for row in rows))


def _at_k(name: str, row: Mapping[str, Any], key: str) -> Row:
    return {"k": row["k"], "value": row.get(name if key == "synthetic" else f"{key}_{name}")}


def _alt(candidates: Sequence[Candidate], name: str, rows: Sequence[Row]) -> str:
    k = min(row["k"] for row in rows)
    values = {row["series"]: row["value"] for row in rows if row["k"] == k and row["value"] is not None}
    says = [f"{c.label} {number(values[c.label])}" for c in candidates if c.label in values]
    return f"{name.capitalize()} at k={k}: {', '.join(says)}."
