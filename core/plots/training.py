"""The curves of one training: every loss, and the validation beside it, raw and smoothed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from core.config.catalogue import loss_title
from core.plots.theme import model_colour
from core.plots.vega import Columns, Figure, Spec
from core.words import number

Values = npt.NDArray[np.float64]

POINTS = 200
"""More points than this are drawn as the band from smallest to largest of each stretch, never left out."""

VALIDATION = {
    "precision": "Precision (1 is best)",
    "recall": "Recall (1 is best)",
    "ld_r": "Linkage correlation (1 is best)",
    "allele_frequency_rmse": "Allele frequency error (0 is best)",
    "holdout_loss": "Loss on held-out sets",
    "variance_ratio": "Variance ratio (1 is best)",
    "mean_error": "Error of the mean (0 is best)",
    "score": "Score that picks the best checkpoint",
}
"""Titles of what is measured on the holdout during training, in the order of the panels; everything else is a loss."""

_SHARES = ("precision", "recall", "ld_r", "score")
_BAND, _RAW = 0.25, 0.35
_WIDTH, _MARGIN = 320, 46  # one margin for the labels of all panels, so that they stand below each other


@dataclass(frozen=True)
class Curve:
    """One metric over the epochs; `value` is NaN where it was not finite."""

    epoch: Sequence[int]
    value: Sequence[float]


@dataclass(frozen=True)
class Look:
    """How curves are drawn: weight of the past in the moving average, and which axes are logarithmic.

    While training is `running`, the alternative text does not change: Streamlit builds a picture anew whenever it does,
    and a reader would see it flicker. The newest values stand in the caption.
    """

    smoothing: float = 0.8
    log_x: bool = False
    log_y: bool = False
    running: bool = False


def losses(curves: Mapping[str, Curve], model: str, look: Look) -> Figure | None:
    """A panel a loss, in the colour of the model; None before the first epoch has ended."""
    shown = {name: curve for name, curve in curves.items() if name not in VALIDATION}
    return _panels("training_losses", shown, model, "Losses", look)


def validation(curves: Mapping[str, Curve], model: str, look: Look) -> Figure | None:
    """A panel a measure of the holdout, without smoothing; None before the first validation."""
    shown = {name: curves[name] for name in VALIDATION if name in curves}
    return _panels("training_validation", shown, model, "Validation", replace(look, smoothing=0.0, log_y=False))


def smoothed(value: Sequence[float], smoothing: float) -> Values:
    """Exponential moving average without the pull towards zero at the start.

    m_t = s m_{t-1} + (1 - s) x_t, divided by 1 - s^t (Kingma and Ba 2015, section 3). NaN is passed over:
    the average stays where it was.
    """
    result = np.full(len(value), np.nan)
    mean, weight = 0.0, 0.0
    for i, x in enumerate(value):
        if np.isfinite(x):
            mean = smoothing * mean + (1 - smoothing) * x
            weight = smoothing * weight + (1 - smoothing)
        if weight:
            result[i] = mean / weight
    return result


def columns(curve: Curve, smoothing: float) -> Columns:
    """Epoch, value, low, high and smoothed of a curve, in at most POINTS rows.

    The average is taken over the whole curve and only then thinned, so that it never depends on the thinning.
    """
    epoch, value = np.asarray(curve.epoch), np.asarray(curve.value, dtype=np.float64)
    mean = smoothed(curve.value, smoothing)
    if len(value) <= POINTS:
        return {"epoch": epoch, "value": value, "low": value, "high": value, "smoothed": mean}
    edges = np.linspace(0, len(value), POINTS + 1).astype(int)
    last = edges[1:] - 1
    # An all-NaN stretch has no band; the infinities of the empty reduction become NaN again.
    low = np.minimum.reduceat(np.where(np.isnan(value), np.inf, value), edges[:-1])
    high = np.maximum.reduceat(np.where(np.isnan(value), -np.inf, value), edges[:-1])
    gone = ~np.isfinite(low)
    return {
        "epoch": epoch[last],
        "value": value[last],
        "low": np.where(gone, np.nan, low),
        "high": np.where(gone, np.nan, high),
        "smoothed": mean[last],
    }


def trace(value: Sequence[float], points: int = 30) -> list[float]:
    """A curve as at most `points` numbers for a sparkline: the last of each stretch, NaN left out."""
    finite = np.asarray([v for v in value if np.isfinite(v)])
    if len(finite) <= points:
        return [float(v) for v in finite]
    return [float(finite[end - 1]) for end in np.linspace(0, len(finite), points + 1).astype(int)[1:]]


def _panels(name: str, curves: Mapping[str, Curve], model: str, what: str, look: Look) -> Figure | None:
    if not curves:
        return None
    data = {key: columns(curve, look.smoothing) for key, curve in curves.items()}
    epochs = max(curve.epoch[-1] for curve in curves.values())
    newest = f"after {epochs:,} epochs: {_newest(curves)}."
    colour = model_colour(model)
    titles = {key: VALIDATION.get(key) or loss_title(model, key) for key in curves}
    return Figure(
        name=name,
        spec={"vconcat": [_panel(key, titles[key], data[key], colour, look) for key in curves], "spacing": 12},
        data=data,
        alt=f"{what} by epoch; training goes on." if look.running else f"{what} {newest}",
        caption=f"{newest.capitalize()} {_how(look.smoothing, curves)}",
        table=_table(curves),
    )


def _panel(key: str, title: str, data: Columns, colour: str, look: Look) -> Spec:
    x: Spec = {"field": "epoch", "type": "quantitative", "title": None, "axis": {"tickMinStep": 1, "grid": False}}
    if look.log_x:
        x["scale"] = {"type": "log", "nice": False}
    y: Spec = {
        "type": "quantitative",
        "title": None,
        "scale": _scale(key, _lowest(data), look.log_y),
        "axis": {"tickCount": 4, "minExtent": _MARGIN, "maxExtent": _MARGIN},
    }
    words = (
        f"{{'Epoch': datum.epoch, {json.dumps(title)}: format(datum.value, '.4~g'), "
        "'Smoothed': format(datum.smoothed, '.4~g')}"
    )
    line: Spec = {"type": "line", "color": colour, "tooltip": {"expr": "datum.words"}}
    band: Spec = {
        "mark": {"type": "area", "color": colour, "opacity": _BAND},
        "encoding": {"x": x, "y": {"field": "low", **y}, "y2": {"field": "high"}},
    }
    raw: Spec = {
        "mark": {**line, "opacity": _RAW if look.smoothing else 1, "point": _few(data, colour)},
        "encoding": {"x": x, "y": {"field": "value", **y}},
    }
    mean: Spec = {"mark": {**line, "strokeWidth": 2.5}, "encoding": {"x": x, "y": {"field": "smoothed", **y}}}
    # While the run goes on the drawing must not change; afterwards a band without width is left out.
    wide = look.running or len(data["epoch"]) >= POINTS
    return {
        "title": {"text": title, "anchor": "start", "fontSize": 13},
        "data": {"name": key},
        "transform": [{"calculate": words, "as": "words"}],
        "width": _WIDTH,
        "height": 80,
        "layer": [*([band] if wide else []), raw, *([mean] if look.smoothing else [])],
    }


def _scale(key: str, lowest: float, log: bool) -> Spec:
    if key in _SHARES:
        return {"domainMax": 1, "domainMin": 0 if lowest >= 0 else -1}
    if log:
        return {"type": "log" if lowest > 0 else "symlog"}
    return {"zero": False}


def _few(data: Columns, colour: str) -> bool | Spec:
    """Markers where there are so few values that a line alone would hide where they are."""
    return {"size": 25, "filled": True, "color": colour} if len(data["epoch"]) <= 30 else False


def _lowest(data: Columns) -> float:
    low = np.asarray(data["low"], dtype=np.float64)
    return float(np.nanmin(low)) if np.isfinite(low).any() else 0.0


def _newest(curves: Mapping[str, Curve]) -> str:
    words = {"ld_r": "linkage correlation", "allele_frequency_rmse": "allele frequency error"}
    return ", ".join(
        f"{words.get(name, name.replace('_', ' '))} {number(curve.value[-1])}" for name, curve in curves.items()
    )


def _how(smoothing: float, curves: Mapping[str, Curve]) -> str:
    band = any(len(curve.value) > POINTS for curve in curves.values())
    raw = "the band spans the smallest and largest values" if band else "every value is drawn"
    if not smoothing:
        return f"{raw.capitalize()}."
    return f"Pale: {raw}; strong: exponential moving average, weight {smoothing:g}, debiased."


def _table(curves: Mapping[str, Curve]) -> dict[str, list[Any]]:
    """The numbers in full, in long form: curves are not measured at the same epochs."""
    return {
        "metric": [name for name, curve in curves.items() for _ in curve.value],
        "epoch": [e for curve in curves.values() for e in curve.epoch],
        "value": [v for curve in curves.values() for v in curve.value],
    }
