"""Copies, duplicates and nearest records."""

from __future__ import annotations

import numpy as np
import pytest

from core.evaluation.context import Panel
from core.evaluation.nearest import arrays, curves, records
from core.evaluation.registry import metrics
from tests.evaluation.cohorts import comparison, mosaic, noise
from tests.evaluation.test_adversarial import value


def test_duplicates_and_copies_are_counted_exactly() -> None:
    real = noise(50, 80, 1)
    fake = noise(40, 80, 2)
    fake[1] = fake[0]
    fake[2] = fake[0]
    fake[10:15] = real[20:25]
    here = comparison(real, fake, draws=50)
    assert value("duplicates", here) == pytest.approx(3 / 40)
    assert value("copies", here) == pytest.approx(5 / 40)
    assert metrics["copies"].value(here).draws is not None


def test_copies_are_sought_among_the_training_individuals() -> None:
    train, holdout = noise(60, 80, 1), noise(30, 80, 2)
    fake = np.concatenate([train[:6], holdout[:12], noise(12, 80, 3)])
    assert value("copies", comparison(holdout, fake, train)) == pytest.approx(6 / 30)


def test_a_copy_with_missing_calls_is_still_a_copy() -> None:
    train, holdout = noise(40, 200, 1), noise(20, 200, 2)
    fake = np.concatenate([train[:10], noise(10, 200, 3)])
    train[np.random.default_rng(4).random(train.shape) < 0.02] = -1
    estimate = metrics["copies"].value(comparison(holdout, fake, train))
    assert estimate.value == pytest.approx(10 / 20)
    assert "missing" in metrics["precision"].value(comparison(train, fake)).params


def test_nearest_record_ratio() -> None:
    train, holdout = mosaic(200, 150, 1), mosaic(200, 150, 2)
    assert value("nearest_record_ratio", comparison(holdout, mosaic(200, 150, 3), train)) == pytest.approx(1, abs=0.1)
    near = train.calls.copy()
    near[:, ::30] = (near[:, ::30] + 1) % 3
    assert value("nearest_record_ratio", comparison(holdout, near, train)) < 0.6
    assert value("nearest_neighbour_ratio", comparison(holdout, near, train)) < 0.6
    assert value("nearest_neighbour_ratio", comparison(holdout, train, train)) == 0
    twins = np.repeat(noise(20, 40, 5), 2, axis=0)
    estimate = metrics["nearest_record_ratio"].value(comparison(twins, noise(20, 40, 6)))
    assert estimate.value is None
    assert "twin" in str(estimate.reason)


@pytest.mark.parametrize("n_train", [100, 400])
def test_share_nearer_to_training_is_corrected_for_size(n_train: int) -> None:
    train, holdout = mosaic(n_train, 150, 1), mosaic(100, 150, 2)
    assert value("nearest_train_share", comparison(holdout, mosaic(300, 150, 3), train)) == pytest.approx(0.5, abs=0.1)
    assert value("nearest_train_share", comparison(holdout, train, train)) == pytest.approx(1.0)
    assert value("nearest_train_share", comparison(holdout, holdout, train)) == pytest.approx(0.0)


def test_unrealistic_individuals_crowd_around_few_and_the_interval_says_so() -> None:
    """Everybody far away shares the same nearest real individuals; resampling them one by one would hide that."""
    train, holdout, honest = (mosaic(n, 600, s, founders=8, switch=0.01) for n, s in ((160, 1), (40, 2), (200, 3)))
    mode = np.array([np.bincount(c, minlength=3).argmax() for c in train.calls.T], dtype=np.int8)
    crowd = np.where(np.random.default_rng(1).random(honest.calls.shape) < 0.03, honest.calls, mode).astype(np.int8)
    far = metrics["nearest_train_share"].value(comparison(holdout, crowd, train, draws=200))
    near = metrics["nearest_train_share"].value(comparison(holdout, honest, train, draws=200))
    assert near.draws is not None
    assert far.params["distinct_nearest"] < near.params["distinct_nearest"] / 4
    assert far.draws is None or far.draws.std() > 1.5 * near.draws.std()


def test_curve_and_arrays_hold_every_individual() -> None:
    here = comparison(mosaic(60, 80, 1), mosaic(50, 80, 2))
    panel = Panel(here, comparison(mosaic(60, 80, 1), noise(50, 80, 3)), None)
    rows = curves(panel)["nearest_distances"]
    for name in ("synthetic", "null", "real"):
        assert sum(row[name] for row in rows) == pytest.approx(1)
    kept = arrays(panel)["nearest"]
    assert kept["synthetic"].shape == (50,)
    assert kept["real"].shape == (60,)
    assert np.array_equal(kept["nearest_index"], records(here).index[:, 0])
