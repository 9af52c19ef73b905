"""The latent's transport target and the Gaussian coordinates, against closed forms on the evaluation's side."""

import numpy as np
import pytest
import torch

from core.data.simulators.families import FamilyConfig, simulate_family
from core.evaluation.transport import gaussian_w2, square_root
from core.models.gde.gaussian_moments import (
    FULL_UP_TO,
    coordinates,
    count,
    covariances,
    gaussian_transport,
    moments,
    products,
)
from core.models.gde.transport_stress import stress, transport


def sets(family: str, k: int, d: int, s: int = 30) -> tuple[torch.Tensor, dict[str, np.ndarray]]:
    drawn = simulate_family(FamilyConfig(family=family, sets=s, observations=k, dimension=d))
    return torch.from_numpy(drawn.observations.reshape(s, k, d)), drawn.truth


def pairs(s: int) -> tuple[torch.Tensor, torch.Tensor]:
    one = torch.arange(s)
    return one, (one + 7) % s


@pytest.mark.parametrize("d", [1, 2, 5])
def test_gaussian_transport_of_pairs_is_that_of_the_evaluation(d: int) -> None:
    x, _ = sets("covariance_only", 500, d)
    mean, product = x.mean(dim=1), products(x).mean(dim=1)
    one, other = pairs(len(x))
    ours = gaussian_transport(mean, covariances(mean, product), one, other).sqrt().numpy()
    m, c = mean.double().numpy(), np.stack([np.cov(s.T, bias=True).reshape(d, d) for s in x.double().numpy()])
    np.testing.assert_allclose(ours, gaussian_w2(m[one], c[one], m[other], c[other]), rtol=0.01, atol=0.003)


def test_coordinates_are_the_mean_and_the_root_of_the_covariance() -> None:
    x, _ = sets("mvn", 500, 3)
    c = coordinates(x.mean(dim=1), products(x).mean(dim=1))
    assert c.shape == (len(x), count(3))
    root = square_root(np.stack([np.cov(s.T, bias=True) for s in x.double().numpy()]))
    gap = np.square(root[0] - root[1]).sum() + np.square((x[0].mean(dim=0) - x[1].mean(dim=0)).numpy()).sum()
    assert (c[0] - c[1]).square().sum().item() == pytest.approx(gap, rel=1e-3)


@pytest.mark.parametrize(("family", "d"), [("covariance_only", 2), ("mvn", 5)])
def test_the_target_is_w2_of_gaussians(family: str, d: int) -> None:
    torch.manual_seed(0)
    x, truth = sets(family, 4000, d)
    one, other = pairs(len(x))
    target = transport(x[:, :2000], x[:, 2000:], one, other, 32).numpy()
    exact = gaussian_w2(truth["mean"][one], truth["covariance"][one], truth["mean"][other], truth["covariance"][other])
    assert np.sqrt(np.square(target - exact).mean() / np.square(exact).mean()) < 0.03


def test_two_samples_of_one_law_are_asked_to_coincide() -> None:
    torch.manual_seed(0)
    x = torch.randn(200, 256, 2)
    one, other = pairs(200)
    debiased = transport(x[:, :128], x[:, 128:], one, other, 16).square().mean()
    plain = (x.mean(dim=1)[one] - x.mean(dim=1)[other]).square().sum(dim=1).mean()
    assert debiased < plain


def test_stress_is_zero_where_latent_distances_are_transport_distances() -> None:
    torch.manual_seed(0)
    shift = 5 * torch.randn(12, 1, 2)
    cloud = torch.randn(1, 4000, 2)
    x = cloud + shift
    assert stress(shift[:, 0], x[:, :2000], x[:, 2000:], 16) < 1e-3
    assert stress(2 * shift[:, 0], x[:, :2000], x[:, 2000:], 16) > 0.5


def test_beyond_the_leading_features_the_target_adds_their_variances() -> None:
    torch.manual_seed(0)
    s, d = 20, FULL_UP_TO + 10
    mean, deviation = torch.randn(s, 1, d), torch.rand(s, 1, d) + 0.2
    x = mean + deviation * torch.randn(s, 6000, d)
    one, other = pairs(s)
    target = transport(x[:, :3000], x[:, 3000:], one, other, 32)
    gap = torch.cat([mean[one] - mean[other], deviation[one] - deviation[other]], dim=1).square().sum(dim=(1, 2))
    torch.testing.assert_close(target, gap.sqrt(), rtol=0.03, atol=0)


def test_moments_are_those_of_the_products() -> None:
    x = torch.randn(5, 50, FULL_UP_TO + 3)
    mean, covariance = moments(x)
    expected = covariances(x.mean(dim=1), products(x).mean(dim=1))
    torch.testing.assert_close(mean, x.mean(dim=1))
    for ours, theirs in zip(covariance, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)
