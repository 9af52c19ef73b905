"""Divergences against closed forms and independent libraries."""

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from scipy.stats import energy_distance as scipy_energy
from scipy.stats import wasserstein_distance

from core.models.gde.divergences import (
    energy_distance,
    mmd,
    random_projections,
    sinkhorn_divergence,
    sliced_wasserstein,
)


def pair(k: int = 60, d: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(2, k, d, generator=rng, dtype=torch.float64)
    y = torch.randn(2, k, d, generator=rng, dtype=torch.float64) * 0.5 + 1.0
    return x, y


def test_sliced_wasserstein_of_a_shift_is_its_squared_length() -> None:
    x, _ = pair()
    shift = torch.tensor([3.0, 4.0, 0.0], dtype=torch.float64)
    torch.manual_seed(0)
    value = sliced_wasserstein(x, x + shift, random_projections(3, 20_000, x))
    torch.testing.assert_close(value, torch.full((2,), 25.0, dtype=torch.float64), rtol=0.02, atol=0)


def test_sliced_wasserstein_in_one_dimension_is_exact_transport() -> None:
    x, y = pair(d=1)
    direction = torch.ones(1, 1, dtype=torch.float64)
    value = sliced_wasserstein(x, y, direction)[0].item()
    order = np.square(np.sort(x[0, :, 0]) - np.sort(y[0, :, 0])).mean()
    assert value == pytest.approx(order)
    # W1 of scipy bounds W2 from below: an independent sanity check of the scale.
    assert value >= wasserstein_distance(x[0, :, 0], y[0, :, 0]) ** 2 - 1e-12


def test_sliced_wasserstein_takes_unequal_sizes() -> None:
    x = torch.linspace(0, 1, 501, dtype=torch.float64)[None, :, None]
    y = torch.linspace(0, 1, 47, dtype=torch.float64)[None, :, None] + 2
    assert sliced_wasserstein(x, y, torch.ones(1, 1, dtype=torch.float64)).item() == pytest.approx(4.0, rel=1e-3)


def test_energy_distance_agrees_with_scipy() -> None:
    x, y = pair(k=80, d=1)
    # SciPy's is the square root of half of the biased statistic; remove the bias of the self terms.
    ours = energy_distance(x[:1], y[:1]).item()
    n = x.shape[1]
    within = sum(np.abs(v - v.T).sum() / n**2 for v in (x[0].numpy(), y[0].numpy()))
    biased = 2 * scipy_energy(x[0, :, 0], y[0, :, 0]) ** 2 / 2
    assert ours == pytest.approx(biased - within / (n - 1), rel=1e-9)


def test_mmd_is_unbiased_for_equal_laws() -> None:
    rng = torch.Generator().manual_seed(3)
    x = torch.randn(400, 30, 2, generator=rng, dtype=torch.float64)
    y = torch.randn(400, 30, 2, generator=rng, dtype=torch.float64)
    values = mmd(x, y)
    assert abs(values.mean()) < 4 * values.std() / 20
    assert mmd(x, y + 1).mean() > 20 * values.std() / 20


@pytest.mark.parametrize("blur", [0.02, 0.05])
def test_sinkhorn_with_little_blur_is_exact_transport(blur: float) -> None:
    x, y = pair(k=40, d=2)
    cost = cdist(x[0], y[0], "sqeuclidean")
    exact = cost[linear_sum_assignment(cost)].mean()
    assert sinkhorn_divergence(x, y, blur, steps_per_scale=30)[0].item() == pytest.approx(exact, rel=0.03)


def test_sinkhorn_of_a_shift_and_its_gradient() -> None:
    x, _ = pair(k=50, d=2)
    shift = torch.tensor([3.0, 0.0], dtype=torch.float64, requires_grad=True)
    value = sinkhorn_divergence(x[:1], x[:1] + shift, 0.1, steps_per_scale=20)
    assert value.item() == pytest.approx(9.0, rel=0.01)
    value.backward()
    assert shift.grad is not None
    torch.testing.assert_close(shift.grad, torch.tensor([6.0, 0.0], dtype=torch.float64), rtol=0.02, atol=0.05)


def test_sinkhorn_of_a_sample_with_itself_is_zero() -> None:
    x, _ = pair()
    assert sinkhorn_divergence(x, x.clone(), 0.2, steps_per_scale=20).abs().max() < 1e-3
