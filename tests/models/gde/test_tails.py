"""Heavy tails: coordinates that are bounded, and every preset of vectors trains on them to finite losses."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from core.config.training import TrainingConfig
from core.data.sets import SetCollection
from core.models.gde.base import generators
from core.models.gde.components import Standardiser
from core.models.gde.data import prepare_sets
from core.models.gde.gaussian_base import FAR, GaussianBase, near
from core.models.gde.gde import GDE, GDEConfig
from core.models.gde.tails import Tails
from core.models.gde.transport_stress import stress
from core.runs.set_work import validator
from core.training.clock import TrainingClock

FAMILIES = ("lognormal", "cauchy", "zero_inflated", "counts", "one_huge")


def numbers(family: str, k: int, d: int, seed: int) -> np.ndarray:
    """(k, d) float32 observations of a heavy-tailed family, each set with a location of its own."""
    rng = np.random.default_rng(seed)
    if family == "lognormal":
        return np.exp(rng.normal(rng.normal(), 2.0, (k, d))).astype(np.float32)
    if family == "cauchy":
        return (rng.normal() + rng.standard_cauchy((k, d))).astype(np.float32)
    if family == "zero_inflated":
        return np.where(rng.random((k, d)) < 0.9, 0, np.exp(rng.normal(rng.normal(), 2.0, (k, d)))).astype(np.float32)
    if family == "counts":
        return rng.negative_binomial(0.05, 0.05 / (2 + rng.random((1, d)) * 20), (k, d)).astype(np.float32)
    x = rng.normal(rng.normal(), 1.0, (k, d)).astype(np.float32)
    x[0, 0] = 1e12 * (1 + seed)
    return x


def collection(family: str, sets: int = 16, k: int = 40, d: int = 12) -> SetCollection:
    x = np.concatenate([numbers(family, k, d, seed) for seed in range(sets)])
    return SetCollection(
        observations=x,
        offsets=np.arange(sets + 1, dtype=np.int64) * k,
        set_id=np.array([f"s{i}" for i in range(sets)]),
        labels={},
        covariates={},
        feature=np.array([f"x{i}" for i in range(d)]),
        modality="vector",
        alphabet="",
        unit="",
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_coordinates_are_bounded_and_can_be_taken_back(family: str) -> None:
    x = torch.from_numpy(np.concatenate([numbers(family, 500, 4, seed) for seed in range(4)]))
    tails = Tails(4)
    tails.fit(x)
    t = tails(x)
    assert tails.heavy[0] and t[:, 0].abs().max() < 40
    torch.testing.assert_close(tails.inverse(t), x, rtol=1e-4, atol=1e-4)
    beyond = tails.inverse(torch.full((1, 4), 1e6))
    assert beyond[0, 0].isfinite() and beyond[0, 0] < 2 * x[:, 0].abs().max() + 1


@pytest.mark.parametrize("family", ["normal", "exponential", "binary", "rare", "constant", "uniform", "logged"])
def test_light_tails_are_left_exactly_as_they_are(family: str) -> None:
    rng = np.random.default_rng(1)
    x = {
        "normal": rng.normal(size=(5000, 2)) * [1, 100] + [0, 7],
        "exponential": rng.exponential(size=(5000, 2)),
        "binary": (rng.random((5000, 2)) < 0.3).astype(float),
        "rare": (rng.random((5000, 2)) < 0.001).astype(float),
        "constant": np.ones((5000, 2)),
        "uniform": rng.random((5000, 2)),
        "logged": np.log1p(rng.poisson(0.3, (5000, 2)) * 4.0),
    }[family]
    data = torch.from_numpy(x.astype(np.float32))
    robust, plain = Standardiser((2,), robust=True), Standardiser((2,))
    robust.fit(data)
    plain.fit(data)
    assert torch.equal(robust(data), plain(data)) and torch.equal(robust.inverse(data), plain.inverse(data))


def test_checkpoints_without_tails_are_read() -> None:
    old = Standardiser((3,))
    old.fit(torch.randn(50, 3))
    new = Standardiser((3,), robust=True)
    assert not new.load_state_dict(old.state_dict(), strict=False).missing_keys
    x = torch.randn(5, 3)
    assert torch.equal(new(x), old(x))


PRESETS = [name for name in generators.names() if not generators[name].takes]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("generator", PRESETS)
def test_held_out_losses_are_finite_on_every_family(generator: str, family: str) -> None:
    torch.manual_seed(0)
    sets = collection(family)
    train = prepare_sets(sets, np.arange(12))
    held = prepare_sets(sets, np.arange(12, 16), spec=train.spec)
    parts = {
        "encoder": {"name": "resnet_gnn", "width": 16, "depth": 1, "rounds": 1},
        "generator": {"name": generator, "width": 16, **({"sampling_steps": 5} if generator == "ddpm" else {})},
        "mixer": {"name": "none"},
    }
    config = GDEConfig(
        latent=8, exact=generator == "local_bootstrap", context_min=8, context_max=20, query=16, metric_observations=32
    )
    model = GDE(config, train.spec, TrainingConfig(learning_rate=2e-3), parts)
    model.prepare(train)
    noise = torch.Generator().manual_seed(0)
    validate = validator("cpu")
    before = validate(model, held, noise)
    clock = TrainingClock(8, 1, torch.device("cpu"))
    for step in range(8):
        losses = model.steps(train.index(torch.arange(12)), clock)
        clock.tick()
        assert math.isfinite(float(losses.values["loss"])), (generator, family, step)
    after = validate(model, held, noise)
    assert all(math.isfinite(v) for v in (*before.values(), *after.values())), (before, after)
    assert abs(after["holdout_loss"]) < 1e4


def test_alike_sets_do_not_make_the_stress_of_latents_explode() -> None:
    """Two held-out sets of one law are estimated to be no distance apart, and a share of nothing is anything."""
    torch.manual_seed(0)
    for seed in range(5):
        first, second = torch.randn(2, 2, 100, 40, generator=torch.Generator().manual_seed(seed))
        assert float(stress(torch.randn(2, 8), first, second, 16)) < 100


def test_far_observations_count_linearly_in_the_likelihood() -> None:
    base = GaussianBase(3, 2, 8).requires_grad_(False)
    mean, scale = base.parameters_of(torch.zeros(1, 2))
    x = torch.tensor([[[0.5, -1.0, 2.0]]])
    y = base.whiten(x, mean, scale)
    plain = 0.5 * y.square().mean() + 0.5 * math.log(2 * math.pi)
    assert float(base.negative_log_likelihood(y, scale)) == pytest.approx(float(plain), abs=1e-5)
    far = base.negative_log_likelihood(torch.full((1, 1, 3), 1e6), scale)
    assert float(far) == pytest.approx(0.5 * FAR * (2e6 - FAR), rel=1e-4)
    assert torch.equal(near(y), y) and float(near(torch.tensor(1e6))) < 30
