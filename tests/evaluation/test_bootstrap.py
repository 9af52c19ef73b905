"""Resampling weights, and whether intervals cover what they should."""

from __future__ import annotations

import numpy as np
import pytest

from core.evaluation.bootstrap import (
    block_weights,
    contiguous_blocks,
    interval,
    multinomial_weights,
    resampled_means,
)


def test_weights_make_replicates_of_the_same_size() -> None:
    weights = multinomial_weights(50, 300, np.random.default_rng(0))
    assert weights.shape == (300, 50)
    assert (weights.sum(axis=1) == 50).all()
    assert weights.mean() == 1
    assert weights.var() == pytest.approx(1 - 1 / 50, abs=0.05)


def test_resampled_means_have_the_standard_error() -> None:
    values = np.random.default_rng(1).normal(size=(400, 3))
    draws = resampled_means(values, 2000, np.random.default_rng(2))
    assert draws.shape == (2000, 3)
    assert draws.mean(axis=0) == pytest.approx(values.mean(axis=0), abs=0.01)
    assert draws.std(axis=0) == pytest.approx(values.std(axis=0) / 20, rel=0.1)


@pytest.mark.parametrize(("m", "count"), [(10, 3), (7, 7), (3, 20), (1000, 20)])
def test_blocks_are_runs_of_equal_length(m: int, count: int) -> None:
    blocks = contiguous_blocks(m, count)
    assert (np.diff(blocks) >= 0).all()
    sizes = np.bincount(blocks)
    assert len(sizes) == min(m, count)
    assert sizes.max() - sizes.min() <= 1
    assert block_weights(m, count, 5, np.random.default_rng(0)).shape == (5, min(m, count))


def test_intervals_of_a_share_cover_the_truth() -> None:
    """Of 400 intervals at 90 % for a share of 0.3, close to 360 hold it."""
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(400):
        each = rng.random(120) < 0.3
        span = interval(each.mean(), resampled_means(each, 200, rng), 0.9, (0, 1))
        assert span is not None
        hits += span[0] <= 0.3 <= span[1]
    assert 0.84 < hits / 400 < 0.95


def test_intervals_of_a_correlation_are_not_shifted_by_the_noise_of_replicates() -> None:
    """Resampled individuals make every frequency noisier, so a correlation of frequencies falls in each replicate."""
    value, draws = 0.99, np.random.default_rng(4).normal(0.97, 0.002, 500)
    low, high = interval(value, draws, 0.95, (-1, 1)) or (0, 0)
    assert low < value < high
    assert high - low == pytest.approx(2 * 1.96 * 0.002, rel=0.2)


def test_intervals_stay_within_bounds_and_need_replicates() -> None:
    draws = np.random.default_rng(5).normal(0.99, 0.05, 200)
    assert (interval(0.99, draws, 0.95, (0, 1)) or (0, 0))[1] == 1
    assert interval(0.5, None, 0.95) is None
    assert interval(0.5, np.full(100, np.nan), 0.95) is None
    assert interval(0.5, np.ones(19), 0.95) is None
