"""Distances as matrix products, against scipy entry by entry."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from core.evaluation import distances as module
from core.evaluation.distances import (
    COLUMN_BLOCK,
    METRICS,
    distance_blocks,
    distances,
    integer_product,
    natural,
    nearest_between,
    nearest_within,
)
from tests.evaluation.cohorts import noise


def oracle(a: np.ndarray, b: np.ndarray, metric: str) -> np.ndarray:
    """Distances by explicit differences in int64."""
    wide = a[:, None].astype(np.int64) - b[None].astype(np.int64)
    return {"euclidean": (wide**2).sum(-1), "manhattan": abs(wide).sum(-1), "hamming": (wide != 0).sum(-1)}[metric]


@pytest.mark.parametrize("ploidy", [1, 2])
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 7), (40, 33, 129), (19, 64, 801)])
def test_equals_the_differences_exactly(metric: str, shape: tuple[int, int, int], ploidy: int) -> None:
    a, b = noise(shape[0], shape[2], 1, ploidy), noise(shape[1], shape[2], 2, ploidy)
    assert np.array_equal(distances(a, b, metric), oracle(a, b, metric))


@pytest.mark.parametrize(("metric", "scipy_name"), [("euclidean", "sqeuclidean"), ("manhattan", "cityblock")])
def test_equals_scipy(metric: str, scipy_name: str) -> None:
    a, b = noise(60, 500, 3), noise(70, 500, 4)
    assert np.array_equal(distances(a, b, metric), cdist(a, b, scipy_name))
    assert np.array_equal(distances(a, b, "hamming"), np.rint(cdist(a, b, "hamming") * 500))


@pytest.mark.parametrize("metric", METRICS)
def test_many_variants_are_summed_over_blocks(metric: str) -> None:
    a, b = noise(20, COLUMN_BLOCK + 77, 5), noise(21, COLUMN_BLOCK + 77, 6)
    assert np.array_equal(distances(a, b, metric), oracle(a, b, metric))


@pytest.mark.parametrize("metric", METRICS)
def test_blocks_of_rows_make_the_whole(metric: str) -> None:
    a, b = noise(50, 90, 7), noise(31, 90, 8)
    parts = list(distance_blocks(a, b, metric, block=31 * 7))
    assert [rows.start for rows, _ in parts] == list(range(0, 50, 7))
    assert np.array_equal(np.concatenate([part.numpy() for _, part in parts]), oracle(a, b, metric))


@pytest.mark.parametrize("metric", METRICS)
def test_nearest_are_the_smallest(metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = noise(45, 60, 9), noise(38, 60, 10)
    a[7] = a[3]  # an identical twin is a neighbour at distance 0; oneself is not
    monkeypatch.setattr(module, "_BLOCK_DISTANCES", 45 * 10)
    own = oracle(a, a, metric).astype(float)
    np.fill_diagonal(own, np.inf)
    assert np.array_equal(nearest_within(a, 6, metric), np.sort(own, axis=1)[:, :6])
    assert nearest_within(a, 1, metric)[[3, 7], 0].tolist() == [0, 0]
    found, index = nearest_between(a, b, 4, metric)
    cross = oracle(a, b, metric)
    assert np.array_equal(found, np.sort(cross, axis=1)[:, :4])
    assert np.array_equal(np.take_along_axis(cross, index, axis=1), found)


def test_natural_units() -> None:
    assert natural(np.array([4, 9], dtype=np.float32), "euclidean").tolist() == [2, 3]
    assert natural(np.array([4, 9], dtype=np.float32), "hamming").tolist() == [4, 9]


def test_products_are_exact_and_refuse_what_would_not_be() -> None:
    import torch

    for rows, others, columns in [(1, 2, 3), (17, 33, 805), (200, 150, 1000)]:
        a = torch.randint(-8, 9, (rows, columns), dtype=torch.int8)
        b = torch.randint(-8, 9, (others, columns), dtype=torch.int8)
        assert torch.equal(integer_product(a, b).long(), a.long() @ b.long().T)
        assert torch.equal(integer_product(a.T.contiguous().T, b).long(), a.long() @ b.long().T)
    with pytest.raises(ValueError, match="too many"):
        integer_product(torch.zeros(1, 1 << 18, dtype=torch.int8), torch.zeros(1, 1 << 18, dtype=torch.int8))
