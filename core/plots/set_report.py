"""Figures of a set report: geometry of the latents, reconstruction, and how many observations a latent needs."""

from __future__ import annotations

from html import escape

import numpy as np
import plotly.graph_objects as go

from core.plots.figure import SVG_MARKS, Figure, columns_of, draw, grid, typed
from core.plots.theme import BLUE, GREEN, NULL_DASH, ORANGE, PURPLE, REAL
from core.reports.report import Report
from core.words import number

EMBEDDINGS = {
    "latent": ("Latent of the model", BLUE),
    "mean": ("Mean alone", ORANGE),
    "mean_covariance": ("Mean and covariance", GREEN),
    "kernel_mean": ("Kernel mean", PURPLE),
}

PAIRS = SVG_MARKS // len(EMBEDDINGS)
"""Pairs drawn at most, spread evenly over the distances: more only hide each other in a panel of this size."""

_ERRORS = {
    "floor": ("Floor: two halves of the real set", REAL, "square"),
    "w2": ("Regenerated", BLUE, "circle"),
    "mean_only": ("Null: the mean alone", ORANGE, "triangle-up"),
    "mean_variance": ("Mean and variances", GREEN, "diamond"),
    "mean_covariance": ("Mean and covariance", PURPLE, "cross"),
}
_ON_REQUEST = ("mean_variance", "mean_covariance")  # a click on the legend draws them


def shepard(report: Report) -> Figure:
    """Distance of each embedding against W2, one panel each, the trivial ones beside the model's.

    At most `PAIRS` are drawn; the correlations and the table are of all.
    """
    rows = report.curve("shepard")
    drawn = sorted(rows, key=lambda row: row["w2"] or 0.0)[:: -(-len(rows) // PAIRS) or 1]
    judged = report.metric("latent_w2_spearman")
    scores = {"latent": judged.value, **judged.baselines}
    titles = [f"{title}<br>rank correlation {number(scores.get(key))}" for key, (title, _) in EMBEDDINGS.items()]
    plot = grid(1, len(EMBEDDINGS), titles, height=330, horizontal_spacing=0.055)
    pairs = [f"<b>{escape(str(row['a']))}</b> and <b>{escape(str(row['b']))}</b>" for row in drawn]
    for i, (key, (_, colour)) in enumerate(EMBEDDINGS.items()):
        points = go.Scatter(
            x=typed([row["w2"] for row in drawn]), y=typed([row[key] for row in drawn]), mode="markers", text=pairs,
            marker={"color": colour, "size": 4, "opacity": 0.5}, showlegend=False,
            hovertemplate="%{text}<br>W2 %{x:.3g}, distance %{y:.3g}<extra></extra>",
        )  # fmt: skip
        plot.add_trace(points, row=1, col=i + 1)
    plot.update_layout(margin={"t": 70, "b": 52, "l": 50, "r": 4}).update_annotations(font_size=12)
    plot.update_xaxes(title_text="W2 of the two sets", title_font_size=12, showgrid=False, rangemode="tozero")
    plot.update_yaxes(rangemode="tozero")
    plot.update_yaxes(title_text="Distance of the embedding", col=1)
    best = max((key for key in scores if scores[key] is not None), key=lambda key: scores[key] or -1, default="latent")
    return Figure(
        name="shepard",
        plot=plot,
        alt=f"Distances of embeddings against optimal transport over {len(rows)} pairs; "
        f"{EMBEDDINGS[best][0].lower()} ranks them best ({number(scores.get(best))}).",
        table=columns_of(rows, ["a", "b", "w2", *EMBEDDINGS]),
    )


def set_size(report: Report) -> Figure | None:
    """Error of a latent against the number of observations, with the 1/√m line; None where sets are too small."""
    rows = report.curve("set_size")
    if not rows:
        return None
    m = typed([row["m"] for row in rows])
    expected = go.Scatter(
        x=m, y=typed([row["expected"] for row in rows]), name="Falls as 1/√m", mode="lines",
        line={"color": REAL, "dash": NULL_DASH, "width": 2.5}, hoverinfo="skip",
    )  # fmt: skip
    measured = go.Scatter(
        x=m, y=typed([row["rms"] for row in rows]), name="Measured", mode="lines+markers",
        line={"color": BLUE, "width": 2}, marker={"size": 8},
        hovertemplate="%{x:,} observations: error %{y:.3g}<extra></extra>",
    )  # fmt: skip
    axis = {"type": "log", "showgrid": False}
    return Figure(
        name="set_size",
        plot=draw(
            [expected, measured],
            height=340,
            xaxis={**axis, "title": "Observations in the set", "tickvals": m},
            yaxis={**axis, "title": "Error of the latent"},
        ),
        alt=f"The latent's error falls from {number(rows[0]['rms'])} at {rows[0]['m']} observations to "
        f"{number(rows[-1]['rms'])} at {rows[-1]['m']}; the dotted line falls as one over the square root.",
        table=columns_of(rows),
    )


def reconstruction(report: Report) -> Figure | None:
    """Each judged set's error between its sampling floor and the mean-only model; None where none was judged."""
    rows = sorted(report.curve("reconstruction"), key=lambda row: row["w2"])
    if not rows:
        return None
    rank = typed(range(1, len(rows) + 1))
    traces = [
        go.Scatter(
            x=rank, y=typed([row[key] for row in rows]), name=name, mode="markers",
            text=[escape(str(row["set"])) for row in rows],
            marker={"color": colour, "symbol": symbol, "size": 7, "opacity": 0.85},
            visible="legendonly" if key in _ON_REQUEST else True,
            hovertemplate="<b>%{text}</b><br>%{fullData.name}: %{y:.3g}<extra></extra>",
        )
        for key, (name, colour, symbol) in _ERRORS.items()
        if key in rows[0]  # older reports have fewer
    ]  # fmt: skip
    median = {key: number(float(np.median([row[key] for row in rows]))) for key in ("w2", "floor", "mean_only")}
    return Figure(
        name="reconstruction",
        plot=draw(
            traces,
            height=340,
            xaxis={"title": "Judged sets, by error", "showgrid": False},
            yaxis={"title": "W2 to the real set", "rangemode": "tozero"},
        ),
        alt=f"Reconstruction errors of {len(rows)} sets: median {median['w2']}, floor {median['floor']}, "
        f"mean alone {median['mean_only']}.",
        table=columns_of(rows, ["set", *(key for key in _ERRORS if key in rows[0])]),
    )
