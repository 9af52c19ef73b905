"""How linkage disequilibrium decays with distance, in real and in synthetic data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.plots.figure import Figure, Spec, columns_of
from core.plots.numbers import number, position
from core.plots.scorecard import Candidate
from core.plots.series import REAL_LABEL, REFERENCES, encodings


def decay(candidates: Sequence[Candidate], *, caption: str = "") -> Figure | None:
    """Mean r² against distance: real grey, a line a model, null and ceiling dashed; None where no report has it."""
    curves = {c.label: c.report.get("curves", {}).get("ld_decay") or [] for c in candidates}
    first = next((rows for rows in curves.values() if rows), None)
    if first is None:
        return None
    rows = [_row(title, row, key) for key, title in REFERENCES.items() for row in first]
    rows += [_row(label, row, "synthetic") for label, values in curves.items() for row in values]
    colour, dash, shape = encodings(candidates)
    x: Spec = {"field": "distance", "type": "quantitative", "title": "Distance between variants (bp, log scale)"}
    x |= {"scale": {"type": "log", "nice": False}, "axis": {"format": "~s", "grid": False, "tickCount": 6}}
    y = {"field": "r2", "type": "quantitative", "title": "Mean r²", "scale": {"domainMin": 0}}
    tooltip = [
        {"field": "series", "title": "Data"},
        {"field": "distance", "format": ",.0f", "title": "Distance (bp)"},
        {"field": "r2", "format": ".3f", "title": "Mean r²"},
        {"field": "pairs", "format": ",", "title": "Pairs"},
    ]
    common = {"x": x, "y": y, "color": colour}
    return Figure(
        name="linkage_decay",
        spec={
            "data": {"name": "decay"},
            "height": 360,
            "layer": [
                {"mark": {"type": "line", "strokeWidth": 2}, "encoding": {**common, "strokeDash": dash}},
                {
                    "transform": [{"filter": {"field": "series", "oneOf": [REAL_LABEL, *curves]}}],
                    "mark": {"type": "point", "filled": True, "size": 40, "opacity": 1},
                    "encoding": {**common, "shape": shape, "tooltip": tooltip},
                },
            ],
        },
        data={"decay": columns_of(rows)},
        alt=_alt(first, curves),
        caption=caption,
    )


def _row(series: str, row: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {"series": series, "distance": row["distance"], "r2": row.get(key), "pairs": row.get("count")}


def _alt(real: Sequence[Mapping[str, Any]], curves: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    near = real[0]
    says = [f"{label} {number(rows[0].get('synthetic'))}" for label, rows in curves.items() if rows]
    return (
        f"Mean r² at the shortest distance ({position(near['distance'])}): real {number(near.get('real'))}, "
        f"{', '.join(says)}; without linkage {number(near.get('null'))}."
    )
