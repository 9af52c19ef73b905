"""What a report says of the next set of a unit: the names of the forecasts, and the verdict on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.words import number

TITLES = {
    "unchanged": "No change",
    "mean_shift": "Mean shift",
    "linear_flow": "Linear flow of the latent",
    "transport": "Conditioned transport",
    "regenerated": "Generated from the target itself",
    "floor": "Two halves of the target",
}
METHODS = ("mean_shift", "linear_flow", "transport")

FEW = 8
"""Observations in one W2, below which it is more noise than distance."""


def verdict(found: Mapping[str, Any]) -> str:
    """Which forecast is best, in one sentence with its interval; `found` is the analysis "forecast"."""
    best, pooled = found["best"], found["pooled"]
    if not best:
        return "None of the forecasts is nearer to the next set than no change at all, as far as these pairs can tell."
    share = f"closes {pooled[f'share_{best}']:.0%} of the gap between no change and the floor"
    if best == "mean_shift":
        return f"The mean shift {share}; no forecast by the latent is nearer."
    low, high = pooled[f"{best}_gain_low"], pooled[f"{best}_gain_high"]
    against = (
        "and is nearer than the mean shift" if low > 0 else "but cannot be told from the mean shift" if high > 0
        else "but the mean shift is nearer"
    )  # fmt: skip
    gain = f"W2 less by {number(pooled[f'{best}_gain'])}, {number(low)} to {number(high)}"
    return f"{TITLES[best]} {share} {against} ({gain})."


def flow_words(found: Mapping[str, Any]) -> str:
    """How near the linear flow came to held-out next sets, in one sentence."""
    pooled = found["pooled"]
    less, low, high = (pooled[f"linear_flow_over_unchanged{end}"] for end in ("", "_low", "_high"))
    said = f"(W2 less by {number(less)}, {number(low)} to {number(high)})"
    if low <= 0:
        return (
            f"On held-out pairs the linear flow is not nearer to the next set than no change {said}: do not rely on it."
        )
    return (
        f"On held-out pairs the linear flow is nearer to the next set than no change {said} and closes "
        f"{pooled['share_linear_flow']:.0%} of the gap to the floor."
    )
