"""How well missing calls were imputed, by the frequency of the rarer allele."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

from core.plots.figure import Figure, draw, typed
from core.plots.theme import REAL, model_colour
from core.words import number

NULL = "Null: the frequency alone"


def accuracy_bars(bins: Sequence[Mapping[str, Any]], label: str, model: str) -> Figure:
    """r² of imputed and true dosages in each bin of minor-allele frequency, the null beside it.

    bins: rows of `core.evaluation.imputation.Bin`; label, model: what to call the run, and whose colour it has.
    """
    names = [frequency_bin(row) for row in bins]
    told = [f"{row['variants']:,} variants, {row['calls']:,} calls" for row in bins]
    traces = [
        _bars(names, [row["r2"] for row in bins], told, label, {"color": model_colour(model)}),
        _bars(
            names, [row["null_r2"] for row in bins], told, NULL,
            {"line": {"color": REAL, "width": 1}, "pattern": {"shape": "/", "fgcolor": REAL, "size": 6}, "color": REAL},
        ),
    ]  # fmt: skip
    judged = [(name, row) for name, row in zip(names, bins, strict=True) if row["r2"] is not None]
    ends = ", ".join(f"{number(row['r2'])} at {name} (null {number(row['null_r2'])})" for name, row in judged)
    return Figure(
        name="imputation_accuracy",
        plot=draw(
            traces,
            height=380,
            barmode="group",
            bargap=0.3,
            xaxis={"title": "Minor-allele frequency in the training individuals", "type": "category"},
            yaxis={"title": "r² of imputed and true dosages", "range": [0, 1.03]},
        ),
        alt=f"Squared correlation of imputed and true dosages by minor-allele frequency: {ends}.",
        table=accuracy_table(bins),
    )


def accuracy_table(bins: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The numbers of the bins as columns with the heads that a reader sees."""
    heads = {
        "Variants": "variants",
        "Calls": "calls",
        "r²": "r2",
        "r², null": "null_r2",
        "r², promised": "expected_r2",
        "Concordance": "concordance",
        "Concordance, null": "null_concordance",
    }
    columns: dict[str, list[Any]] = {"Minor-allele frequency": [frequency_bin(row) for row in bins]}
    return columns | {head: [row[key] for row in bins] for head, key in heads.items()}


def frequency_bin(row: Mapping[str, Any]) -> str:
    """ "1–2 %"."""
    return f"{100 * row['low']:g}–{100 * row['high']:g} %"


def _bars(
    names: Sequence[str], values: Sequence[float | None], told: Sequence[str], name: str, marker: Mapping[str, Any]
) -> go.Bar:
    return go.Bar(
        x=list(names), y=typed([float("nan") if value is None else value for value in values]), name=escape(name),
        marker=dict(marker), customdata=list(told),
        hovertemplate="<b>%{fullData.name}</b><br>r² %{y:.3f} at %{x}<br>%{customdata}<extra></extra>",
    )  # fmt: skip
