"""Figures of the next set: how near each forecast comes to it, between no change and the floor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from core.plots.figure import Figure, columns_of, draw, typed
from core.plots.theme import BLUE, GREEN, ORANGE, PURPLE, REAL
from core.reports.forecasts import TITLES
from core.words import interval, number

_LOOKS = {
    "unchanged": (REAL, "diamond"),
    "mean_shift": (ORANGE, "square"),
    "linear_flow": (BLUE, "circle"),
    "transport": (GREEN, "triangle-up"),
    "regenerated": (PURPLE, "circle-open"),
    "floor": (REAL, "diamond-open"),
}


def forecasts(found: Mapping[str, Any]) -> Figure:
    """Mean W2 to the next set of each forecast with its interval, lines at no change and at the floor."""
    pooled = found["pooled"]
    rows = [
        {
            "forecast": name, "w2": pooled[key], "low": pooled[f"{key}_low"], "high": pooled[f"{key}_high"],
            "share_of_gap": pooled.get(f"share_{key}"), "share_low": pooled.get(f"share_{key}_low"),
            "share_high": pooled.get(f"share_{key}_high"),
        }
        for key, name in TITLES.items()
        if key in pooled
    ]  # fmt: skip
    traces = []
    for place, (row, key) in enumerate(zip(rows, (k for k in TITLES if k in pooled), strict=True)):
        colour, symbol = _LOOKS[key]
        share = ""
        if row["share_of_gap"] is not None:
            share = f"<br>closes {row['share_of_gap']:.0%} of the gap between no change and the floor"
        traces.append(
            go.Scatter(
                x=typed([row["w2"]]), y=typed([place]), mode="markers", showlegend=False, name=row["forecast"],
                marker={"color": colour, "symbol": symbol, "size": 11, "line": {"color": colour, "width": 2}},
                error_x={
                    "array": typed([row["high"] - row["w2"]]), "arrayminus": typed([row["w2"] - row["low"]]),
                    "color": colour, "thickness": 2, "width": 0,
                },
                hovertemplate=f"<b>{row['forecast']}</b><br>W2 {interval(row['w2'], row['low'], row['high'])}{share}"
                "<extra></extra>",
            )
        )  # fmt: skip
    lines = [
        {
            "type": "line", "x0": pooled[key], "x1": pooled[key], "yref": "paper", "y0": 0, "y1": 1,
            "line": {"color": REAL, "dash": dash, "width": 1.5}, "layer": "below",
        }
        for key, dash in (("unchanged", "dash"), ("floor", "dot"))
    ]  # fmt: skip
    said = "; ".join(f"{row['forecast']} {number(row['w2'])}" for row in rows)
    return Figure(
        name="next_set",
        plot=draw(
            traces,
            height=110 + 40 * len(rows),
            shapes=lines,
            xaxis={"title": "W2 to the next set (less is nearer)"},
            yaxis={
                "tickvals": list(range(len(rows))),
                "ticktext": [row["forecast"] for row in rows],
                "range": [len(rows) - 0.5, -0.5],
                "showgrid": False,
            },
        ),
        alt=f"Mean W2 to the next set of {len(found['rows'])} held-out pairs: {said}.",
        table=columns_of(rows),
    )
