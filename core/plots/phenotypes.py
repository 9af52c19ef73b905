"""Phenotypes as they are predicted from calls, against the truth and against what individuals were asked to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from core.plots.figure import Figure, draw, points, typed
from core.plots.theme import REAL, model_colour, model_symbol
from core.reports.arrays import Prediction
from core.reports.standing import Candidate
from core.words import number

Floats = npt.NDArray[Any]


def predicted(p: Prediction, candidate: Candidate) -> Figure:
    """Predicted against true phenotype of real individuals: trained on real, and on synthetic ones."""
    sides = [
        ("Trained on real", p.by_real, REAL, "circle"),
        (f"Trained on {candidate.label}", p.by_synthetic, *_look(candidate)),
    ]
    groups = [
        _Group(name, p.actual, values, colour, symbol) for name, values, colour, symbol in sides if values is not None
    ]
    return _against(
        groups, "predicted", f"{p.phenotype}, true", f"{p.phenotype}, predicted from calls",
        f"Predicted against true {p.phenotype} of {int(np.isfinite(p.actual).sum()):,} real individuals",
    )  # fmt: skip


def conditioned(p: Prediction, candidate: Candidate) -> Figure:
    """The phenotype that is read in the calls against the one asked for, beside the same of real individuals."""
    groups = []
    if p.real_requested is not None and p.real_read is not None:
        groups.append(_Group("Real individuals", p.real_requested, p.real_read, REAL, "circle"))
    groups.append(_Group(candidate.label, p.requested, p.read, *_look(candidate)))
    return _against(
        groups, "condition", f"{p.phenotype}, asked for (real: measured)",
        f"{p.phenotype}, read in the calls", f"{p.phenotype} as read in the calls against what was asked for",
    )  # fmt: skip


@dataclass(frozen=True)
class _Group:
    """Individuals of one kind on a chart of two numbers each."""

    name: str
    x: Floats
    y: Floats
    colour: str
    symbol: str


def _against(groups: Sequence[_Group], name: str, x_title: str, y_title: str, says: str) -> Figure:
    """A cloud a group with its least-squares line; its correlation is said."""
    traces: list[Any] = []
    words: list[str] = []
    table: dict[str, list[Any]] = {"group": [], "x": [], "y": []}
    count = sum(len(group.x) for group in groups)
    for group in groups:
        known = np.isfinite(group.x) & np.isfinite(group.y)
        x, y = group.x[known].astype(float), group.y[known].astype(float)
        marker = {"color": group.colour, "symbol": group.symbol, "size": 5, "opacity": 0.45}
        traces.append(
            points(
                np.stack([x, y], axis=1), count, name=escape(group.name), legendgroup=group.name, marker=marker,
                hovertemplate="%{x:.3g} → %{y:.3g}<extra>%{fullData.name}</extra>",
            )
        )  # fmt: skip
        if len(x) > 2 and x.std() > 0 and y.std() > 0:
            ends = np.array([x.min(), x.max()])
            slope = float(np.cov(x, y)[0, 1] / x.var(ddof=1))
            traces.append(
                go.Scatter(
                    x=typed(ends), y=typed(y.mean() + slope * (ends - x.mean())), mode="lines", hoverinfo="skip",
                    line={"color": group.colour, "width": 3}, legendgroup=group.name, showlegend=False,
                )
            )  # fmt: skip
            words.append(f"{group.name}: r {number(float(np.corrcoef(x, y)[0, 1]))}")
        for key, values in (("group", [group.name] * len(x)), ("x", x.tolist()), ("y", y.tolist())):
            table[key] += values
    return Figure(
        name=name,
        plot=draw(
            traces, height=480, xaxis={"title": escape(x_title)}, yaxis={"title": escape(y_title)},
            legend={"itemsizing": "constant"},
        ),
        alt=f"{says}. {'; '.join(words)}." if words else f"{says}.",
        table=table,
        caption="Lines: least squares.",
    )  # fmt: skip


def _look(candidate: Candidate) -> tuple[str, str]:
    return model_colour(candidate.model), model_symbol(candidate.model)
