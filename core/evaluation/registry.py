"""The metric registry: what each number is called, which way is better, and how to compute it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from core.registry import Registry

if TYPE_CHECKING:
    from core.evaluation.context import Comparison

Direction = Literal["higher", "lower", "target"]


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
    """

    value: float | None
    draws: npt.NDArray[np.float64] | None = None
    params: dict[str, Any] = field(default_factory=dict)
    reason: str | None = None


@dataclass(frozen=True)
class Metric:
    """A metric as the registry keeps it; called on a comparison, it gives an `Estimate`."""

    name: str
    label: str
    direction: Direction
    target: float | None
    bounds: tuple[float, float]
    needs_train: bool
    function: Callable[[Comparison], Estimate]

    def __call__(self, comparison: Comparison) -> Estimate:
        """Measure; whatever cannot be measured comes back as a reason, never as an exception."""
        if self.needs_train and comparison.train is None:
            return Estimate(None, reason="Needs the training individuals beside a holdout; none were given.")
        try:
            estimate = self.function(comparison)
        except Unmeasurable as reason:
            return Estimate(None, reason=str(reason))
        if estimate.value is None or not np.isfinite(estimate.value):
            reason_ = estimate.reason or "The value is undefined for these data (no variation or no usable entries)."
            return Estimate(None, params=estimate.params, reason=reason_)
        return estimate


metrics: Registry[Metric] = Registry("metric", "core.evaluation")


def metric(
    name: str,
    *,
    label: str,
    direction: Direction,
    help: str,
    source: str,
    target: float | None = None,
    bounds: tuple[float, float] = (-np.inf, np.inf),
    needs_train: bool = False,
) -> Callable[[Callable[[Comparison], Estimate]], Callable[[Comparison], Estimate]]:
    """Register the decorated `(Comparison) -> Estimate` as the metric `name`.

    `label` is its name on a chart, `target` the ideal of a metric with direction "target", `bounds` the
    values it can take (intervals are clipped to them), `needs_train` whether it compares with the training
    individuals beside the reference. The function may raise `Unmeasurable(reason)`.
    """

    def file(function: Callable[[Comparison], Estimate]) -> Callable[[Comparison], Estimate]:
        entry = Metric(name, label, direction, target, bounds, needs_train, function)
        metrics.register(name, kind="genotypes", help=help, source=source)(entry)
        return function

    return file
