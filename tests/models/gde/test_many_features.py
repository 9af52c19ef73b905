"""The Gaussian base where features are too many for a full covariance."""

from __future__ import annotations

import pytest
import torch

from core.models.gde.gaussian_base import GaussianBase
from core.models.gde.gaussian_moments import FULL_UP_TO

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
        assert mean.shape == scale.shape == (40, D)
        assert float(scale.min()) > 1e-3 and float(scale.max()) < 200
    mean, scale = base.parameters_of(z)
    y = base.whiten(x, mean, scale)
    assert float(base.negative_log_likelihood(y, scale)) < 5
