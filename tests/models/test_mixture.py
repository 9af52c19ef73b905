"""The mixture of normal distributions: its density against torch, its fit against scikit-learn, its draws by group."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.mixture import GaussianMixture
from torch.distributions import MultivariateNormal

from core.models.mixture import Mixture, _expected_log_density


def clouds(n: int = 900) -> tuple[torch.Tensor, torch.Tensor]:
    """Three far clouds of unlike shape, and which each point belongs to."""
    rng = np.random.default_rng(0)
    which = rng.integers(0, 3, n)
    centre = np.array([[0, 0], [9, 0], [0, 9]])[which]
    scale = np.array([[1, 1], [0.3, 2], [2, 0.5]])[which]
    return torch.from_numpy(centre + scale * rng.normal(size=(n, 2))).float(), torch.from_numpy(which)


def test_the_fit_is_scikit_learns_where_points_are_certain() -> None:
    x, which = clouds()
    mixture = Mixture(3, 2, 1)
    mixture.fit(x, torch.zeros_like(x), torch.zeros_like(which))
    theirs = GaussianMixture(3, random_state=0, n_init=3).fit(x.double().numpy())
    order, own = np.argsort(theirs.means_ @ [1, 3]), np.argsort(mixture.mean.numpy() @ [1, 3])
    np.testing.assert_allclose(mixture.mean.numpy()[own], theirs.means_[order], atol=0.02)
    np.testing.assert_allclose(mixture.share[0].numpy()[own], theirs.weights_[order], atol=0.01)
    covariance = (mixture.root @ mixture.root.mT).numpy()[own]
    # The shrinkage weighs as two individuals of some three hundred.
    np.testing.assert_allclose(covariance, theirs.covariances_[order], atol=0.06)


def test_the_expected_density_is_the_mean_over_draws() -> None:
    torch.manual_seed(0)
    x, spread, centre = torch.randn(4, 3).double(), torch.rand(4, 3).double(), torch.randn(2, 3).double()
    root = (
        torch.linalg.cholesky(torch.eye(3).double() + 0.3)[None].repeat(2, 1, 1)
        * torch.tensor([1.0, 0.5])[:, None, None]
    )
    draws = x + spread.sqrt() * torch.randn(100_000, 4, 3).double()
    expected = torch.stack(
        [MultivariateNormal(m, scale_tril=r).log_prob(draws).mean(0) for m, r in zip(centre, root, strict=True)], 1
    )
    constant = 1.5 * np.log(2 * np.pi)
    torch.testing.assert_close(_expected_log_density(x, spread, centre, root) - constant, expected, atol=0.1, rtol=0.01)


def test_draws_have_the_variance_of_the_posteriors_too() -> None:
    x, which = clouds()
    mixture = Mixture(3, 2, 1)
    mixture.fit(x, torch.full_like(x, 4.0), torch.zeros_like(which))
    z = mixture.sample(torch.zeros(20_000, dtype=torch.int64), torch.Generator().manual_seed(1))
    np.testing.assert_allclose(np.cov(z.T.numpy()), np.cov(x.T.numpy()) + 4 * np.eye(2), rtol=0.05, atol=0.4)


def test_a_group_is_drawn_from_its_own_components() -> None:
    x, which = clouds()
    mixture = Mixture(3, 2, 4)
    mixture.fit(x, torch.zeros_like(x), which + 1)
    for group, centre in ((1, (0, 0)), (2, (9, 0)), (3, (0, 9))):
        z = mixture.sample(torch.full((3000,), group), torch.Generator().manual_seed(1))
        assert torch.allclose(z.mean(0), torch.tensor(centre).float(), atol=0.3)
    everybody = mixture.sample(torch.zeros(3000, dtype=torch.int64), torch.Generator().manual_seed(1))
    assert torch.allclose(everybody.mean(0), x.mean(0), atol=0.3)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_few_or_equal_points_are_harmless(n: int) -> None:
    mixture = Mixture(3, 4, 1)
    mixture.fit(torch.ones(n, 4), torch.zeros(n, 4), torch.zeros(n, dtype=torch.int64))
    z = mixture.sample(torch.zeros(7, dtype=torch.int64), torch.Generator().manual_seed(0))
    assert torch.isfinite(z).all() and torch.allclose(z, torch.ones(7, 4), atol=0.05)
