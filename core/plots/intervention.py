"""Figure of a set under another condition: the features that are predicted to move most, with intervals."""

from __future__ import annotations

from html import escape
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from core.plots.figure import Figure, draw, typed
from core.plots.theme import BLUE, REAL
from core.words import number

Array = npt.NDArray[np.float64]


class Moved(Protocol):
    """What the figure takes of an intervention (core/evaluation/sets/intervention.py)."""

    @property
    def feature(self) -> list[str]:
        """(f,) names."""

    @property
    def change(self) -> Array:
        """(f,) predicted."""

    @property
    def low(self) -> Array | None:
        """(f,) lower end of the prediction interval."""

    @property
    def high(self) -> Array | None:
        """(f,) upper end."""

    @property
    def average_low(self) -> Array | None:
        """(f,) lower end of the interval of the average effect."""

    @property
    def average_high(self) -> Array | None:
        """(f,) upper end."""

    @property
    def observed(self) -> Array | None:
        """(f,) what happened, where it is known."""

    @property
    def top(self) -> npt.NDArray[np.intp]:
        """Places of the features that are shown."""


def moved(found: Moved, condition: str) -> Figure:
    """Predicted change of the mean of each feature; a thin line for this set, a thick one for the average effect."""
    top = found.top
    names, rows = [found.feature[i] for i in top], np.arange(len(top))
    table: dict[str, Any] = {"feature": names, "change": found.change[top]}
    traces = [
        go.Scatter(
            x=[0, 0], y=[-0.5, len(top) - 0.5], mode="lines", line={"color": REAL, "dash": "dash"}, hoverinfo="skip",
            showlegend=False,
        )
    ]  # fmt: skip
    for key, width, words in (("", 2, "95% interval, this set"), ("average_", 6, "95% interval, average effect")):
        low, high = getattr(found, f"{key}low"), getattr(found, f"{key}high")
        if low is None:
            continue
        table |= {f"{key}low": low[top], f"{key}high": high[top]}
        x = np.column_stack([low[top], high[top], np.full(len(top), np.nan)]).ravel()
        y = np.column_stack([rows, rows, np.full(len(top), np.nan)]).ravel()
        traces.append(
            go.Scatter(
                x=typed(x), y=typed(y), mode="lines", name=words, line={"color": BLUE, "width": width}, opacity=0.6,
                hoverinfo="skip",
            )
        )  # fmt: skip
    traces.append(_points(found.change[top], names, "Predicted", (BLUE, "circle")))
    if found.observed is not None:
        table["observed"] = found.observed[top]
        traces.append(_points(found.observed[top], names, "What happened", (REAL, "diamond-open")))
    said = ", ".join(f"{name} {found.change[i]:+.2f}" for name, i in zip(names[:5], top, strict=False))
    return Figure(
        name="under_another_condition",
        plot=draw(
            traces,
            height=120 + 34 * len(top),
            xaxis={"title": "Change of the mean, in deviations"},
            yaxis={
                "tickvals": rows.tolist(),
                "ticktext": [escape(name if len(name) <= 30 else name[:29] + "…") for name in names],
                "range": [len(top) - 0.5, -0.5],
                "showgrid": False,
            },
        ),
        alt=f"Predicted to move most under {condition}: {said}.",
        table=table,
    )


def _points(x: Array, names: list[str], title: str, look: tuple[str, str]) -> go.Scatter:
    colour, symbol = look
    return go.Scatter(
        x=typed(x), y=typed(np.arange(len(x))), mode="markers", name=title,
        text=[f"{escape(name)}: {number(float(value))}" for name, value in zip(names, x, strict=True)],
        marker={"color": colour, "symbol": symbol, "size": 10, "line": {"width": 2, "color": colour}},
        hovertemplate="<b>%{fullData.name}</b><br>%{text}<extra></extra>",
    )  # fmt: skip
