"""Linkage between neighbours: agrees with numpy's correlation, and is 0 where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from core.data.genotypes import from_calls
from core.data.neighbour_linkage import neighbour_r2


def test_it_is_the_mean_of_squared_correlations_within_contigs() -> None:
    rng = np.random.default_rng(0)
    calls = rng.integers(0, 3, (200, 6)).astype(np.int8)
    calls[:, 1] = calls[:, 0]
    calls[:, 4] = np.where(rng.random(200) < 0.7, calls[:, 3], calls[:, 4])
    calls[:, 5] = 1  # does not vary: its pair is left out
    genotypes = from_calls(calls, variant_contig=np.array(["1", "1", "1", "2", "2", "2"]))
    r = np.corrcoef(calls[:, :5].T.astype(float))
    expected = np.mean([r[0, 1] ** 2, r[1, 2] ** 2, r[3, 4] ** 2]) - 1 / 199
    assert neighbour_r2(genotypes) == pytest.approx(expected, abs=1e-12)


def test_without_linkage_or_pairs_it_is_about_zero() -> None:
    rng = np.random.default_rng(1)
    assert neighbour_r2(from_calls(rng.integers(0, 3, (300, 400)))) < 0.002
    assert neighbour_r2(from_calls(np.zeros((10, 3)))) == 0
    assert neighbour_r2(from_calls(rng.integers(0, 3, (300, 1)))) == 0


def test_missing_calls_hardly_change_it() -> None:
    rng = np.random.default_rng(2)
    calls = np.repeat(rng.integers(0, 3, (400, 20)), 2, axis=1).astype(np.int8)
    whole = neighbour_r2(from_calls(calls))
    calls[rng.random(calls.shape) < 0.02] = -1
    assert neighbour_r2(from_calls(calls)) == pytest.approx(whole, abs=0.05)
