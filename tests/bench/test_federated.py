"""The differences of `bench federated`, on rows whose differences are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.bench.federated import paired, summary


def state(fraction: float, hardness: np.ndarray) -> dict[str, Any]:
    """A state with this score on sets that are as hard as said: their floors differ by far more than any score."""
    floor, null = hardness, 2 * hardness
    values = {"w2": floor + fraction * (null - floor), "floor": floor, "mean_only": null}
    return {"value": fraction, "low": fraction - 0.05, "high": fraction + 0.05, **values, "unit": list("aabbccddeeff")}


def trainings(pooled: float, federated: float, alone: tuple[float, float]) -> list[dict[str, Any]]:
    rows = []
    for seed in (1, 2):
        hardness = np.random.default_rng(seed).uniform(0.1, 3.0, size=12)
        kinds = [("pooled", pooled), ("federated", federated), *(("alone", one) for one in alone)]
        rows += [{"seed": seed, "role": role, "last": state(score, hardness)} for role, score in kinds]
    return rows


def test_what_makes_a_set_hard_is_not_in_the_interval_of_a_difference() -> None:
    hardness = np.random.default_rng(3).uniform(0.1, 3.0, size=12)
    difference = paired([state(0.30, hardness), state(0.34, hardness)], [state(0.30, hardness)], seed=1)
    assert difference == pytest.approx(0.02, abs=1e-9)  # of every resampled set of units


def test_federated_passes_as_good_as_pooled_and_better_than_alone() -> None:
    assert summary(trainings(0.20, 0.21, (0.24, 0.26)), "last")[1]
    assert not summary(trainings(0.20, 0.21, (0.21, 0.21)), "last")[1], "no better than alone"
    assert not summary(trainings(0.20, 0.31, (0.44, 0.46)), "last")[1], "beyond the interval of pooled"


def test_other_sets_are_not_subtracted() -> None:
    other = {**state(0.2, np.ones(12)), "unit": list("aabbccddeegg")}
    with pytest.raises(ValueError, match="not judged on the same sets"):
        paired([state(0.2, np.ones(12))], [other], seed=1)
