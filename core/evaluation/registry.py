"""The metric registry: what each number is called, which way is better, and how to compute it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from core.evaluation.bootstrap import interval
from core.registry import Entry, Registry
from core.reports.report import Direction, Measurement

FAMILIES = (
    "Frequencies", "Linkage", "Structure", "Diversity along the genome", "Fidelity and diversity", "Association",
    "Prediction", "Privacy", "Reconstruction", "Latent geometry", "Sequences",
)  # fmt: skip
"""The order of reading; a family that a metric names and that is not here comes after them."""


class Unmeasurable(Exception):
    """A metric has no value here; the message is the reason that the report shows in its place."""


@dataclass(frozen=True)
class Estimate:
    """One measured number.

    Attributes:
        value: the number; NaN and None both become "no value" with a reason.
        draws: (B,) bootstrap replicates of it, or None where the comparison asked for none.
        params: whatever else changes the number (k, distance, bins, n, ties), JSON types.
        reason: why there is no value, one sentence.
        null, ceiling, interval, baselines: where the metric itself knows them; those of genotypes come from
            the same metric on other individuals, and from `draws`.
    """

    value: float | None
    draws: npt.NDArray[np.float64] | None = None
    params: dict[str, Any] = field(default_factory=dict)
    reason: str | None = None
    null: float | None = None
    ceiling: float | None = None
    interval: tuple[float, float] | None = None
    baselines: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Metric:
    """A metric as the registry keeps it; called on what it measures, it gives an `Estimate`."""

    family: str
    headline: bool
    direction: Direction
    target: float | None
    bounds: tuple[float, float]
    needs_train: bool
    function: Callable[[Any], Estimate]
    pooled: bool = False

    def __call__(self, judged: Any) -> Estimate:
        """Measure; whatever cannot be measured comes back as a reason, never as an exception."""
        if self.needs_train and judged.train is None:
            return Estimate(None, reason="Needs the training individuals beside a holdout; none were given.")
        try:
            estimate = self.function(judged)
        except Unmeasurable as reason:
            return Estimate(None, reason=str(reason))
        if estimate.value is None or not np.isfinite(estimate.value):
            reason_ = estimate.reason or "The value is undefined for these data (no variation or no usable entries)."
            return Estimate(None, params=estimate.params, reason=reason_)
        return estimate


metrics: Registry[Metric] = Registry("metric", "core.evaluation", "core.evaluation.sets")


def metric(
    *,
    label: str,
    family: str,
    help: str,
    source: str,
    direction: Direction = "target",
    headline: bool = False,
    kind: Literal["genotypes", "sets"] = "genotypes",
    target: float | None = None,
    bounds: tuple[float, float] = (-np.inf, np.inf),
    needs_train: bool = False,
    pooled: bool = False,
) -> Callable[[Callable[[Any], Estimate]], Callable[[Any], Estimate]]:
    """Register the decorated function as the metric of its name: (Comparison) or, for sets, (Subject) -> Estimate.

    `label` is its name on a chart, `family` the group that it is shown in, `headline` whether it speaks for its
    family at the first look, `direction` which way is better, `target` the ideal of
    a metric with neither, `bounds` the values it can take (intervals are clipped to them), `needs_train` whether it
    compares with the training individuals beside the reference, `pooled` whether its reference is all the real
    individuals, the held-out ones among them. The function may raise `Unmeasurable(reason)`.
    """

    def file(function: Callable[[Any], Estimate]) -> Callable[[Any], Estimate]:
        entry = Metric(family, headline, direction, target, bounds, needs_train, function, pooled)
        metrics.register(function.__name__, title=label, kind=kind, help=help, source=source)(entry)
        return function

    return file


def of_kind(kind: str) -> list[Entry[Metric]]:
    """The metrics of one kind of data, family by family in the order of reading, by name in each."""

    def place(entry: Entry[Metric]) -> tuple[int, str, str]:
        family = entry.value.family
        return (FAMILIES.index(family) if family in FAMILIES else len(FAMILIES), family, entry.name)

    return sorted((entry for entry in metrics if entry.kind == kind), key=place)


def measurement(entry: Entry[Metric], estimate: Estimate, confidence: float = 0.95, **frame: Any) -> Measurement:
    """The estimate with its interval and what the registry says of its metric; `frame`: null, ceiling, matched."""
    metric, span = entry.value, estimate.interval
    if span is None and estimate.value is not None:
        span = interval(estimate.value, estimate.draws, confidence, metric.bounds)
    low, high = span or (None, None)
    fields = {key: getattr(metric, key) for key in ("family", "headline", "direction", "target")}
    fields |= {key: getattr(estimate, key) for key in ("value", "params", "reason", "null", "ceiling", "baselines")}
    fields |= {"label": entry.title, "low": low, "high": high, "help": entry.help, "source": entry.source}
    return Measurement(entry.name, **fields | frame)
