"""Accuracy of imputation: against NumPy's correlation, the null, and what right probabilities promise."""

from __future__ import annotations

import numpy as np
import pytest

from core.evaluation.imputation import accuracy, expected_r2


def cohort(n: int = 4000, m: int = 6, seed: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities (n, m, 3) that are right, calls drawn from them, and the frequency of each variant."""
    rng = np.random.default_rng(seed)
    frequency = np.array([0.003, 0.04, 0.15, 0.3, 0.7, 0.97])[:m]
    chance = rng.beta(2 * frequency, 2 * (1 - frequency), (n, m))
    probability = np.stack([(1 - chance) ** 2, 2 * chance * (1 - chance), chance**2], -1)
    calls = (rng.random((n, m, 1)) > probability.cumsum(-1)).sum(-1).clip(max=2).astype(np.int8)
    return probability.astype(np.float32), calls, frequency


def test_r2_is_that_of_the_rarer_allele_over_all_calls_of_a_bin() -> None:
    probability, truth, frequency = cohort()
    truth[:50, 4] = -1
    asked = np.ones(truth.shape, dtype=bool)
    asked[:, 2] = False
    whole, bins = accuracy(probability, truth, asked, frequency)
    assert whole is not None and whole.variants == 5 and whole.calls == 5 * 4000 - 50
    assert [(b.low, b.high, b.variants) for b in bins] == [(0.0, 0.005, 1), (0.02, 0.05, 2), (0.2, 0.5, 2)]
    dosage = probability @ np.arange(3.0)
    known = truth[:, 4] >= 0
    x = np.concatenate([truth[:, 3], 2 - truth[known, 4]])
    y = np.concatenate([dosage[:, 3], 2 - dosage[known, 4]])
    assert bins[-1].r2 == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2, abs=1e-9)
    likely = np.concatenate([probability[:, 3].argmax(1), 2 - probability[known, 4].argmax(1)])
    assert bins[-1].concordance == pytest.approx((likely == x).mean())
    # Both variants of the last bin have the same rarer frequency: their frequency tells nothing of a call.
    assert bins[-1].null_r2 == 0 and whole.null_r2 is not None and whole.null_r2 > 0.05


def test_right_probabilities_keep_their_promise() -> None:
    probability, truth, frequency = cohort(40_000)
    whole, bins = accuracy(probability, truth, np.ones(truth.shape, dtype=bool), frequency)
    for one in [whole, *bins]:
        assert one is not None and one.expected_r2 == pytest.approx(one.r2, abs=0.03)
    promised = expected_r2(probability, np.ones(truth.shape, dtype=bool))
    dosage = probability @ np.arange(3.0)
    for j in range(1, 6):
        assert promised[j] == pytest.approx(np.corrcoef(dosage[:, j], truth[:, j])[0, 1] ** 2, abs=0.03)


def test_what_has_no_value_is_none() -> None:
    probability, truth, frequency = cohort(20)
    nothing = np.zeros(truth.shape, dtype=bool)
    assert accuracy(probability, truth, nothing, frequency) == (None, [])
    one = nothing.copy()
    one[0, 3] = True
    _, (only,) = accuracy(probability, truth, one, frequency)
    assert only.r2 is None and only.calls == 1
    assert np.isnan(expected_r2(probability, one)).all()
