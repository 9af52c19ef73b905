"""Lesson 3: both gradients are right on average, and that of the score function has the larger variance."""

from __future__ import annotations

import numpy as np
import pytest

from core.lessons.reparameterisation import (
    REPARAMETERISATION,
    SCORE,
    Gradients,
    Training,
    cohort,
    exact_gradient,
    gradients,
)  # fmt: skip

SEEDS = range(1, 6)


def within(result: Gradients) -> bool:
    """Whether both means are within four of their standard errors of the exact gradient."""
    both = (result.score, result.path)
    return all(abs(g.mean() - result.exact) < 4 * g.std() / np.sqrt(len(g)) for g in both)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("spread", [0.1, 1.0, 3.0])
@pytest.mark.parametrize("latents", [1, 4, 32])
def test_the_score_function_has_the_larger_variance(latents: int, spread: float, seed: int) -> None:
    result = gradients(spread, latents, seed)
    assert within(result)
    # The least favourable corner, one wide latent, has a ratio of some 9.
    assert result.ratio > 4


@pytest.mark.parametrize("seed", SEEDS)
def test_more_latents_hurt_the_score_function_alone(seed: int) -> None:
    one, many = gradients(1.0, 1, seed), gradients(1.0, 32, seed)
    # The cost grows with the number of latents and the variance with its square; the cost of the first latent also
    # varies with its own noise, which counts for one latent and not for 32: some 0.4 of 32² is left.
    assert many.variances[0] > 0.3 * 32**2 * one.variances[0]
    # The slope by the first latent is the same random variable; the samples are others: 10 % is five of their errors.
    assert many.variances[1] == pytest.approx(one.variances[1], rel=0.1)


@pytest.mark.parametrize("spread", [0.1, 1.0, 3.0])
def test_the_exact_gradient_is_that_of_the_expectation(spread: float) -> None:
    grid = np.linspace(-12, 12, 200_001)
    density = np.exp(-(grid**2) / 2) / np.exp(-(grid**2) / 2).sum()

    def cost(mean: float) -> float:
        return float(density @ (2 * np.logaddexp(0, -(mean + spread * grid))))

    assert exact_gradient(spread) == pytest.approx((cost(1e-4) - cost(-1e-4)) / 2e-4, rel=1e-3)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_vae_learns_faster_by_reparameterisation(seed: int) -> None:
    training = Training(cohort(seed), seed)
    training.train(100)
    by_path, by_score = (np.mean(training.losses[way][-10:]) for way in (REPARAMETERISATION, SCORE))
    assert training.losses[REPARAMETERISATION][0] == pytest.approx(training.losses[SCORE][0], rel=0.05)
    assert by_path < by_score - 2  # nats per individual
    assert {z.shape for z in training.latents().values()} == {(150, 2)}


def test_a_seed_repeats_itself() -> None:
    first, second = (Training(cohort(1), 1) for _ in range(2))
    first.train(4)
    second.train(2)
    second.train(2)
    assert first.losses == second.losses and not first.finished
