"""What a validation is worth: the number by which the best state of a run, and the best run of a search, is chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping

HELD_OUT = "holdout_loss"  # what a validation calls the loss on sets that training has not seen


def score(name: str, values: Mapping[str, float], losses: Mapping[str, float]) -> float:
    """The number, higher is better, by which `best` is chosen.

    "quality" is the geometric mean of precision, recall and LD r (each cut at 0), so that none can be bought with
    another; "f1" the harmonic mean of precision and recall; "loss" minus the sum of all losses; "held_out" minus the
    loss on the holdout, or the likelihood that the model gives it. A value that could not be computed counts as 0. With
    "last", or where there is no holdout, the newest checkpoint is best.
    """
    value = {
        k: v if (v := values.get(k)) is not None and math.isfinite(v) else 0.0 for k in ("precision", "recall", "ld_r")
    }
    p, r = value["precision"], value["recall"]
    if name == "quality":
        return float((max(p, 0.0) * max(r, 0.0) * max(value["ld_r"], 0.0)) ** (1 / 3))
    if name == "f1":
        return 2 * p * r / (p + r) if p + r else 0.0
    if name == "held_out":
        likelihoods = [v for k, v in values.items() if k.startswith(name)]
        held_out = -values[HELD_OUT] if HELD_OUT in values else next(iter(likelihoods), 0.0)
        return held_out if math.isfinite(held_out) else -math.inf
    if name == "loss":
        return -sum(losses.values())
    return value.get(name, 0.0)


def worse(first: float, now: float) -> bool:
    """Whether a held-out loss is no number, or larger than the first by more than validations differ."""
    return not math.isfinite(now) or now > first + 0.01 * abs(first)
