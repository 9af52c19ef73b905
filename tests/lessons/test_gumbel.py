"""Lesson 2: as temperature falls the bias of the gradient shrinks and its variance grows; winners never change."""

from __future__ import annotations

import numpy as np
import pytest

from core.lessons.gumbel import TEMPERATURES, draw_calls, exact_gradient, genotypes, gradients

SEEDS = range(1, 6)


@pytest.mark.parametrize("frequency", [0.1, 0.3, 0.5, 0.7, 0.9])
@pytest.mark.parametrize("seed", SEEDS)
def test_bias_shrinks_and_variance_grows_as_temperature_falls(seed: int, frequency: float) -> None:
    result = gradients(1.0, frequency, False, seed)
    assert np.all(np.diff(result.deviation) < 0)  # temperatures rise
    error = np.abs(result.mean - result.exact)
    # The mean of 10,000 samples is itself uncertain; three of its standard errors are granted to the cold end.
    chance = 3 * result.deviation[0] / np.sqrt(len(result.samples))
    assert error[0] < error[-1] / 2 + chance
    # Where the loss bends most the bias grows all the way.
    if 0.3 <= frequency <= 0.5:
        assert error[-1] > 0.5 * result.exact and error[0] < 0.2 * result.exact


@pytest.mark.parametrize("seed", SEEDS)
def test_hard_calls_have_the_same_trade_off(seed: int) -> None:
    result = gradients(1.0, 0.3, True, seed)
    assert np.all(np.diff(result.deviation) < 0)
    assert abs(result.mean[0] - result.exact) < abs(result.mean[-1] - result.exact) / 2


@pytest.mark.parametrize("seed", SEEDS)
def test_winners_follow_the_true_probabilities_at_any_temperature(seed: int) -> None:
    cold, hot = (draw_calls(temperature, 0.3, False, seed) for temperature in (TEMPERATURES[0], TEMPERATURES[-1]))
    np.testing.assert_array_equal(cold.winner, hot.winner)
    np.testing.assert_array_equal(cold.winner, cold.soft.argmax(axis=1))
    # Four standard errors of a share of 400 calls.
    assert np.all(np.abs(cold.shares - cold.probability) < 4 * np.sqrt(0.25 / len(cold.call)))
    assert hot.decided < 0.5 and cold.decided > 0.9
    np.testing.assert_allclose(hot.soft.sum(axis=1), 1)


def test_hard_calls_are_one_hot() -> None:
    draws = draw_calls(1.0, 0.3, True, 1)
    np.testing.assert_allclose(draws.call, np.eye(3)[draws.winner], atol=1e-12)


@pytest.mark.parametrize("frequency", [0.1, 0.3, 0.9])
def test_the_exact_gradient_is_that_of_the_expectation(frequency: float) -> None:
    def loss(log_odds: float) -> float:
        return float(genotypes(1 / (1 + np.exp(-log_odds))) @ np.array([0, 1, 4]))

    place, step = np.log(frequency / (1 - frequency)), 1e-5
    slope = (loss(place + step) - loss(place - step)) / (2 * step)
    assert exact_gradient(frequency) == pytest.approx(slope, rel=1e-6)
