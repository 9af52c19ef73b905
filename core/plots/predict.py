"""Figures of what a latent predicts: scores beside trivial ones, predictions of held-out sets, changes carried over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.plots.figure import Figure, columns_of, draw, typed
from core.plots.theme import BLUE, GREEN, ORANGE, PURPLE, REAL, SKY
from core.reports.report import Report
from core.words import interval, number

LATENT, MEAN, MEAN_VARIANCE, UNCHANGED = "Latent", "Mean of the observations", "Mean and variance", "Nothing changes"
WORDS, POSITIONS = "Shares of all k-mers", "Letters at positions"
_LOOKS = {
    LATENT: (BLUE, "circle"),
    MEAN: (ORANGE, "square"),
    MEAN_VARIANCE: (GREEN, "triangle-up"),
    UNCHANGED: (REAL, "diamond"),
    WORDS: (PURPLE, "cross"),
    POSITIONS: (SKY, "diamond"),
}

Rows = Sequence[Mapping[str, Any]]


def probes(report: Report, kind: str) -> Figure | None:
    """Held-out score of each target from the latent, from the mean, and from mean and variance, with intervals.

    `kind` is "classification" or "regression"; None where no target is of that kind.
    """
    targets = [row for row in report.curve("probes") if row["kind"] == kind and "latent" in row]
    if not targets:
        return None
    keys = {"latent": LATENT, "mean": MEAN, "mean_variance": MEAN_VARIANCE, "words": WORDS, "positions": POSITIONS}
    rows = [
        {
            "target": row["target"], "source": source, "value": row[key], "low": row[f"{key}_low"],
            "high": row[f"{key}_high"], "chance": row["chance"],
        }
        for row in targets
        for key, source in keys.items()
        if key in row
    ]  # fmt: skip
    title = "Accuracy on held-out sets" if kind == "classification" else "R² on held-out sets"
    bound = (0.0, 1.0) if kind == "classification" else (-0.5, 1.0)
    scores = (f"{row['target']} {number(row['latent'])} (mean {number(row['mean'])})" for row in targets[:6])
    return Figure(
        name=f"probes_{kind}",
        plot=_beside(rows, "target", title, bound),
        alt=f"{title}: {'; '.join(scores)}.",
        table=columns_of(rows),
    )


def of_units(found: Mapping[str, Any], kind: str) -> Figure | None:
    """Score of each target of units, left out one by one, from latents of their sets and from their mean.

    `kind` is "classification" or "regression"; None where no target is of that kind.
    """
    targets = [row for row in found["rows"] if row["kind"] == kind and "latent" in row]
    if not targets:
        return None
    rows = [
        {
            "target": row["target"], "source": source, "value": row[key], "low": row[f"{key}_low"],
            "high": row[f"{key}_high"], "chance": row["chance"], "null": row[null],
        }
        for row in targets
        for key, source, null in (("latent", LATENT, "null"), ("mean", MEAN, "mean_null"))
    ]  # fmt: skip
    title = "Accuracy on units left out" if kind == "classification" else "R² on units left out"
    scores = (f"{row['target']} {number(row['latent'])} (mean {number(row['mean'])})" for row in targets[:6])
    return Figure(
        name=f"units_{kind}",
        plot=_beside(rows, "target", title, (0.0, 1.0) if kind == "classification" else (-0.5, 1.0)),
        alt=f"{title}: {'; '.join(scores)}.",
        table=columns_of(rows),
    )


def observed(row: Mapping[str, Any]) -> Figure:
    """Observed against predicted value of each held-out set, with the line of perfect prediction."""
    truth, prediction = (np.asarray(row[key], dtype=np.float64) for key in ("observed", "latent_predictions"))
    low, high = float(min(truth.min(), prediction.min())), float(max(truth.max(), prediction.max()))
    pad = 0.04 * (high - low or 1.0)
    ends = [low - pad, high + pad]
    line = go.Scatter(
        x=ends, y=ends, mode="lines", line={"color": REAL, "dash": "dash"}, hoverinfo="skip", showlegend=False
    )
    points = go.Scatter(
        x=typed(truth), y=typed(prediction), mode="markers", text=[escape(str(name)) for name in row["holdout_sets"]],
        marker={"color": BLUE, "size": 8, "opacity": 0.7}, showlegend=False,
        hovertemplate="<b>%{text}</b><br>observed %{x:.3g}, predicted %{y:.3g}<extra></extra>",
    )  # fmt: skip
    name = row["target"]
    return Figure(
        name="observed_predicted",
        plot=draw(
            [line, points],
            height=440,
            width=520,
            xaxis={"title": f"Observed {escape(name)}", "range": ends},
            yaxis={"title": f"Predicted {escape(name)}", "range": ends},
        ),
        alt=f"Predicted against observed {name} of {len(truth)} held-out sets, R² {number(row['latent'])}.",
        table={"set": row["holdout_sets"], "observed": truth, "predicted": prediction},
    )


def confusion(row: Mapping[str, Any]) -> Figure:
    """How often each class of held-out sets is taken for each class."""
    classes = [str(name) for name in row["classes"]]
    truth, prediction = (np.asarray(row[key], dtype=np.int64) for key in ("observed", "latent_predictions"))
    counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(counts, (truth, prediction), 1)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    labels = [escape(name) for name in classes]
    cells = go.Heatmap(
        z=typed(share), x=labels, y=labels, zmin=0, zmax=1, colorscale="Blues", text=counts, texttemplate="%{text}",
        colorbar={"title": {"text": "Share of<br>the class"}, "tickformat": ".0%", "thickness": 12},
        hovertemplate="observed %{y}, predicted %{x}<br>%{text} sets, %{z:.0%} of the class<extra></extra>",
    )  # fmt: skip
    name = escape(row["target"])
    axis = {"type": "category", "showgrid": False}
    return Figure(
        name="confusion",
        plot=draw(
            [cells],
            height=150 + 38 * len(classes),
            width=min(820, 330 + 50 * len(classes)),
            margin={"t": 16},
            xaxis={**axis, "title": f"Predicted {name}"},
            yaxis={**axis, "title": f"Observed {name}", "autorange": "reversed"},
        ),
        alt=f"Of {len(truth)} held-out sets {int(np.trace(counts))} are given their own {row['target']}.",
        table={
            "observed": np.repeat(classes, len(classes)),
            "predicted": classes * len(classes),
            "sets": counts.ravel(),
            "share": share.ravel(),
        },
    )


def retrieval(scores: Mapping[str, Any]) -> Figure:
    """Share of held-out units whose late set is found from the early one, by latent and by mean, chance marked."""
    rows = [
        {
            "found": words,
            "source": source,
            "value": scores[f"{prefix}retrieval_{key}"],
            # Reports made before intervals were measured have none.
            "low": scores.get(f"{prefix}retrieval_{key}_low"),
            "high": scores.get(f"{prefix}retrieval_{key}_high"),
            "chance": scores[f"chance_{key}"],
        }
        for key, words in (("top1", "nearest"), ("top5", "among the five nearest"))
        for source, prefix in ((LATENT, ""), (MEAN, "mean_"))
    ]
    return Figure(
        name="retrieval",
        plot=_beside(rows, "found", "Share of held-out units", (0.0, 1.0)),
        alt=f"The late set of {scores['retrieval_top1']:.0%} of the held-out units is nearest to what the early "
        f"latent predicts ({scores['mean_retrieval_top1']:.0%} by the mean, {scores['chance_top1']:.0%} by chance).",
        table=columns_of(rows),
    )


def shifts(changes: Rows) -> Figure:
    """W2 from the predicted to the observed set of each held-out unit, by latent arithmetic and by the mean shift."""
    keys = {"w2": LATENT, "mean_w2": MEAN, "unchanged_w2": UNCHANGED}
    rows = [
        {"unit": f"{row['unit']}: {row['from']} → {row['to']}", "source": source, "value": float(row[key])}
        for row in changes
        for key, source in keys.items()
    ]
    best = sum(row["w2"] < row["mean_w2"] for row in changes)
    return Figure(
        name="shifts",
        plot=_beside(rows, "unit", "W2 to the observed set", None, step=22, apart=0.0),
        alt=f"Latent arithmetic is nearer to the observed set than the mean shift for {best} of {len(changes)} "
        "changes.",
        table=columns_of(rows),
    )


def _beside(
    rows: Rows, name: str, title: str, bound: tuple[float, float] | None, *, step: int = 58, apart: float = 0.22
) -> go.Figure:
    """A line for each `name` with a mark for each of its sources: value, interval, and chance as a grey tick.

    Marks beyond `bound` stand at its edge, their hover has the number. A line is `step` pixels high; its marks are
    `apart` of that.
    """
    names = list(dict.fromkeys(str(row[name]) for row in rows))
    sources = list(dict.fromkeys(row["source"] for row in rows))
    low, high = bound or (-np.inf, np.inf)
    traces = []
    if "chance" in rows[0]:
        chance = {str(row[name]): row["chance"] for row in rows}
        traces.append(
            go.Scatter(
                x=typed(list(chance.values())), y=typed(range(len(names))), name="Chance", mode="markers",
                marker={"symbol": "line-ns", "size": step * 0.7, "line": {"color": REAL, "width": 3}},
                hovertemplate="Chance: %{x:.3g}<extra></extra>",
            )
        )  # fmt: skip
    for i, source in enumerate(sources):
        colour, symbol = _LOOKS[source]
        own = [row for row in rows if row["source"] == source]
        value = np.clip([row["value"] for row in own], low, high)
        ends = {key: [row["value"] if row.get(key) is None else row[key] for row in own] for key in ("low", "high")}
        words = [f"{escape(str(r[name]))}: {interval(r['value'], r.get('low'), r.get('high'))}" for r in own]
        traces.append(
            go.Scatter(
                x=typed(value), name=source, mode="markers", text=words,
                y=typed([names.index(str(row[name])) + (i - (len(sources) - 1) / 2) * apart for row in own]),
                error_x={
                    "array": typed(np.clip(ends["high"], low, high) - value), "color": colour, "width": 0,
                    "arrayminus": typed(value - np.clip(ends["low"], low, high)), "thickness": 2,
                },
                marker={"color": colour, "symbol": symbol, "size": 9},
                hovertemplate="<b>%{fullData.name}</b><br>%{text}<extra></extra>",
            )
        )  # fmt: skip
    return draw(
        traces,
        height=110 + step * len(names),
        xaxis={"title": title} | ({"range": [low - 0.02, high + 0.02]} if bound else {"rangemode": "tozero"}),
        yaxis={
            "tickvals": list(range(len(names))),
            "ticktext": [escape(one if len(one) <= 40 else one[:39] + "…") for one in names],
            "range": [len(names) - 0.5, -0.5],
            "showgrid": False,
        },
    )
