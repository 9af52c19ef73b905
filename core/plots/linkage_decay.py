"""How linkage disequilibrium decays with distance, in real and in synthetic data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.plots.figure import Figure, Spec
from core.plots.series import REFERENCES, line_data, line_table, lines
from core.reports.standing import Candidate
from core.words import number, position


def decay(candidates: Sequence[Candidate], *, caption: str = "") -> Figure | None:
    """Mean r² against distance: real grey, a line a model, null and ceiling dashed; None where no report has it."""
    curves = {c.label: c.report.get("curves", {}).get("ld_decay") or [] for c in candidates}
    first = next((rows for rows in curves.values() if rows), None)
    if first is None:
        return None
    shown = [key for key in REFERENCES if any(row.get(key) is not None for row in first)]
    references = [{"reference": REFERENCES[key], **_row(row, key)} for key in shown for row in first]
    models = [{"series": label, **_row(row, "synthetic")} for label, values in curves.items() for row in values]
    x: Spec = {
        "field": "distance",
        "type": "quantitative",
        "title": "Distance between variants (base pairs, log scale)",
    }
    x |= {"scale": {"type": "log", "nice": False}, "axis": {"format": "~s", "grid": False, "tickCount": 6}}
    y = {"field": "r2", "type": "quantitative", "title": "Mean r²", "axis": {"tickCount": 6}}
    tooltip = [
        {"field": "distance", "format": ",.0f", "title": "Distance (bp)"},
        {"field": "r2", "format": ".3f", "title": "Mean r²"},
        {"field": "pairs", "format": ",", "title": "Pairs"},
    ]
    return Figure(
        name="linkage_decay",
        spec={"height": 360, "layer": lines("decay", candidates, x, y, tooltip=tooltip, references=shown)},
        data=line_data("decay", models, references),
        alt=_alt(first, curves),
        caption=caption,
        table=line_table(models, references),
    )


def _row(row: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {"distance": row["distance"], "r2": row.get(key), "pairs": row.get("count")}


def _alt(real: Sequence[Mapping[str, Any]], curves: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    near = real[0]
    says = [f"{label} {number(rows[0].get('synthetic'))}" for label, rows in curves.items() if rows]
    return (
        f"Mean r² at the shortest distance ({position(near['distance'])}): real {number(near.get('real'))}, "
        f"{', '.join(says)}; without linkage {number(near.get('null'))}."
    )
