"""Principal components, the moments of wide sets, and pixels that have bounds."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from core.config.training import TrainingConfig
from core.data.simulators.digits import DigitsConfig, digit_sets
from core.models.gde.base import generators
from core.models.gde.bounds import bounded
from core.models.gde.components import MomentSkip, PrincipalComponents, halves
from core.models.gde.data import prepare_sets
from core.models.gde.gaussian_moments import FULL_UP_TO, coordinates, products
from core.models.gde.gde import GDE, GDEConfig

NOT_OURS = ("ddpm", "cvae_published", "wormhole")


def wide(k: int = 400, d: int = 60) -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(k, d) @ (torch.diag(torch.linspace(3, 0.1, d)) @ torch.linalg.qr(torch.randn(d, d))[0]) + 2


def test_components_are_those_of_scikit_learn_up_to_sign_and_one_factor() -> None:
    x = wide()
    ours = PrincipalComponents(60)
    ours.fit(x)
    u, theirs = ours(x[None])[0] / ours.gain, PCA().fit_transform(x.numpy())
    np.testing.assert_allclose(np.abs(u.numpy()), np.abs(theirs), atol=2e-3)


def test_all_components_together_lose_nothing_and_keep_distances() -> None:
    x = wide()
    ours = PrincipalComponents(60)
    ours.fit(x)
    u = ours(x[None])
    torch.testing.assert_close(ours.inverse(u)[0], x, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(torch.pdist(u[0]) / ours.gain, torch.pdist(x), atol=1e-3, rtol=1e-3)
    assert u[0, :, :FULL_UP_TO].var(dim=0).mean().item() == pytest.approx(1.0, rel=0.01)


def test_fewer_observations_than_components_leave_the_last_at_zero() -> None:
    ours = PrincipalComponents(60)
    ours.fit(wide(k=10))
    u = ours(wide(k=10)[None])
    assert u[0, :, 9:].abs().max() < 1e-3
    torch.testing.assert_close(ours.inverse(u)[0], wide(k=10), atol=1e-3, rtol=1e-3)


def test_the_leading_components_of_very_wide_data_are_found() -> None:
    torch.manual_seed(0)
    x = torch.randn(2100, 20) @ torch.randn(20, 2200) + 0.01 * torch.randn(2100, 2200)
    ours = PrincipalComponents(2200, most=30)
    ours.fit(x)
    assert (ours.inverse(ours(x[None]))[0] - x).square().mean() < 2e-4


def test_few_latents_keep_what_two_halves_of_a_set_share_and_not_their_noise() -> None:
    torch.manual_seed(0)
    mean = torch.zeros(300, 1, 30)
    mean[..., :2] = torch.randn(300, 1, 2)
    x = mean + torch.randn(300, 8, 30)  # by chance every covariance of eight observations differs far more than that
    c = coordinates(x.mean(dim=1), products(x).mean(dim=1))
    skip = MomentSkip(c.shape[1], 2)
    skip.start(*(coordinates(h.mean(dim=1), products(h).mean(dim=1)) for h in halves(x)))
    share = skip.linear.weight[:, :2].square().sum()  # of two axes of length 1: how much of them lies along the means
    assert share > 1.5
    plain = torch.linalg.svd(c - c.mean(dim=0), full_matrices=False)[2][:2, :2].square().sum()
    assert plain < share


def test_bounded_pixels_keep_mean_and_variance() -> None:
    torch.manual_seed(0)
    # Correlated pixels around grey, near black and near white.
    x = torch.tensor([128.0, 20.0, 245.0, 5.0]) + 6 * (torch.randn(2, 4000, 4) + torch.randn(2, 4000, 1))
    axes = PrincipalComponents(4)
    axes.fit(x.flatten(0, 1))
    low, high = torch.zeros(1), torch.full((1,), 255.0)
    cut, ours = x.clamp(0, 255), bounded(x, x, low, high, axes)
    assert ours.min() >= 0 and ours.max() <= 255
    total = lambda s: s.var(dim=1).sum(dim=1)  # noqa: E731
    assert (total(cut) / total(x)).max() < 0.95  # what cutting alone costs
    torch.testing.assert_close(total(ours), total(x), rtol=0.02, atol=0)
    torch.testing.assert_close(ours.mean(dim=1), x.mean(dim=1), rtol=0.02, atol=0.5)


def test_observations_within_the_bounds_are_left_alone() -> None:
    x = 128 + 10 * torch.rand(1, 500, 2, 3, 3)
    assert torch.equal(bounded(x, x, torch.zeros(1), torch.full((1,), 255.0), PrincipalComponents(18)), x)


def test_pixels_that_never_vary_become_the_bound() -> None:
    x = torch.full((1, 300, 4), -3.0)
    low, high = torch.zeros(1), torch.full((1,), 255.0)
    torch.testing.assert_close(bounded(x, x, low, high, PrincipalComponents(4)), torch.zeros_like(x))


@pytest.mark.parametrize("generator", [e.name for e in generators if "image" in e.takes and e.name not in NOT_OURS])
def test_untrained_generators_of_ours_keep_the_variance_of_image_sets(generator: str) -> None:
    """What they start from in closed form: the moments of every set, within the bounds of pixels."""
    sets = digit_sets(DigitsConfig(mixed=0))
    data = prepare_sets(sets, np.arange(sets.s))
    torch.manual_seed(0)
    parts = {"encoder": {"name": "image_gnn"}, "generator": {"name": generator}, "mixer": {"name": "none"}}
    model = GDE(
        GDEConfig(latent=64, context_max=30, exact=generator == "local_bootstrap"), data.spec, TrainingConfig(), parts
    )
    model.prepare(data)
    model.eval()
    judged = 5 if generator == "pixel_flow" else 20  # its network sees hundreds of images for each set
    real = torch.from_numpy(np.asarray(sets.observations)).reshape(sets.s, 30, 1, 8, 8)[:judged]
    made = model.sample(100, model.encode(real), torch.Generator().manual_seed(0))
    assert made.shape == (judged, 100, 1, 8, 8) and made.min() >= 0 and made.max() <= 255
    ratio = made.flatten(2).var(dim=1).sum(dim=1) / real.float().flatten(2).var(dim=1).sum(dim=1)
    assert 0.9 < ratio.median() < 1.1
