"""The exact part of a latent: estimates of empirical Bayes, and what is generated from them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.config.training import TrainingConfig
from core.data.sets import SetCollection
from core.errors import InputError
from core.evaluation.sets.reconstruction import reconstructions
from core.evaluation.sets.space import Subject
from core.latents.lens import Lens
from core.models.gde.data import prepare_sets
from core.models.gde.exact import ExactMoments
from core.models.gde.gde import GDE, GDEConfig
from tests.sets import from_groups

PARTS = {"encoder": {"name": "none"}, "generator": {"name": "local_bootstrap"}, "mixer": {"name": "none"}}


def from_sets(sets: list[np.ndarray]) -> SetCollection:
    return from_groups(np.concatenate(sets), np.repeat(np.arange(len(sets)), [len(x) for x in sets]).astype(str))


def fitted(sets: list[np.ndarray], **config: object) -> Lens:
    """A model of all sets, without training."""
    collection = from_sets(sets)
    data = prepare_sets(collection, np.arange(collection.s))
    torch.manual_seed(0)
    model = GDE(GDEConfig(exact=True, **config), data.spec, TrainingConfig(), PARTS)  # type: ignore[arg-type]
    model.prepare(data)
    return Lens(model.eval(), "cpu")


def gaussian_sets(count: int, n: int, between: np.ndarray, seed: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """True means (count, d) with covariance `between`, and n standard normal observations around each."""
    rng = np.random.default_rng(seed)
    means = rng.multivariate_normal(np.zeros(len(between)), between, size=count)
    return means, [(m + rng.normal(size=(n, len(m)))).astype(np.float32) for m in means]


def test_means_are_the_posterior_means_of_the_true_law() -> None:
    between = np.diag([4.0, 1.0, 0.05, 0.0])
    means, sets = gaussian_sets(400, 5, between, seed=1)
    exact = ExactMoments(4, 400)
    exact.fit([torch.tensor(x) for x in sets], torch.arange(400))
    own = torch.tensor(np.stack([x.mean(axis=0) for x in sets]))
    made = exact(torch.tensor(np.stack(sets)), torch.full((400,), 5.0))[:, :4]
    best = own * torch.tensor(np.diag(between) / (np.diag(between) + 1 / 5)).float()
    raw, oracle, ours = (float((x - torch.tensor(means)).square().mean()) for x in (own, best, made))
    assert oracle < 0.75 * raw
    assert ours < oracle + 0.1 * (raw - oracle)


def test_the_latent_of_many_observations_is_their_mean_in_every_direction() -> None:
    _, sets = gaussian_sets(40, 30, np.diag([1.0, 0.0, 0.0]), seed=2)
    exact = ExactMoments(3, 40)
    exact.fit([torch.tensor(x) for x in sets], torch.arange(40))
    far = torch.randn(1, 200_000, 3) + torch.tensor([0.0, 2.0, -3.0])  # sets never differed in these
    torch.testing.assert_close(exact(far, torch.tensor([2e5]))[0, :3], far[0].mean(dim=0), atol=0.02, rtol=0.02)


def test_one_observation_and_one_set_are_no_error() -> None:
    lens = fitted([np.ones((1, 2), np.float32), np.zeros((1, 2), np.float32), np.ones((1, 2), np.float32)])
    z = lens.embed(np.ones((1, 2), np.float32))
    assert np.isfinite(z).all() and np.isfinite(lens.generate(z[None], 5, 0)).all()


def test_repeated_observations_are_the_same_set_where_their_number_is_said() -> None:
    _, sets = gaussian_sets(30, 40, np.eye(3), seed=3)
    lens = fitted(sets)
    x = sets[0][:8]
    np.testing.assert_allclose(lens.embed(np.repeat(x, 5, axis=0), 8), lens.embed(x), atol=1e-5)
    assert np.abs(lens.embed(np.repeat(x, 5, axis=0)) - lens.embed(x)).max() > 1e-3  # forty would say more
    np.testing.assert_allclose(lens.model.encode(torch.tensor(x)[None])[0].numpy(), lens.embed(x), atol=1e-5)


def test_where_the_mean_says_all_nothing_is_lost_and_where_only_the_covariance_differs_much_is_won() -> None:
    """Sets that differ in their means alone; and sets of mean 0 that are long in one of two directions."""
    _, shifted = gaussian_sets(120, 60, np.eye(4), seed=4)
    rng = np.random.default_rng(5)
    turned = [(rng.normal(size=(60, 4)) * rng.permutation([3.0, 0.3, 1.0, 1.0])).astype(np.float32) for _ in range(120)]
    for sets, least, most in ((shifted, -0.02, 1.0), (turned, 0.1, 1.0)):
        lens, collection = fitted(sets[:90]), from_sets(sets)
        subject = Subject(collection, np.arange(90), np.arange(90, 120), lens.embed, lens.generate)
        rows = reconstructions(subject)
        ours, mean = (np.sqrt(np.mean([row[k] ** 2 for row in rows])) for k in ("w2", "mean_only"))
        assert least <= 1 - ours / mean <= most


def test_shapes_come_from_sets_nearby() -> None:
    """Sets left of 0 have two clusters, sets right of it one: an unseen set has the shape of its side."""
    rng = np.random.default_rng(6)

    def drawn(side: float) -> np.ndarray:
        own = rng.normal(size=(80, 2)) * 0.3
        own[:, 1] += np.where(side < 0, rng.choice([-3.0, 3.0], 80), 0.0)
        own[:, 0] += 5 * side
        return own.astype(np.float32)

    lens = fitted([drawn(s) for s in rng.choice([-1.0, 1.0], 60)])
    for side, two in ((-1.0, 1.0), (1.0, 0.0)):
        y = lens.generate(lens.embed(drawn(side))[None], 500, 0)[0]
        assert (np.abs(y[:, 1] - y[:, 1].mean()) > 1.5).mean() == pytest.approx(two, abs=0.1)


def test_a_saved_model_gives_the_same_sets() -> None:
    _, sets = gaussian_sets(20, 15, np.eye(2), seed=7)
    one = fitted(sets).model
    other = GDE(one.config, one.spec, TrainingConfig(), PARTS)
    other.load(one.state())
    z = one.encode(torch.tensor(sets[0])[None])
    made = [m.eval().sample(9, z, torch.Generator().manual_seed(1)) for m in (one, other)]
    assert torch.equal(made[0], made[1]) and torch.equal(other.encode(torch.tensor(sets[0])[None]), z)


def test_the_local_bootstrap_needs_the_exact_part() -> None:
    sets = from_sets([np.ones((3, 2), np.float32)] * 3)
    data = prepare_sets(sets, np.arange(3))
    with pytest.raises(InputError, match="it needs model"):
        GDE(GDEConfig(), data.spec, TrainingConfig(), {**PARTS, "encoder": {"name": "mean"}})
