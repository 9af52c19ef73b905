"""Figures of what a latent predicts: observed against predicted, early against late, shifts of held-out units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.plots.theme import BLUE, ORANGE, REAL
from core.plots.vega import Figure, Spec
from core.words import number

LATENT, MEAN = "Latent", "Mean of the observations"
_SOURCES = {"domain": [LATENT, MEAN], "range": [BLUE, ORANGE]}
_SHAPES = {"domain": [LATENT, MEAN], "range": ["circle", "square"]}
_LEGEND = {"title": None, "orient": "top", "labelLimit": 300}


def observed(row: Mapping[str, Any], *, caption: str = "") -> Figure:
    """Observed against predicted value of each held-out set, with the line of perfect prediction."""
    truth, guess = (np.asarray(row[key], dtype=np.float64) for key in ("observed", "latent_predictions"))
    low, high = float(min(truth.min(), guess.min())), float(max(truth.max(), guess.max()))
    pad = 0.04 * (high - low or 1.0)
    scale = {"domain": [low - pad, high + pad], "nice": False, "zero": False}
    name = row["target"]

    def axis(field: str, title: str) -> Spec:
        return {"field": field, "type": "quantitative", "title": title, "scale": scale}

    points: Spec = {
        "data": {"name": "sets"},
        "mark": {"type": "point", "filled": True, "size": 45, "opacity": 0.7, "color": BLUE},
        "encoding": {
            "x": axis("observed", f"Observed {name}"),
            "y": axis("predicted", f"Predicted {name}"),
            "tooltip": [
                {"field": "set", "title": "Set"},
                {"field": "observed", "format": ".3g"},
                {"field": "predicted", "format": ".3g"},
            ],
        },
    }
    line: Spec = {
        "data": {"name": "line"},
        "mark": {"type": "line", "color": REAL, "strokeDash": [4, 4]},
        "encoding": {"x": axis("at", f"Observed {name}"), "y": axis("at", f"Predicted {name}")},
    }
    return Figure(
        name="observed_predicted",
        spec={"width": 420, "height": 380, "layer": [line, points]},
        data={
            "sets": {"set": row["holdout_sets"], "observed": truth, "predicted": guess},
            "line": {"at": [low - pad, high + pad]},
        },
        alt=f"Predicted against observed {name} of {len(truth)} held-out sets, R² {number(row['latent'])}.",
        caption=caption,
    )


def confusion(row: Mapping[str, Any], *, caption: str = "") -> Figure:
    """How often each class of held-out sets is taken for each class."""
    classes = [str(c) for c in row["classes"]]
    truth, guess = (np.asarray(row[key], dtype=np.int64) for key in ("observed", "latent_predictions"))
    counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(counts, (truth, guess), 1)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    data = {
        "observed": [c for c in classes for _ in classes],
        "predicted": classes * len(classes),
        "sets": counts.ravel().tolist(),
        "share": share.ravel().tolist(),
    }
    x = {"field": "predicted", "type": "nominal", "title": f"Predicted {row['target']}", "sort": classes}
    y = {"field": "observed", "type": "nominal", "title": f"Observed {row['target']}", "sort": classes}
    layers: list[Spec] = [
        {
            "mark": {"type": "rect"},
            "encoding": {
                "color": {
                    "field": "share",
                    "type": "quantitative",
                    "scale": {"domain": [0, 1], "scheme": "blues"},
                    "legend": {"title": "Share of the class", "format": "%"},
                },
                "tooltip": [{"field": key} for key in ("observed", "predicted", "sets")],
            },
        },
        {
            "mark": {"type": "text", "fontSize": 12},
            "encoding": {
                "text": {"field": "sets"},
                "color": {"condition": {"test": "datum.share > 0.5", "value": "white"}, "value": "#333333"},
            },
        },
    ]
    encoding = {"x": {**x, "axis": {"labelAngle": -40}}, "y": y}
    right = int(np.trace(counts))
    return Figure(
        name="confusion",
        spec={
            "data": {"name": "classes"},
            "width": {"step": 46},
            "height": {"step": 34},
            "encoding": encoding,
            "layer": layers,
        },
        data={"classes": data},
        alt=f"Of {len(truth)} held-out sets {right} are given their own {row['target']}.",
        caption=caption,
    )


def retrieval(found: Mapping[str, Any], *, caption: str = "") -> Figure:
    """Share of held-out units whose late set is found from the early one, by latent and by mean, chance marked."""
    rows: list[dict[str, Any]] = [
        {
            "what": what,
            "source": source,
            "value": found[f"{prefix}retrieval_{key}"],
            "chance": found[f"chance_{key}"],
            # Reports made before intervals were measured have none.
            "low": found.get(f"{prefix}retrieval_{key}_low", found[f"{prefix}retrieval_{key}"]),
            "high": found.get(f"{prefix}retrieval_{key}_high", found[f"{prefix}retrieval_{key}"]),
        }
        for key, what in (("top1", "nearest"), ("top5", "among the five nearest"))
        for source, prefix in ((LATENT, ""), (MEAN, "mean_"))
    ]
    y = {"field": "what", "type": "nominal", "title": None, "sort": None, "axis": {"labelLimit": 220}}
    x = {"type": "quantitative", "title": "Share of held-out units", "scale": {"domain": [0, 1]}}
    color = {"field": "source", "type": "nominal", "scale": _SOURCES, "legend": _LEGEND}
    bars: Spec = {
        "mark": {"type": "bar", "height": 14},
        "encoding": {
            "y": y,
            "yOffset": {"field": "source", "sort": _SOURCES["domain"]},
            "x": {**x, "field": "value"},
            "color": color,
            "tooltip": [{"field": "source"}, *({"field": key, "format": ".0%"} for key in ("value", "low", "high"))],
        },
    }
    intervals: Spec = {
        "mark": {"type": "rule", "strokeWidth": 2},
        "encoding": {
            "y": y,
            "yOffset": {"field": "source", "sort": _SOURCES["domain"]},
            "x": {**x, "field": "low"},
            "x2": {"field": "high"},
        },
    }
    chance: Spec = {
        "mark": {"type": "tick", "color": REAL, "thickness": 3, "size": 46},
        "encoding": {"y": y, "x": {**x, "field": "chance"}},
    }
    return Figure(
        name="retrieval",
        spec={"data": {"name": "units"}, "height": {"step": 48, "for": "position"}, "layer": [bars, intervals, chance]},
        data={"units": {key: [row[key] for row in rows] for key in rows[0]}},
        alt=f"The late set of {found['retrieval_top1']:.0%} of the held-out units is nearest to what the early latent "
        f"predicts ({found['mean_retrieval_top1']:.0%} by the mean, {found['chance_top1']:.0%} by chance).",
        caption=caption,
    )


def shifts(rows: Sequence[Mapping[str, Any]], *, caption: str = "") -> Figure:
    """W2 from the predicted to the observed set of each held-out unit, by latent arithmetic and by the mean shift."""
    names = [f"{row['unit']}: {row['from']} → {row['to']}" for row in rows]
    keys = {LATENT: "w2", MEAN: "mean_w2", "Nothing changes": "unchanged_w2"}
    colours = [BLUE, ORANGE, REAL]
    data: dict[str, Any] = {
        "unit": names * len(keys),
        "source": [source for source in keys for _ in rows],
        "value": [float(row[key]) for key in keys.values() for row in rows],
    }
    by = {"field": "source", "type": "nominal", "legend": _LEGEND}
    shapes = ["circle", "square", "triangle-up"]
    best = sum(row["w2"] < row["mean_w2"] for row in rows)
    return Figure(
        name="shifts",
        spec={
            "data": {"name": "shifts"},
            "height": {"step": 20},
            "mark": {"type": "point", "filled": True, "size": 60, "opacity": 0.85},
            "encoding": {
                "y": {"field": "unit", "type": "nominal", "title": None, "axis": {"labelLimit": 260}},
                "x": {"field": "value", "type": "quantitative", "title": "W2 to the observed set"},
                "color": {**by, "scale": {"domain": list(keys), "range": colours}},
                "shape": {**by, "scale": {"domain": list(keys), "range": shapes}},
                "tooltip": [{"field": "unit"}, {"field": "source"}, {"field": "value", "format": ".3g"}],
            },
        },
        data={"shifts": data},
        alt=f"Latent arithmetic is nearer to the observed set than the mean shift for {best} of {len(rows)} changes.",
        caption=caption,
    )
