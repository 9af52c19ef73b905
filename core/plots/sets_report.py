"""Figures of a set report: geometry, reconstruction, set size, probes."""

from __future__ import annotations

import numpy as np

from core.plots.theme import BLUE, GREEN, ORANGE, PURPLE, REAL
from core.plots.vega import NULL_DASH, Figure, Spec, columns_of, grid
from core.reports.report import Report
from core.words import number

EMBEDDINGS = {
    "latent": ("Latent of the model", BLUE),
    "mean": ("Mean alone", ORANGE),
    "mean_covariance": ("Mean and covariance", GREEN),
    "kernel_mean": ("Kernel mean", PURPLE),
}

PAIRS = 200
"""Pairs drawn at most, spread evenly over the distances: more only hide each other in a panel of this size."""


def shepard(report: Report, *, caption: str = "") -> Figure:
    """Distance of each embedding against W2, one panel each, the trivial ones beside the model's.

    At most `PAIRS` are drawn; the correlations and the table are of all.
    """
    rows = report.curve("shepard")
    drawn = sorted(rows, key=lambda row: row["w2"] or 0.0)[:: -(-len(rows) // PAIRS) or 1]
    entry = report.metric("latent_w2_spearman")
    scores = {"latent": entry.value, **entry.baselines}
    views: list[Spec] = []
    for key, (title, colour) in EMBEDDINGS.items():
        views.append(
            {
                "data": {"name": "pairs"},
                "title": {"text": title, "subtitle": f"rank correlation {number(scores.get(key))}", "anchor": "start"},
                "width": 148,
                "height": 148,
                "mark": {"type": "point", "filled": True, "size": 10, "opacity": 0.5, "color": colour},
                "encoding": {
                    "x": {
                        "field": "w2",
                        "type": "quantitative",
                        "title": "W2 between the sets",
                        "axis": {"grid": False},
                    },
                    "y": {
                        "field": key,
                        "type": "quantitative",
                        "title": "Distance" if key == "latent" else None,
                        "axis": {"grid": False},
                    },
                    "tooltip": [{"field": "a", "title": "Set"}, {"field": "b", "title": "and"}],
                },
            }
        )
    best = max((k for k in scores if scores[k] is not None), key=lambda k: scores[k] or -1, default="latent")
    return Figure(
        name="shepard",
        spec=grid(views, 4),
        data={"pairs": columns_of(drawn, ["a", "b", "w2", *EMBEDDINGS])},
        table=columns_of(rows, ["a", "b", "w2", *EMBEDDINGS]),
        alt=f"Distances of embeddings against optimal transport over {len(rows)} pairs; "
        f"{EMBEDDINGS[best][0].lower()} ranks them best ({number(scores.get(best))}).",
        caption=caption,
    )


def set_size(report: Report, *, caption: str = "") -> Figure | None:
    """Error of a latent against the number of observations, with the 1/√m line."""
    rows = report.curve("set_size")
    if not rows:
        return None
    x = {"field": "m", "type": "quantitative", "scale": {"type": "log"}, "title": "Observations in the set"}
    y = {"type": "quantitative", "scale": {"type": "log"}, "title": "Error of the latent"}
    return Figure(
        name="set_size",
        spec={
            "data": {"name": "sizes"},
            "height": 260,
            "layer": [
                {
                    "mark": {"type": "line", "strokeDash": NULL_DASH, "color": REAL},
                    "encoding": {"x": x, "y": {**y, "field": "expected"}},
                },
                {
                    "mark": {"type": "line", "point": {"size": 50, "filled": True}, "color": BLUE},
                    "encoding": {
                        "x": x,
                        "y": {**y, "field": "rms"},
                        "tooltip": [{"field": "m"}, {"field": "rms", "format": ".3g"}],
                    },
                },
            ],
        },
        data={"sizes": columns_of(rows)},
        alt=f"The latent's error falls from {number(rows[0]['rms'])} at {rows[0]['m']} observations to "
        f"{number(rows[-1]['rms'])} at {rows[-1]['m']}; the dotted line falls as one over the square root.",
        caption=caption,
    )


def reconstruction(report: Report, *, caption: str = "") -> Figure | None:
    """Each judged set's error between its sampling floor and the mean-only model."""
    rows = sorted(report.curve("reconstruction"), key=lambda r: r["w2"])
    if not rows:
        return None
    marks = {"floor": ("Floor: two halves of the real set", REAL), "w2": ("Regenerated", BLUE)}
    marks["mean_only"] = ("Null: the mean alone", ORANGE)
    long = [
        {"set": r["set"], "rank": i + 1, "what": name, "value": r[key]}
        for i, r in enumerate(rows)
        for key, (name, _) in marks.items()
    ]
    scale = {"domain": [n for n, _ in marks.values()], "range": [c for _, c in marks.values()]}
    legend = {"title": None, "orient": "top", "labelLimit": 300}
    return Figure(
        name="reconstruction",
        spec={
            "data": {"name": "sets"},
            "height": 260,
            "mark": {"type": "point", "filled": True, "size": 34, "opacity": 0.8},
            "encoding": {
                "x": {"field": "rank", "type": "quantitative", "title": "Judged sets, by error"},
                "y": {"field": "value", "type": "quantitative", "title": "W2 to the real set"},
                "color": {"field": "what", "type": "nominal", "scale": scale, "legend": legend},
                "shape": {
                    "field": "what",
                    "type": "nominal",
                    "scale": {"domain": scale["domain"], "range": ["square", "circle", "triangle-up"]},
                    "legend": legend,
                },
                "tooltip": [{"field": "set"}, {"field": "what"}, {"field": "value", "format": ".3g"}],
            },
        },
        data={"sets": columns_of(long)},
        alt=f"Reconstruction errors of {len(rows)} sets: median {number(float(np.median([r['w2'] for r in rows])))}, "
        f"floor {number(float(np.median([r['floor'] for r in rows])))}, "
        f"mean alone {number(float(np.median([r['mean_only'] for r in rows])))}.",
        caption=caption,
    )


def probes(report: Report, kind: str, *, caption: str = "") -> Figure | None:
    """Held-out score of each target from the latent, from the mean, and from mean and variance, with intervals."""
    rows = [r for r in report.curve("probes") if r["kind"] == kind and "latent" in r]
    if not rows:
        return None
    inputs = {"latent": ("Latent", BLUE), "mean": ("Mean of the observations", ORANGE)}
    inputs["mean_variance"] = ("Mean and variance", GREEN)
    long = [
        {"target": r["target"], "input": name, "value": r[key], "low": r[f"{key}_low"], "high": r[f"{key}_high"]}
        for r in rows
        for key, (name, _) in inputs.items()
    ]
    chance = [{"target": r["target"], "chance": r["chance"]} for r in rows]
    scale = {"domain": [n for n, _ in inputs.values()], "range": [c for _, c in inputs.values()]}
    title = "Accuracy on held-out sets" if kind == "classification" else "R² on held-out sets"
    y = {"field": "target", "type": "nominal", "title": None, "axis": {"labelLimit": 220}, "sort": None}
    offset = {"field": "input", "sort": scale["domain"]}
    bound = [-0.5, 1.0] if kind == "regression" else [0.0, 1.0]
    x = {"type": "quantitative", "title": title, "scale": {"domain": bound, "clamp": True}}
    legend = {"title": None, "orient": "top", "labelLimit": 300}
    return Figure(
        name=f"probes_{kind}",
        spec={
            "height": {"step": 54, "for": "position"},
            "layer": [
                {
                    "data": {"name": "chance"},
                    "mark": {"type": "tick", "color": REAL, "thickness": 2, "size": 50},
                    "encoding": {"y": y, "x": {**x, "field": "chance"}},
                },
                {
                    "data": {"name": "scores"},
                    "mark": {"type": "rule", "strokeWidth": 2},
                    "encoding": {
                        "y": y,
                        "yOffset": offset,
                        "x": {**x, "field": "low"},
                        "x2": {"field": "high"},
                        "color": {"field": "input", "type": "nominal", "scale": scale, "legend": legend},
                    },
                },
                {
                    "data": {"name": "scores"},
                    "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
                    "encoding": {
                        "y": y,
                        "yOffset": offset,
                        "x": {**x, "field": "value"},
                        "color": {"field": "input", "type": "nominal", "scale": scale, "legend": legend},
                        "tooltip": [{"field": "target"}, {"field": "input"}, {"field": "value", "format": ".3f"}],
                    },
                },
            ],
        },
        data={"scores": columns_of(long), "chance": columns_of(chance)},
        alt=f"{title}: "
        + "; ".join(f"{r['target']} {number(r['latent'])} (mean {number(r['mean'])})" for r in rows[:6]),
        caption=caption,
    )
