"""The Gaussian base where features are too many for a full covariance, or observations too few for any."""

from __future__ import annotations

import pytest
import torch

from core.models.gde.gaussian_base import GaussianBase
from core.models.gde.gaussian_moments import FLOOR, FULL_UP_TO, roots

D = FULL_UP_TO + 16


@pytest.mark.parametrize("k", [1, 2, 8])
def test_few_observations_of_many_features_start_with_a_bounded_likelihood(k: int) -> None:
    torch.manual_seed(0)
    latent = 8
    z = torch.randn(40, latent)
    noise = torch.randn(40, k, D) * torch.linspace(0, 2, D)  # the first feature does not vary within a set
    x = noise + (z @ torch.randn(latent, D))[:, None]
    base = GaussianBase(D, latent, 16)
    base.start(x, z)
    for factor in (1.0, 4.0):  # latents of held-out sets lie further out than any that was seen
        mean, scale = base.parameters_of(factor * z)
        assert mean.shape == (40, D)
        assert scale[0].shape == (40, FULL_UP_TO, FULL_UP_TO) and scale[1].shape == (40, D - FULL_UP_TO)
        diagonal = torch.cat([scale[0].diagonal(dim1=1, dim2=2), scale[1]], dim=1).detach()
        assert diagonal.min() > 1e-3 and diagonal.max() < 200
    mean, scale = base.parameters_of(z)
    y = base.whiten(x, mean, scale)
    assert base.negative_log_likelihood(y, scale).detach() < 5


def test_the_root_of_next_to_nothing_is_the_floor() -> None:
    spread = torch.tensor([1e-14, 1e-29, 1e-44, 1e-37, 1e-21, 0.0, 1e-24, 1e-30, 1e-40, 1e-20])
    spreads = torch.stack([torch.diag(spread), torch.sqrt(spread)[:, None] * torch.sqrt(spread), torch.eye(10)])
    root, rest = roots((spreads, spread.expand(3, -1)))
    torch.testing.assert_close(rest, torch.full((3, 10), FLOOR**0.5))
    assert torch.isfinite(root).all()
    torch.testing.assert_close(root[0], FLOOR**0.5 * torch.eye(10))
    torch.testing.assert_close(root[2], (1 + FLOOR) ** 0.5 * torch.eye(10))
