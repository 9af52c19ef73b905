"""Lesson 9: what order, doubling and size do to the embedding of a set, by pooling."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.lessons.sets import CELLS, POOLINGS, SIZES, distances, embed, pool, slope
from core.models.gde.layers import weighted_mean

SEEDS = range(1, 9)
EXACT = 1e-12  # rounding of sums of 1,200 numbers, as a share of the embedding's length


@pytest.mark.parametrize("seed", SEEDS)
def test_only_a_table_read_by_row_notices_the_order(seed: int) -> None:
    moved = {pooling: embed(pooling, "Shuffle", 25, seed).moved for pooling in POOLINGS}
    assert all(moved[pooling] < EXACT for pooling in ("Sum", "Mean", "Max"))
    assert moved["By row"] > 0.3  # .45 to .54 at the seeds 1 to 12


@pytest.mark.parametrize("seed", SEEDS)
def test_a_sum_doubles_with_the_set_and_mean_and_maximum_stay(seed: int) -> None:
    moved = {pooling: embed(pooling, "Double", 25, seed).moved for pooling in POOLINGS}
    assert moved["Sum"] == pytest.approx(1, abs=EXACT)
    assert moved["Mean"] < EXACT and moved["Max"] == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_the_maximum_grows_with_the_size_of_the_set_and_the_mean_does_not(seed: int) -> None:
    few, many = (embed("Max", "Double", m, seed) for m in (25, 400))
    # No subset passes the maximum of the whole, and more cells come nearer to it.
    assert (few.subsets <= few.whole).all()
    assert (few.subsets.mean(axis=0) < many.subsets.mean(axis=0)).all()
    mean = embed("Mean", "Halve", 25, seed)
    # 200 subsets place their mean within scatter / √200; three times that leaves out one seed in hundreds.
    assert mean.off < 3 * mean.scatter / np.sqrt(200)
    assert few.off > 10 * mean.off


@pytest.mark.parametrize("seed", SEEDS)
def test_the_scatter_of_the_mean_falls_as_one_over_the_root(seed: int) -> None:
    # Eight points with 5 % of chance each over two decades of size: the slope is sure to about 0.015.
    assert slope(distances(seed)["Mean"]) == pytest.approx(-0.5, abs=0.05)
    assert slope(distances(seed)["By row"]) > -0.2  # its distance is one of order, which more cells do not heal
    share = distances(seed)["Sum"]
    np.testing.assert_allclose(share, np.abs(1 - np.array(SIZES) / CELLS), atol=0.02)  # a sum lacks what was not drawn


def test_the_mean_is_that_of_the_set_encoders() -> None:
    features = np.random.default_rng(0).normal(size=(3, 50, 2))
    np.testing.assert_allclose(pool(features, "Mean"), weighted_mean(torch.as_tensor(features), None).numpy())
