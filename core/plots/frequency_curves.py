"""Curves over the allele frequency: error and drift by bin (the Matthew effect), and the frequency spectrum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.plots.series import REAL_LABEL, REFERENCES, line_data, line_table, lines
from core.plots.vega import Figure, Spec
from core.reports.standing import Candidate
from core.words import number


def by_frequency(
    candidates: Sequence[Candidate],
    curve: str,
    x: str,
    y: str,
    *,
    titles: tuple[str, str],
    caption: str = "",
) -> Figure | None:
    """A curve of the reports over frequency (its rows hold `x`, `y`, null_… and ceiling_…, or real / synthetic)."""
    known = {c.label: c.report.curve(curve) for c in candidates}
    first = next((rows for rows in known.values() if rows), None)
    if first is None:
        return None
    shown = [key for key in ("real", "null", "ceiling") if any(_value(row, key, y) is not None for row in first)]
    references = [
        {"reference": REFERENCES[key], "x": _middle(row, x), "y": _value(row, key, y)} for key in shown for row in first
    ]
    models = [
        {"series": label, "x": _middle(row, x), "y": _value(row, "", y)}
        for label, rows in known.items()
        for row in rows
    ]
    across: Spec = {"field": "x", "type": "quantitative", "title": titles[0], "axis": {"grid": False, "tickCount": 8}}
    # A curve that is 0 everywhere needs an axis all the same.
    flat = not any(row["y"] for row in [*references, *models])
    up: Spec = {"scale": {"domain": [0, 0.1]} if flat else {"nice": True}}
    up |= {"field": "y", "type": "quantitative", "title": titles[1], "axis": {"tickCount": 6}}
    tooltip = [
        {"field": "x", "title": titles[0], "format": ".3g"},
        {"field": "y", "title": titles[1], "format": ".4g"},
    ]
    return Figure(
        name=f"{curve}_{y}",
        spec={"height": 320, "layer": lines("curve", candidates, across, up, tooltip=tooltip, references=shown)},
        data=line_data("curve", models, references),
        alt=_curve_alt([*references, *models], titles, list(known)),
        caption=caption,
        table=line_table(models, references),
    )


def _curve_alt(rows: Sequence[Mapping[str, Any]], titles: tuple[str, str], labels: Sequence[str]) -> str:
    said = []
    for label in [REAL_LABEL, *labels]:
        value = next(
            (r["y"] for r in rows if r.get("series", r.get("reference")) == label and r["y"] is not None), None
        )
        if value is not None:
            said.append(f"{label} {number(value)}")
    return f"{titles[1]} in the lowest bin of {titles[0].lower()}: {', '.join(said)}."


def _value(row: Mapping[str, Any], key: str, y: str) -> float | None:
    """The value of a series in a row: `y` for the model, else "null", "null_y" or "y_null"."""
    if not key:
        value = row.get(y, row.get("synthetic"))
    else:
        value = next((row[k] for k in (key, f"{key}_{y}", f"{y}_{key}") if k in row), None)
    return None if value is None else float(value)


def _middle(row: Mapping[str, Any], x: str) -> float:
    return float(row[x]) if x in row else (float(row["low"]) + float(row["high"])) / 2
