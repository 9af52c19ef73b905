"""Filling of missing calls."""

from __future__ import annotations

import numpy as np

from core.data.genotypes import from_calls
from core.data.missing import filled


def test_called_entries_stay_and_none_is_missing() -> None:
    rng = np.random.default_rng(0)
    calls = rng.integers(-1, 3, (300, 2500)).astype(np.int8)
    full = filled(from_calls(calls), seed=1)
    assert full.dtype == np.int8
    assert ((full >= 0) & (full <= 2)).all()
    np.testing.assert_array_equal(full[calls >= 0], calls[calls >= 0])
    np.testing.assert_array_equal(full, filled(from_calls(calls), seed=1))
    assert (full != filled(from_calls(calls), seed=2)).any()


def test_a_complete_matrix_is_returned_as_it_is() -> None:
    genotypes = from_calls(np.ones((4, 3)))
    assert filled(genotypes, 0) is genotypes.calls


def test_draws_follow_the_genotype_frequencies_of_the_population() -> None:
    rng = np.random.default_rng(0)
    frequencies = np.array([[0.7, 0.2, 0.1], [0.0, 0.3, 0.7]])
    population = np.repeat([0, 1], 20_000)
    complete = np.array([rng.choice(3, p=frequencies[g]) for g in population])[:, None]
    calls = np.where(rng.random(complete.shape) < 0.5, -1, complete)
    full = filled(from_calls(calls, labels={"pop": population.astype(str)}), 3)
    for group in range(2):
        drawn = full[(population == group) & (calls[:, 0] < 0), 0]
        shares = np.bincount(drawn, minlength=3) / len(drawn)
        np.testing.assert_allclose(shares, frequencies[group], atol=0.02)


def test_a_population_with_few_calls_borrows_those_of_the_cohort() -> None:
    calls = np.full((200, 2), 2)
    calls[:100] = -1
    calls[:4, 0] = 0  # four calls are too few to be believed
    calls[:, 1] = -1  # nobody is called: the reference allele
    population = np.repeat(["few", "many"], 100)
    full = filled(from_calls(calls, labels={"pop": population}), 0)
    assert (full[4:100, 0] == 2).mean() > 0.9
    assert (full[:, 1] == 0).all()


def test_haplotypes_are_filled_with_0_and_1() -> None:
    rng = np.random.default_rng(0)
    full = filled(from_calls(rng.integers(-1, 2, (50, 40)), ploidy=1), 0)
    assert set(np.unique(full).tolist()) == {0, 1}
