"""Precision, recall, density and coverage over the neighbourhood size k, and per population."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

from core.plots.figure import PANEL_TOP, Figure, columns_of, draw, panel_title, typed
from core.plots.lines import REFERENCES, line_table, lines
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


def curves(candidates: Sequence[Candidate], names: Sequence[str], *, caption: str = "") -> Figure | None:
    """A panel for each of two metrics (keys of PANELS), a line a model over k; None where no report has the curve."""
    curve = {c.label: c.report.curve(_CURVE) for c in candidates}
    first = next((rows for rows in curve.values() if rows), None)
    if first is None:
        return None
    shown = [key for key in REFERENCES if any(row.get(f"{key}_{name}") is not None for row in first for name in names)]
    traces: list[Any] = []
    layout: dict[str, Any] = {"annotations": []}
    table: dict[str, list[Any]] = {"metric": []}
    for panel, name in enumerate(names):
        references = [
            {"reference": key, "k": row["k"], "value": row.get(f"{key}_{name}")} for key in shown for row in first
        ]
        models = [{"series": l, "k": row["k"], "value": row.get(name)} for l, rows in curve.items() for row in rows]
        place = f"{panel + 1}" if panel else ""
        axes = {"xaxis": f"x{place}", "yaxis": f"y{place}"}
        hover = f"{name} %{{y:.3f}} at k = %{{x}}"
        traces += lines(candidates, models, references, "k", "value", hover=hover, legend=not panel, **axes)
        left = panel * 0.53
        layout[f"xaxis{place}"] = {
            "title": "Neighbours k (log scale)", "type": "log", "tickvals": [3, 5, 10, 20, 50, 100, 200, 500],
            "showgrid": False, "domain": [left, left + 0.47], "anchor": f"y{place}",
        }  # fmt: skip
        bounds = {"rangemode": "tozero"} if name == "density" else {"range": [-0.03, 1.03]}
        layout[f"yaxis{place}"] = {**bounds, "anchor": f"x{place}", "nticks": 6}
        layout["annotations"].append(panel_title(PANELS[name], left))
        for column, values in line_table(models, references).items():
            table.setdefault(column, []).extend(values)
        table["metric"] += [name] * (len(models) + len(references))
    return Figure(
        name="_".join(names),
        plot=draw(traces, height=450, margin={"t": PANEL_TOP}, legend={"y": -0.2, "yanchor": "top"}, **layout),
        alt=" ".join(_alt(candidates, name, min(row["k"] for row in first)) for name in names),
        table=table,
        caption=caption,
    )


def populations(candidates: Sequence[Candidate], name: str, column: str, *, caption: str = "") -> Figure | None:
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
        caption=caption,
    )


def label_columns(candidates: Sequence[Candidate]) -> list[str]:
    """The label columns for which any report has values per population."""
    rows = [row for c in candidates for row in c.report.curve(_POPULATIONS)]
    return list(dict.fromkeys(str(row["column"]) for row in rows))


def _alt(candidates: Sequence[Candidate], name: str, k: int) -> str:
    values = {c.label: [row.get(name) for row in c.report.curve(_CURVE) if row["k"] == k] for c in candidates}
    says = [f"{label} {number(known[0])}" for label, known in values.items() if known and known[0] is not None]
    return f"{name.capitalize()} at k={k}: {', '.join(says)}."
