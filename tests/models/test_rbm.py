"""Restricted Boltzmann machine: free energy and gradient against enumeration, Gibbs, learning, resume."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from core.config.training import TrainingConfig
from core.models.base import Condition, TrainData
from core.models.genotype.rbm import Rbm
from core.models.registry import build
from core.training.clock import TrainingClock
from tests.models.test_baselines import train_data


def cohort(n: int, m: int = 30) -> TrainData:
    """Two populations of unlike frequencies; variants in linked pairs; 5 % of the calls are noise."""
    rng = np.random.default_rng(0)
    population = rng.integers(0, 2, n)
    calls = rng.binomial(2, rng.uniform(0.1, 0.9, (2, m // 2))[population]).repeat(2, axis=1)
    noisy = rng.random((n, m)) < 0.05
    calls[noisy] = rng.integers(0, 3, noisy.sum())
    return train_data(calls, population)


def machine(data: TrainData, steps: int = 0, rate: float = 0.1, **settings: Any) -> Rbm:
    torch.manual_seed(0)
    training = TrainingConfig(device="cpu", learning_rate=rate)
    model: Rbm = build("rbm", {"hidden": 3, "chains": 300, **settings}, data.spec, training)
    model.prepare(data)
    move(model, data, steps)
    return model


def move(model: Rbm, data: TrainData, steps: int, first: int = 0) -> None:
    clock = TrainingClock(epochs=1, steps_per_epoch=max(1, steps + first))
    clock.step = first
    for _ in range(steps):
        model.steps(data.index(slice(0, len(data))), clock)
        clock.tick()


def random_machine(ploidy: int = 2) -> Rbm:
    data = train_data(np.random.default_rng(0).integers(0, ploidy + 1, (40, 3)), np.arange(40) % 2, ploidy=ploidy)
    model = machine(data)
    noise = torch.Generator().manual_seed(1)
    model.weight.copy_(torch.randn(3, 3, generator=noise))
    model.threshold.copy_(torch.randn(3, generator=noise))
    model.tilt.copy_(0.3 * torch.randn(2, 3, generator=noise))
    return model


def every(ploidy: int = 2) -> torch.Tensor:
    return torch.tensor(list(itertools.product(range(ploidy + 1), repeat=3))).float()


def energy(model: Rbm, calls: torch.Tensor, hidden: torch.Tensor, member: int) -> torch.Tensor:
    """E(g, h | c) of one individual, term by term."""
    total = torch.zeros(())
    for j, g in enumerate(calls.long().tolist()):
        total -= model.bias[g, member, j] + g * model.tilt[member, j]
        total -= ((g - model.mean[member, j]) * model.weight[j] * (hidden - 0.5)).sum()
    return total - (model.threshold * hidden).sum()


@pytest.mark.parametrize("ploidy", [1, 2])
def test_free_energy_is_the_sum_over_hidden_units(ploidy: int) -> None:
    model = random_machine(ploidy)
    hidden = torch.tensor(list(itertools.product((0.0, 1.0), repeat=3)))
    calls = every(ploidy)
    expected = [-torch.stack([-energy(model, g, h, 1) for h in hidden]).logsumexp(0) for g in calls]
    found = model.free_energy(calls, torch.ones(len(calls), dtype=torch.int64))
    torch.testing.assert_close(found, torch.stack(expected), rtol=1e-4, atol=1e-4)


def test_correlations_are_the_gradient_of_the_free_energy() -> None:
    model = random_machine()
    calls, member = every(), torch.arange(27) % 2
    model.weight.requires_grad_()
    model.threshold.requires_grad_()
    slopes = torch.autograd.grad(-model.free_energy(calls, member).mean(), (model.weight, model.threshold))
    for found, expected in zip(model.correlations(calls, member), slopes, strict=True):
        torch.testing.assert_close(found, expected)


def test_gibbs_sampling_reaches_the_distribution_of_the_free_energy() -> None:
    model = random_machine()
    n = 20_000
    member = torch.zeros(n, dtype=torch.int64)
    calls = torch.randint(0, 3, (n, 3)).to(torch.int8)
    calls = model.sweep(calls, member, 60, torch.Generator().manual_seed(0))
    share = (calls.long() * torch.tensor([9, 3, 1])).sum(1).bincount(minlength=27) / n
    expected = (-model.free_energy(every(), member[:27])).softmax(0)
    assert float(((share - expected) / (expected / n).sqrt()).square().mean()) == pytest.approx(1.0, abs=0.9)


def test_it_starts_at_the_frequencies_of_each_population() -> None:
    data = cohort(400)
    model = machine(data)
    for code in (0, 1):
        wish = Condition(torch.full((3000, 1), code), torch.empty(3000, 0))
        calls = model.sample(3000, wish, torch.Generator().manual_seed(1)).float()
        real = data.calls[data.condition.labels[:, 0] == code].float()
        assert float((calls.mean(0) - real.mean(0)).abs().max()) < 0.2


def test_it_learns_linkage_within_populations() -> None:
    data = cohort(512, 12)
    before, after = machine(data, hidden=12), machine(data, 700, rate=0.5, hidden=12, weight_decay=0.0)
    wish = Condition(torch.zeros(2000, 1, dtype=torch.int64), torch.empty(2000, 0))

    def linkage(model: Rbm) -> float:
        r = np.corrcoef(model.sample(2000, wish, torch.Generator().manual_seed(2)).numpy().T)
        return float(np.mean([r[i, i + 1] for i in range(0, 12, 2)]))

    assert abs(linkage(before)) < 0.1
    assert linkage(after) > 0.3  # near 0.8 in the data: so short a training has half of it
    calls = after.sample(2000, wish, torch.Generator().manual_seed(3)).float()
    real = data.calls[data.condition.labels[:, 0] == 0].float()
    assert float((calls.mean(0) - real.mean(0)).abs().max()) < 0.25


def test_inbred_lines_stay_inbred() -> None:
    lines = 2 * np.random.default_rng(0).integers(0, 2, (100, 10))
    calls = machine(train_data(lines)).sample(300, None, torch.Generator())
    assert float((calls == 1).float().mean()) < 0.01


def test_a_resumed_training_equals_one_that_never_stopped() -> None:
    data = cohort(128, 12)
    one = machine(data, 3)
    kept, noise = {k: v.clone() for k, v in one.state().items()}, torch.get_rng_state()
    move(one, data, 2, first=3)
    other = machine(data)
    other.load(kept)
    torch.set_rng_state(noise)
    move(other, data, 2, first=3)
    assert all(torch.equal(v, other.state()[k]) for k, v in one.state().items())
    sampling = build("rbm", {"hidden": 3, "chains": 300}, data.spec, TrainingConfig(device="cpu"))
    sampling.load(one.state(optimisers=False))
    draws = [model.sample(20, None, torch.Generator().manual_seed(1)) for model in (one, sampling)]
    assert torch.equal(*draws)


@pytest.mark.parametrize(("n", "m", "ploidy"), [(2, 1, 2), (3, 3, 1), (40, 2, 2)])
def test_tiny_cohorts(n: int, m: int, ploidy: int) -> None:
    calls = np.random.default_rng(0).integers(0, ploidy + 1, (n, m))
    calls[:, 0] = 0
    sample = machine(train_data(calls, ploidy=ploidy), 3).sample(500, None, torch.Generator())
    assert float(sample[:, 0].float().mean()) < 0.05
    assert 0 <= int(sample.min()) <= int(sample.max()) <= ploidy
