"""Lesson 1: shuffling keeps every frequency and no linkage; crossovers and generations break it."""

from __future__ import annotations

import numpy as np
import pytest

from core.lessons.linkage import simulate

SEEDS = range(1, 6)


@pytest.mark.parametrize("seed", SEEDS)
def test_frequencies_are_equal_and_linkage_is_not(seed: int) -> None:
    pair = simulate(rate=1.0, generations=20, seed=seed)
    np.testing.assert_array_equal(pair.real.frequency, pair.shuffled.frequency)
    assert pair.real.neighbours > 5 * pair.shuffled.neighbours
    # Two independent variants of n individuals have r² 1 / (n - 1) by chance.
    assert pair.shuffled.neighbours < 3 / (len(pair.population) - 1)
    assert pair.real.share > 2 * pair.shuffled.share


def test_generations_and_crossovers_break_linkage() -> None:
    near = slice(2)  # further away stays what two populations in one cohort bring, which no crossover breaks

    def linkage(rate: float, generations: int) -> float:
        return float(np.mean([np.nanmean(simulate(rate, generations, s).real.decay[near]) for s in SEEDS]))

    assert linkage(1.0, 500) < linkage(1.0, 20) < linkage(0.1, 20)


def test_chance_decides_which_is_shown_first_and_a_seed_repeats_itself() -> None:
    pairs = [simulate(1.0, 20, seed) for seed in SEEDS]
    assert {pair.real_first for pair in pairs} == {True, False}
    np.testing.assert_array_equal(pairs[0].real.calls, simulate(1.0, 20, 1).real.calls)
    assert pairs[0].shown[pairs[0].real_first is False] is pairs[0].real
