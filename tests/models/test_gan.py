"""The GAN: its losses against torch and closed forms, the noise on real calls, and what a short training must do."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch.nn.functional import binary_cross_entropy

from core.config.evaluation import EvaluationConfig
from core.config.experiments import load
from core.config.schema import from_dict
from core.config.training import TrainingConfig
from core.evaluation.report import evaluate
from core.models.base import Condition, TrainData
from core.models.genotype.gan import Gan, GanConfig
from core.models.gumbel import one_hot
from core.models.softening import FrozenNoise
from core.training.clock import TrainingClock
from tests.evaluation.cohorts import mosaic
from tests.models.test_wgan_gp import cohort, nobody, spec_of
from tests.models.test_wgan_gp import trained as adversarial

PUBLISHED = from_dict(GanConfig, {k: v for k, v in load("gan_published")["model"].items() if k != "name"})


trained = partial(adversarial, name="gan")


# --- Losses -----------------------------------------------------------------------------------------------------------


def test_losses_are_torchs_binary_cross_entropy_of_the_sigmoid() -> None:
    torch.manual_seed(1)
    model = Gan(PUBLISHED, spec_of(9, 32), TrainingConfig())
    real, fake = torch.rand(32, 3, 9), torch.rand(32, 3, 9)
    loss, penalty, right = model.discriminator_loss(real, fake, nobody(32))
    verdicts = [model.critic(x, nobody(32)).sigmoid() for x in (real, fake)]
    expected = binary_cross_entropy(verdicts[0], torch.ones(32)) + binary_cross_entropy(verdicts[1], torch.zeros(32))
    torch.testing.assert_close(loss, expected)
    assert float(penalty) == 0.0
    hits = torch.cat([verdicts[0] > 0.5, verdicts[1] < 0.5]).float().mean()
    torch.testing.assert_close(right, hits)
    torch.testing.assert_close(
        model.fooled(model.critic(fake, nobody(32))), binary_cross_entropy(verdicts[1], torch.ones(32))
    )


def test_slope_penalty_of_a_linear_discriminator_is_half_its_squared_weights() -> None:
    model = Gan(GanConfig(critic_widths=(4,), slope_penalty=3.0), spec_of(6, 8), TrainingConfig())
    w = torch.arange(18.0) / 20
    with torch.no_grad():
        model.critic.trunk.first.weight.zero_()
        model.critic.trunk.first.weight[0] = w
        model.critic.trunk.first.bias.fill_(100.0)  # keeps every activation on its linear side
        model.critic.output.weight.copy_(torch.tensor([[0.5, 0.0, 0.0, 0.0]]))
    real, fake = torch.rand(8, 3, 6), torch.rand(8, 3, 6)
    loss, penalty, _ = model.discriminator_loss(real, fake, nobody(8))
    torch.testing.assert_close(penalty, (0.5 * w).square().sum() / 2)
    free = Gan(dataclasses.replace(model.config, slope_penalty=0.0), model.spec, TrainingConfig())
    free.critic.load_state_dict(model.critic.state_dict())
    torch.testing.assert_close(loss - free.discriminator_loss(real, fake, nobody(8))[0], 3.0 * penalty)


def test_slope_penalty_and_its_gradient_are_autograds() -> None:
    """The slope taken after the first layer is that in the calls, and it trains the weights of all layers alike."""
    torch.manual_seed(2)
    model = Gan(GanConfig(critic_widths=(12, 8), slope_penalty=2.0), spec_of(5, 16), TrainingConfig())
    real, fake = torch.rand(16, 3, 5), torch.rand(16, 3, 5)
    loss, penalty, _ = model.discriminator_loss(real, fake, nobody(16))
    x = real.clone().requires_grad_()
    (slope,) = torch.autograd.grad(model.critic(x, nobody(16)).sum(), x, create_graph=True)
    expected = slope.flatten(1).square().sum(1).mean() / 2
    torch.testing.assert_close(penalty, expected)
    weights = [p for p in model.critic.parameters() if p.dim() == 2]
    plain = model.fooled(model.critic(real, nobody(16))) + model.fooled(-model.critic(fake, nobody(16))) + 2 * expected
    for own, other in zip(torch.autograd.grad(loss, weights), torch.autograd.grad(plain, weights), strict=True):
        torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-6)


# --- The noise on real calls ------------------------------------------------------------------------------------------


def test_frozen_noise_is_uniform_the_same_in_every_batch_and_keeps_the_simplex() -> None:
    calls = torch.from_numpy(np.random.default_rng(0).integers(0, 3, (300, 40)).astype(np.int8))
    noise = FrozenNoise(spec_of(40, 300), 0.025)
    u = noise.uniform(calls)
    assert stats.kstest(u.flatten().numpy(), "uniform").pvalue > 1e-3
    for a, b in ((u[:-1], u[1:]), (u[:, :-1], u[:, 1:]), (u[..., :-1], u[..., 1:])):
        assert abs(float(np.corrcoef(a.flatten(), b.flatten())[0, 1])) < 0.02
    real = one_hot(calls, 3)
    soft = noise(real, calls)
    torch.testing.assert_close(soft.sum(1), torch.ones(300, 40))
    others = soft[real == 0]
    assert float(others.min()) >= 0.0 and float(others.max()) <= 0.025
    assert float(others.mean()) == pytest.approx(0.0125, abs=1e-4)
    order = torch.randperm(300)
    assert torch.equal(noise(real[order], calls[order]), soft[order])
    changed = calls[:1].clone()
    changed[0, 0] = (changed[0, 0] + 1) % 3
    assert float((noise.uniform(changed) == u[:1]).float().mean()) < 0.01
    assert FrozenNoise(spec_of(40, 300), 0.0)(real, calls) is real


# --- Presets ----------------------------------------------------------------------------------------------------------


def test_published_preset_has_the_published_size_and_knows_no_condition() -> None:
    with torch.device("meta"):
        model = Gan(PUBLISHED, spec_of(3493, 100), TrainingConfig())
    millions = [sum(p.numel() for p in net.parameters()) / 1e6 for net in (model.generator, model.critic)]
    assert millions == pytest.approx([22.2, 19.1], abs=0.15)
    assert load("gan_published")["training"]["condition_on"] == ["none"]


@pytest.mark.parametrize("settings", [{}, dataclasses.asdict(PUBLISHED)])
@pytest.mark.parametrize("k", [2, 3])
def test_both_presets_train_and_sample(settings: dict[str, Any], k: int) -> None:
    model = trained(cohort(128, 12, k=k), steps=3, **settings)
    calls = model.sample(50, None, torch.Generator().manual_seed(0))
    assert calls.dtype == torch.int8
    assert int(calls.min()) >= 0
    assert int(calls.max()) == k - 1
    assert all(bool(p.isfinite().all()) for p in model.parameters())


def test_the_discriminator_learns_to_tell_and_the_generator_to_fool_it() -> None:
    data = cohort(256, 20)
    torch.manual_seed(0)
    model = Gan(PUBLISHED, data.spec, TrainingConfig(batch_size=256, learning_rate=2e-3))
    model.prepare(data)
    real, condition, warm = one_hot(data.calls, 3), data.condition, torch.tensor(1.0)

    def verdicts(train: bool) -> float:
        loss, _, right = model.discriminator_loss(real, model.generate(condition, warm)[0].detach(), condition)
        if train:
            model.descend("critic", loss)
        return float(right)

    told = [verdicts(train=True) for _ in range(100)][-1]
    assert told > 0.9
    fooled = [float(model.generator_step(condition, warm)["generator"]) for _ in range(60)]
    assert fooled[-1] < fooled[0] / 2
    assert verdicts(train=False) < 0.75


def test_our_preset_keeps_frequencies_and_linkage_of_populations() -> None:
    data = cohort(512)
    model = trained(data, steps=6)
    for population in (0, 1):
        rows = data.condition.labels[:, 0] == population
        wish = Condition(torch.full((2000, 1), population), torch.full((2000, 1), torch.nan))
        calls = model.sample(2000, wish, torch.Generator().manual_seed(1)).float()
        error = calls.mean(0) / 2 - data.calls[rows].float().mean(0) / 2
        assert float(error.square().mean().sqrt()) < 0.03
    r = np.corrcoef(model.sample(2000, None, torch.Generator().manual_seed(2)).numpy().T)
    assert np.mean([r[i, i + 1] for i in range(0, 30, 2)]) > 0.5


def test_the_published_preset_loses_linkage_and_the_report_says_so() -> None:
    """Soft calls in training, each drawn on its own in sampling: frequencies come, linkage does not."""
    real, holdout = (mosaic(200, 120, seed, founders=30, switch=0.03) for seed in (1, 2))
    data = TrainData(torch.from_numpy(real.calls), nobody(200), spec_of(120, 200))
    torch.manual_seed(0)
    model = Gan(PUBLISHED, data.spec, TrainingConfig(batch_size=100, learning_rate=1e-3))
    model.prepare(data)
    clock = TrainingClock(epochs=60, steps_per_epoch=2)
    for _ in range(120):
        model.steps(data.index(torch.randperm(200)[:100]), clock)
        clock.tick()
    calls = model.eval().sample(200, None, torch.Generator().manual_seed(0)).numpy()
    made = dataclasses.replace(real, calls=calls)
    report = evaluate(
        real, made, holdout=holdout, options=EvaluationConfig(bootstrap=0, neighbours=(5,), projections=8)
    )
    assert {flag.name: flag.severity for flag in report.flags}["lost_linkage"] == "high"
