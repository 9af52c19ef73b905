"""The curves of one training: every loss, and the validation beside it, raw and smoothed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from core.config.catalogue import loss_title
from core.config.federation import DRIFT, SITE_CURVE
from core.plots.figure import Columns, Figure, grid, translucent, typed
from core.plots.theme import model_colour
from core.words import count, number

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
_WHOLE = 10  # epochs up to which each has a tick, so that none stands between two
_FEW = 30  # values up to which each has a marker: a line alone would hide where they are
_PANEL, _GAP = 130, 18  # pixels of a panel, and of the title between two


@dataclass(frozen=True)
class Curve:
    """One metric over the epochs; `value` is NaN where it was not finite."""

    epoch: Sequence[int]
    value: Sequence[float]


@dataclass(frozen=True)
class Look:
    """How curves are drawn: weight of the past in the moving average, and which axes are logarithmic.

    `by` is what they are drawn over: epochs, or steps where a reader takes one at a time.
    While training is `running`, the alternative text does not change, so that a screen reader is not interrupted; the
    newest values stand in the caption.
    """

    smoothing: float = 0.8
    log_x: bool = False
    log_y: bool = False
    running: bool = False
    by: str = "Epoch"


def losses(curves: Mapping[str, Curve], model: str, look: Look) -> Figure | None:
    """A panel a loss, in the colour of the model; None before the first epoch has ended.

    What single sites say of themselves is left to `core.plots.federated`.
    """
    own = (*VALIDATION, DRIFT)
    shown = {name: one for name, one in curves.items() if name not in own and not name.startswith(SITE_CURVE)}
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


def _panels(name: str, curves: Mapping[str, Curve], model: str, what: str, look: Look) -> Figure | None:
    if not curves:
        return None
    epochs = max(curve.epoch[-1] for curve in curves.values())
    newest = f"after {count(epochs, look.by.lower())}: {_newest(curves)}."
    titles = [VALIDATION.get(key) or loss_title(model, key) for key in curves]
    gap = _GAP / (_PANEL * len(curves)) * 2
    plot = grid(len(curves), 1, titles, height=70 + _PANEL * len(curves), shared_xaxes=True, vertical_spacing=gap)
    for row, (key, curve) in enumerate(curves.items(), 1):
        plot.add_traces(_traces(columns(curve, look.smoothing), model_colour(model), look), rows=row, cols=1)
        plot.update_yaxes(row=row, **_scale(key, curve, look.log_y))
    plot.update_xaxes(type="log" if look.log_x else "linear", showgrid=False)
    plot.update_xaxes(title=look.by, row=len(curves), col=1)
    if epochs <= _WHOLE and not look.log_x:
        plot.update_xaxes(dtick=1)
    plot.update_layout(margin={"t": 28, "b": 44, "l": 52, "r": 8}, showlegend=False)
    return Figure(
        name=name,
        plot=plot,
        alt=f"{what} by {look.by.lower()}; training goes on." if look.running else f"{what} {newest}",
        table=_table(curves),
        caption=f"{newest.capitalize()} {_how(look, curves)}",
    )


def _traces(data: Columns, colour: str, look: Look) -> list[go.Scatter]:
    """The raw curve pale, its band where it was thinned, and the smoothed one strong; always as many traces."""
    epoch = typed(data["epoch"])
    hover = f"{look.by} %{{x:,}}: %{{y:.4~g}}<extra></extra>"
    edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    return [
        go.Scatter(x=epoch, y=typed(data["low"]), **edge),
        go.Scatter(x=epoch, y=typed(data["high"]), fill="tonexty", fillcolor=translucent(colour, _BAND), **edge),
        go.Scatter(
            x=epoch, y=typed(data["value"]), mode="lines+markers" if len(epoch) <= _FEW else "lines",
            line={"color": colour, "width": 1.5}, marker={"size": 5}, opacity=_RAW if look.smoothing else 1,
            hovertemplate=hover,
        ),
        go.Scatter(
            x=epoch, y=typed(data["smoothed"]), mode="lines", line={"color": colour, "width": 2.5},
            visible=bool(look.smoothing), hovertemplate=hover.replace("%{y", "smoothed %{y"),
        ),
    ]  # fmt: skip


def _scale(key: str, curve: Curve, log: bool) -> dict[str, Any]:
    """Shares reach up to 1; a logarithmic axis needs values above 0, else the linear one stays."""
    value = np.asarray(curve.value, dtype=np.float64)
    lowest = float(np.nanmin(value)) if np.isfinite(value).any() else 0.0
    if key in _SHARES:
        return {"range": [0 if lowest >= 0 else -1, 1.02]}
    return {"type": "log" if log and lowest > 0 else "linear"}


def _newest(curves: Mapping[str, Curve]) -> str:
    words = {"ld_r": "linkage correlation", "allele_frequency_rmse": "allele frequency error"}
    return ", ".join(
        f"{words.get(name, name.replace('_', ' '))} {number(curve.value[-1])}" for name, curve in curves.items()
    )


def _how(look: Look, curves: Mapping[str, Curve]) -> str:
    band = any(len(curve.value) > POINTS for curve in curves.values())
    raw = "the band spans the smallest and largest values" if band else "every value is drawn"
    words = f"{raw.capitalize()}."
    if look.smoothing:
        words = f"Pale: {raw}; strong: exponential moving average, weight {look.smoothing:g}, debiased."
    return words + (" A loss that reaches 0 keeps its linear axis." if look.log_y else "")


def _table(curves: Mapping[str, Curve]) -> dict[str, list[Any]]:
    """The numbers in full, in long form: curves are not measured at the same epochs."""
    return {
        "metric": [name for name, curve in curves.items() for _ in curve.value],
        "epoch": [e for curve in curves.values() for e in curve.epoch],
        "value": [v for curve in curves.values() for v in curve.value],
    }
