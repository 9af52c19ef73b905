"""Precision, recall, density and coverage over the neighbourhood size k, and per population."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.plots.series import REFERENCES, colour_and_shape, line_data, lines
from core.plots.vega import Columns, Figure, Spec, columns_of, grid
from core.reports.standing import Candidate
from core.words import number

PANELS = {
    "precision": "Precision: synthetic individuals that look real",
    "recall": "Recall: real variety that is reproduced",
    "density": "Density: how crowded the real regions are",
    "coverage": "Coverage: real individuals with a synthetic neighbour",
}
_KEYS = ("null", "ceiling")
_CURVE, _POPULATIONS = "precision_recall", "precision_recall_by_population"


def curves(
    candidates: Sequence[Candidate], names: Sequence[str], *, width: int = 345, caption: str = ""
) -> Figure | None:
    """A panel a metric in `names` (keys of PANELS) with a line a model over k; None where no report has the curve."""
    known = {c.label: c.report.curve(_CURVE) for c in candidates}
    first = next((rows for rows in known.values() if rows), None)
    if first is None:
        return None
    data: dict[str, Columns] = {}
    for name in names:
        references = [
            {"reference": REFERENCES[key], "k": r["k"], "value": r.get(f"{key}_{name}")} for key in _KEYS for r in first
        ]
        models = [{"series": l, "k": r["k"], "value": r.get(name)} for l, rows in known.items() for r in rows]
        data |= line_data(name, models, references)
    smallest = min(r["k"] for r in first)
    return Figure(
        name="precision_recall",
        spec=grid([_panel(candidates, name, width) for name in names], 2),
        data=data,
        alt=" ".join(_alt(candidates, name, smallest) for name in names[:2]),
        caption=caption,
        table=_table(known, first, names),
    )


def _panel(candidates: Sequence[Candidate], name: str, width: int) -> Spec:
    x: Spec = {"field": "k", "type": "quantitative", "title": "Neighbours k (log scale)"}
    x |= {"scale": {"type": "log", "nice": False}, "axis": {"values": [3, 5, 10, 20, 50, 100], "grid": False}}
    scale = {"domainMin": 0} if name == "density" else {"domain": [0, 1]}
    y = {"field": "value", "type": "quantitative", "title": None, "scale": scale, "axis": {"tickCount": 5}}
    tooltip = [
        {"field": "k", "title": "k"},
        {"field": "value", "title": name.capitalize(), "format": ".3f"},
    ]
    return {
        "title": {"text": PANELS[name], "anchor": "start", "fontSize": 13},
        "width": width,
        "height": 220,
        "layer": lines(name, candidates, x, y, tooltip=tooltip, references=_KEYS),
    }


def populations(candidates: Sequence[Candidate], name: str, column: str, *, caption: str = "") -> Figure | None:
    """`name` in each population of a label column, a point a model; None where no report has it."""
    rows = [
        _population_row(c.label, row, name)
        for c in candidates
        for row in c.report.curve(_POPULATIONS)
        if row.get("column") == column and row.get(name) is not None
    ]
    if not rows:
        return None
    order = list(dict.fromkeys(str(r["population"]) for r in rows))
    colour, shape = colour_and_shape(candidates)
    worst = min(rows, key=lambda r: r["value"])
    return Figure(
        name=f"{name}_by_population",
        spec={
            "data": {"name": "populations"},
            "height": {"step": 26},
            "mark": {"type": "point", "filled": True, "size": 80, "opacity": 1},
            "encoding": {
                "x": {
                    "field": "value",
                    "type": "quantitative",
                    "title": name.capitalize(),
                    "scale": {"domainMin": 0, "domainMax": 1} if name != "density" else {"domainMin": 0},
                    "axis": {"tickCount": 6},
                },
                "y": {
                    "field": "population",
                    "type": "nominal",
                    "title": None,
                    "sort": order,
                    "axis": {"grid": True, "ticks": False, "labelLimit": 220},
                },
                "color": colour,
                "shape": shape,
                "tooltip": [
                    {"field": "series", "title": "Model"},
                    {"field": "population", "title": "Population"},
                    {"field": "value", "title": name.capitalize(), "format": ".3f"},
                    {"field": "n", "title": "Real individuals"},
                    {"field": "n_synthetic", "title": "Synthetic individuals"},
                ],
            },
        },
        data={"populations": columns_of(rows)},
        alt=f"{name.capitalize()} by {column}: lowest in {worst['population']} for {worst['series']} "
        f"({number(worst['value'])}).",
        caption=caption,
    )


def label_columns(candidates: Sequence[Candidate]) -> list[str]:
    """The label columns for which any report has values per population."""
    rows = [r for c in candidates for r in c.report.curve(_POPULATIONS)]
    return list(dict.fromkeys(str(r["column"]) for r in rows))


def _table(known: dict[str, list[dict[str, Any]]], first: list[dict[str, Any]], names: Sequence[str]) -> Columns:
    rows = [
        {"metric": n, "series": l, "k": r["k"], "value": r.get(n)} for n in names for l, v in known.items() for r in v
    ]
    for n in names:
        rows += [
            {"metric": n, "series": REFERENCES[key], "k": r["k"], "value": r.get(f"{key}_{n}")}
            for key in _KEYS
            for r in first
        ]
    return columns_of(rows)


def _population_row(series: str, row: dict[str, Any], name: str) -> dict[str, Any]:
    label = f"{row['population']} (n={row['n']})"
    return {
        "series": series,
        "population": label,
        "value": row[name],
        **{k: row.get(k) for k in ("n", "n_synthetic", "k")},
    }


def _alt(candidates: Sequence[Candidate], name: str, k: int) -> str:
    said = []
    for c in candidates:
        values = [r.get(name) for r in c.report.curve(_CURVE) if r["k"] == k]
        if values and values[0] is not None:
            said.append(f"{c.label} {number(values[0])}")
    return f"{name.capitalize()} at k={k}: {', '.join(said)}."
