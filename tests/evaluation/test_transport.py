"""Transport formulas against closed forms, an independent solver, and each other."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.optimize import linprog

from core.evaluation import transport as ot


def spd(rng: np.random.Generator, d: int) -> np.ndarray:
    a = rng.normal(size=(d, d))
    return a @ a.T + 0.1 * np.eye(d)


def test_gaussian_w2_of_the_textbook_example() -> None:
    # N(0, I) against N((3, 4), 4 I): 25 + 2 = 27.
    zero, eye = np.zeros(2), np.eye(2)
    assert ot.gaussian_w2(zero, eye, np.array([3.0, 4.0]), 4 * eye) == pytest.approx(np.sqrt(27))


def test_bures_agrees_with_the_matrix_square_root_of_scipy() -> None:
    rng = np.random.default_rng(0)
    a, b = spd(rng, 4), spd(rng, 4)
    root = sqrtm(a)
    assert ot.bures_squared(a, b) == pytest.approx(np.trace(a + b - 2 * np.real(sqrtm(root @ b @ root))))
    assert ot.bures_squared(a, b) == pytest.approx(ot.bures_squared(b, a))
    assert ot.bures_squared(a, a) == pytest.approx(0, abs=1e-10)


def test_the_gaussian_geodesic_has_constant_speed_and_the_right_ends() -> None:
    rng = np.random.default_rng(1)
    start, end = (rng.normal(size=3), spd(rng, 3)), (rng.normal(size=3), spd(rng, 3))
    total = ot.gaussian_w2(*start, *end)
    for t in (0.0, 0.25, 0.7, 1.0):
        middle = ot.gaussian_geodesic(*start, *end, t)
        assert ot.gaussian_w2(*start, *middle) == pytest.approx(t * total, abs=1e-7)
        assert ot.gaussian_w2(*middle, *end) == pytest.approx((1 - t) * total, abs=1e-7)


def test_sample_w2_agrees_with_the_linear_programme() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(7, 2)), rng.normal(size=(7, 2)) + 1
    cost = np.square(x[:, None] - y[None]).sum(axis=2)
    rows, columns = np.kron(np.eye(7), np.ones(7)), np.tile(np.eye(7), 7)
    solved = linprog(cost.ravel(), A_eq=np.vstack([rows, columns]), b_eq=np.full(14, 1 / 7))
    assert ot.sample_w2(x, y) == pytest.approx(np.sqrt(solved.fun))


def test_large_gaussian_samples_come_near_the_closed_form() -> None:
    rng = np.random.default_rng(3)
    a, b = spd(rng, 2), spd(rng, 2)
    shift = np.array([2.0, -1.0])
    x, y = rng.multivariate_normal(np.zeros(2), a, 1500), rng.multivariate_normal(shift, b, 1500)
    assert ot.sample_w2(x, y) == pytest.approx(ot.gaussian_w2(np.zeros(2), a, shift, b), rel=0.06)


def test_displacement_pairs_the_samples_at_the_transport_cost() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(30, 3)), rng.normal(size=(30, 3)) * 2
    first, second = ot.pairing(x, y)
    a, b = x[first], y[second]
    assert np.sqrt(np.square(a - b).sum(axis=1).mean()) == pytest.approx(ot.sample_w2(x, y))
    np.testing.assert_allclose(np.sort(b, axis=0), np.sort(y, axis=0))


def test_unequal_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="equal size"):
        ot.sample_w2(np.zeros((2, 1)), np.zeros((3, 1)))
