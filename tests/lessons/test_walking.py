"""Lesson 10: half-way a mixture has two humps and is wide, transport has one and the spread between."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from core.config.home import PRETRAINED
from core.latents.lens import Lens, open_lens
from core.lessons.walking import GRID, PATHS, SPREAD, walk


@cache
def shipped() -> Lens:
    return open_lens(PRETRAINED / "gaussians" / "checkpoints")


@pytest.mark.parametrize(("distance", "spread"), [(2.5, 0.35), (3.5, 0.35), (2.5, 0.6), (2.0, 0.2)])
def test_half_way_the_mixture_has_two_humps_and_transport_one(distance: float, spread: float) -> None:
    moment = walk(0.5, distance, spread, seed=1)
    mixture, transport = moment.paths["Mixture"], moment.paths["Transport"]
    assert (mixture.humps, transport.humps) == (2, 1)
    between = (SPREAD**2 + spread**2) / 2
    assert mixture.variance == pytest.approx(between + (distance / 2) ** 2)
    assert transport.spread == pytest.approx((SPREAD + spread) / 2)
    assert mixture.spread > max(SPREAD, spread) >= transport.spread
    # The line between mean and covariance is wider than transport, or as wide where both ends are alike.
    assert moment.paths["Latent"].variance == pytest.approx(between)
    assert moment.paths["Latent"].spread >= transport.spread - 1e-12


def test_two_humps_become_one_below_two_spreads() -> None:
    # Equal halves of two Gaussians of one spread have two modes exactly above a distance of two spreads.
    humps = {distance: walk(0.5, distance, SPREAD, 1).paths["Mixture"].humps for distance in (0.6, 0.8)}
    assert humps == {0.6: 1, 0.8: 2}


@pytest.mark.parametrize("t", [0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("seed", range(1, 5))
def test_points_are_draws_of_the_densities(t: float, seed: int) -> None:
    for path in walk(t, 2.5, 0.5, seed).paths.values():
        assert np.trapezoid(path.density, GRID) == pytest.approx(1, abs=1e-3)
        mean = np.trapezoid(path.density * GRID, GRID)
        assert np.trapezoid(path.density * (GRID - mean) ** 2, GRID) == pytest.approx(path.variance, rel=1e-2)
        x = path.points[:, 0]
        # 300 points place a mean within spread / √300 and a variance within 8 %; four times that never happens.
        assert abs(x.mean() - mean) < 4 * path.spread / np.sqrt(len(x))
        assert x.var() == pytest.approx(path.variance, rel=0.33)


def test_points_of_transport_move_and_those_of_the_mixture_change_sides() -> None:
    start, middle, end = (walk(t, 2.5, 0.35, 3).paths for t in (0.0, 0.5, 1.0))
    moved = {name: np.linalg.norm(middle[name].points - start[name].points, axis=1) for name in PATHS}
    np.testing.assert_allclose(moved["Transport"], 1.25)
    assert np.isin(moved["Mixture"].round(9), (0, 2.5)).all() and moved["Mixture"].mean() == pytest.approx(1.25)
    np.testing.assert_allclose(start["Mixture"].points, start["Transport"].points)
    np.testing.assert_allclose(end["Mixture"].points, end["Transport"].points)


@pytest.mark.parametrize("seed", range(1, 6))
def test_the_shipped_model_walks_as_transport_does_and_not_as_a_mixture(seed: int) -> None:
    path = walk(0.5, 2.5, 0.35, seed, shipped()).paths["Latent"]
    assert path.humps == 1
    # Half of the way is 1.25 from either end: a cloud that is nearer to the middle than a fifth of it is none of them.
    assert abs(path.points[:, 0].mean() - 2.25) < 0.25
    # 500 observations of the ends and 400 generated: the spread is sure to some 5 %, and the model's own error.
    assert path.spread == pytest.approx(0.35, rel=0.2)
