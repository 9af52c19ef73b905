"""Polychoric correlation against scipy's bivariate normal; nearest correlation against Higham's own example."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from core.models.latent_correlation import latent_correlation, nearest_correlation, square_root, thresholds

RARE, COMMON, EMPTY_HETEROZYGOTE = [0.98, 0.015, 0.005], [0.3, 0.45, 0.25], [0.6, 0.0, 0.4]


def implied_covariance(first: list[float], second: list[float], rho: float) -> float:
    """Σ_ab Φ₂(t_a, t_b; ρ) − Φ(t_a) Φ(t_b), by scipy."""
    cuts = [thresholds(torch.tensor([[f]], dtype=torch.float64))[0, 0].numpy() for f in (first, second)]
    joint = multivariate_normal(cov=[[1, rho], [rho, 1]], allow_singular=True)
    one = multivariate_normal(cov=1)
    return float(sum(joint.cdf([a, b]) - one.cdf(a) * one.cdf(b) for a in cuts[0] for b in cuts[1]))


@pytest.mark.parametrize("rho", [-0.9, -0.4, 0.0, 0.2, 0.7, 0.97])
@pytest.mark.parametrize(
    ("first", "second"),
    [(COMMON, COMMON), (COMMON, EMPTY_HETEROZYGOTE), (RARE, [0.9, 0.09, 0.01]), ([0.4, 0.6], [0.6, 0.4])],
)
def test_the_latent_correlation_is_recovered(first: list[float], second: list[float], rho: float) -> None:
    covariance = torch.tensor([[implied_covariance(first, second, rho)]], dtype=torch.float64)
    cut = [thresholds(torch.tensor([[f]], dtype=torch.float64)) for f in (first, second)]
    found = latent_correlation(covariance, cut[0], cut[1], torch.ones(1, dtype=torch.float64)).item()
    # Where the rare pair's covariance barely moves with ρ, the covariance that comes out is what must agree.
    assert implied_covariance(first, second, found) == pytest.approx(covariance.item(), abs=5e-4)
    if first != RARE:
        assert found == pytest.approx(rho, abs=5e-3)


def test_groups_are_averaged() -> None:
    groups = [(COMMON, [0.5, 0.4, 0.1]), (RARE, [0.8, 0.15, 0.05])]
    mean = 0.25 * implied_covariance(*groups[0], 0.5) + 0.75 * implied_covariance(*groups[1], 0.5)
    first, second = (thresholds(torch.tensor([[g[k]] for g in groups], dtype=torch.float64)) for k in (0, 1))
    weight = torch.tensor([0.25, 0.75], dtype=torch.float64)
    found = latent_correlation(torch.tensor([[mean]], dtype=torch.float64), first, second, weight)
    assert found.item() == pytest.approx(0.5, abs=3e-3)


def test_beyond_reach_is_one_and_without_variation_zero() -> None:
    cut = thresholds(torch.tensor([[COMMON, [1.0, 0.0, 0.0]]], dtype=torch.float64))
    covariance = torch.tensor([[5.0, 0.0], [0.0, 0.0]], dtype=torch.float64)
    found = latent_correlation(covariance, cut, cut, torch.ones(1, dtype=torch.float64))
    torch.testing.assert_close(found, torch.tensor([[1.0, 0.0], [0.0, 0.0]], dtype=torch.float64))


def test_nearest_correlation_of_highams_example() -> None:
    # Higham 2002, section 4: the nearest correlation matrix to this one, to four digits.
    matrix = torch.tensor([[1.0, 1, 0], [1, 1, 1], [0, 1, 1]], dtype=torch.float64)
    expected = torch.tensor([[1, 0.7607, 0.1573], [0.7607, 1, 0.7607], [0.1573, 0.7607, 1]], dtype=torch.float64)
    torch.testing.assert_close(nearest_correlation(matrix, rounds=200), expected, atol=2e-3, rtol=0)


@pytest.mark.parametrize("rounds", [0, 1, 20])
def test_the_result_is_valid_after_any_number_of_rounds(rounds: int) -> None:
    noise = torch.rand(30, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(3)) * 2 - 1
    matrix = ((noise + noise.T) / 2).fill_diagonal_(1.0)
    valid = nearest_correlation(matrix, rounds)
    torch.testing.assert_close(valid.diagonal(), torch.ones(30, dtype=torch.float64))
    assert float(torch.linalg.eigvalsh(valid)[0]) > 0
    factor = square_root(valid)
    np.testing.assert_allclose(factor @ factor.T, valid, atol=1e-10)
