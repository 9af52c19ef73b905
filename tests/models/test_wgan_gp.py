"""WGAN-GP: identities of its parts, the published arithmetic, and what a short training must and must not do."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from core.bench.published import PlainWganGp
from core.config.experiments import load
from core.config.schema import from_dict
from core.config.training import TrainingConfig
from core.models.base import Condition, DataSpec, TrainData
from core.models.dense import Critic, DenseGenerator, published_widths
from core.models.genotype.wgan_gp import WganGp, WganGpConfig
from core.models.gumbel import draw, gumbel_softmax, one_hot, planes_softmax
from core.models.registry import build
from core.training.clock import TrainingClock

PUBLISHED = from_dict(WganGpConfig, {k: v for k, v in load("wgan_gp_published")["model"].items() if k != "name"})


def spec_of(m: int, n: int, labels: dict[str, list[str]] | None = None, phenotypes: int = 0, k: int = 3) -> DataSpec:
    names = {f"trait{i}": (0.0, 1.0) for i in range(phenotypes)}
    return DataSpec(m, k, labels or {}, names, np.zeros(m, np.int64), np.zeros(m, np.int64), n)


def cohort(n: int = 256, m: int = 30, seed: int = 0, k: int = 3) -> TrainData:
    """Two populations with different frequencies; variants in linked pairs; one phenotype caused by variant 0."""
    rng = np.random.default_rng(seed)
    population = rng.integers(0, 2, n)
    frequency = rng.uniform(0.1, 0.9, (2, m // 2))
    half = rng.binomial(k - 1, frequency[population])
    calls = np.stack([half, half], axis=2).reshape(n, m).astype(np.int8)
    noisy = rng.random((n, m)) < 0.05
    calls[noisy] = rng.integers(0, k, noisy.sum())
    trait = calls[:, 0] - calls[:, 0].mean() + rng.normal(size=n)
    condition = Condition(
        torch.from_numpy(population[:, None]), torch.from_numpy((trait / trait.std())[:, None]).float()
    )
    return TrainData(torch.from_numpy(calls), condition, spec_of(m, n, {"population": ["A", "B"]}, 1, k))


def nobody(n: int) -> Condition:
    return Condition(torch.empty(n, 0, dtype=torch.int64), torch.empty(n, 0))


def trained(data: TrainData, steps: int = 4, name: str = "wgan_gp", **settings: Any) -> Any:
    """WGAN-GP, or the GAN, after so many steps."""
    torch.manual_seed(0)
    model = build(name, settings, data.spec, TrainingConfig(batch_size=64, learning_rate=2e-4))
    model.prepare(data)
    clock = TrainingClock(epochs=1, steps_per_epoch=max(1, steps))
    for _ in range(steps):
        model.steps(data.index(torch.randint(len(data), (64,))), clock)
        clock.tick()
    model.settle()
    return model.eval()


# --- Gumbel-Softmax ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("temperature", [1.0, 0.5, 0.1])
def test_gumbel_softmax_is_torchs_with_the_same_noise(hard: bool, temperature: float, monkeypatch: Any) -> None:
    logits, uniform = torch.randn(5, 3, 7), torch.rand(5, 3, 7)
    ours = gumbel_softmax(logits, uniform, temperature, hard)
    # torch draws E ~ Exp(1) and adds -log E; E = -log u makes the noise the same.
    monkeypatch.setattr(torch.Tensor, "exponential_", lambda self: self.copy_(-uniform.log()))
    theirs = torch.nn.functional.gumbel_softmax(logits, tau=temperature, hard=hard, dim=1)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_gumbel_softmax_tends_to_a_draw_when_cold_and_to_uniform_when_hot() -> None:
    logits, uniform = torch.randn(50, 3, 20), torch.rand(50, 3, 20)
    cold = gumbel_softmax(logits, uniform, 1e-3, hard=False)
    assert (cold.argmax(1) == draw(logits, uniform)).all()
    assert float((cold.amax(1) > 0.99).float().mean()) > 0.98
    hot = gumbel_softmax(logits, uniform, 1e4, hard=False)
    torch.testing.assert_close(hot, torch.full_like(hot, 1 / 3), atol=1e-2, rtol=0)


def test_draws_follow_softmax() -> None:
    logits = torch.tensor([1.0, 0.0, -1.5])[None, :, None].expand(1, 3, 200_000)
    calls = draw(logits, torch.rand(1, 3, 200_000, generator=torch.Generator().manual_seed(1)))
    share = torch.bincount(calls.flatten().long(), minlength=3) / 200_000
    torch.testing.assert_close(share, logits[0, :, 0].softmax(0), atol=4e-3, rtol=0)


def test_straight_through_is_one_hot_with_the_soft_gradient() -> None:
    logits, uniform, weight = torch.randn(4, 3, 6, requires_grad=True), torch.rand(4, 3, 6), torch.randn(4, 3, 6)
    hard = gumbel_softmax(logits, uniform, 0.7, hard=True)
    assert set(hard.detach().round(decimals=5).unique().tolist()) <= {0.0, 1.0}
    torch.testing.assert_close(hard.detach().sum(1), torch.ones(4, 6))
    (through,) = torch.autograd.grad((hard * weight).sum(), logits)
    (soft,) = torch.autograd.grad((gumbel_softmax(logits, uniform, 0.7, hard=False) * weight).sum(), logits)
    torch.testing.assert_close(through, soft)


def test_planes_softmax_and_one_hot() -> None:
    x = torch.randn(3, 3, 5) * 50
    torch.testing.assert_close(planes_softmax(x), x.softmax(1))
    calls = torch.tensor([[0, 1, 2]], dtype=torch.int8)
    assert one_hot(calls, 3)[0].T.tolist() == torch.eye(3).tolist()


# --- The critic's loss ------------------------------------------------------------------------------------------------


def test_penalty_of_a_linear_critic_is_analytic() -> None:
    """A critic C(x) = w·x has slope w everywhere, so the penalty is (|w| - 1)^2 and the distance w·(real - fake)."""
    spec = spec_of(6, 8)
    model = WganGp(WganGpConfig(critic_widths=(4,)), spec, TrainingConfig())
    with torch.no_grad():
        model.critic.trunk.first.weight.zero_()
        model.critic.trunk.first.weight[0] = torch.arange(18.0) / 10
        model.critic.trunk.first.bias.fill_(100.0)  # keeps every activation on its linear side
        model.critic.output.weight.copy_(torch.tensor([[2.0, 0.0, 0.0, 0.0]]))
    real, fake = torch.rand(8, 3, 6), torch.rand(8, 3, 6)
    condition = Condition(torch.empty(8, 0, dtype=torch.int64), torch.empty(8, 0))
    loss, distance, penalty = model.critic_loss(real, fake, condition, torch.rand(8, 1, 1))
    w = 2 * torch.arange(18.0) / 10
    torch.testing.assert_close(penalty, (w.norm() - 1) ** 2)
    torch.testing.assert_close(distance, ((real - fake).flatten(1) @ w).mean(), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(loss, 10 * penalty - distance)


def test_critic_loss_and_gradients_equal_the_plain_implementation() -> None:
    """Same weights, same calls, same mixing: the fast form computes what the published form computes."""
    m, b = 24, 16
    spec = spec_of(m, b)
    torch.manual_seed(3)
    model = WganGp(dataclasses.replace(PUBLISHED, critic_widths=(20, 12, 8)), spec, TrainingConfig())
    plain = PlainWganGp(m, 4, [8, 8], [20, 12, 8])
    layers = [layer for layer in plain.critic.modules() if isinstance(layer, torch.nn.Linear)]
    trunk = model.critic.trunk
    pairs = [trunk.first]
    for residual, resize in zip(trunk.blocks, trunk.resize, strict=True):
        pairs += [*(layer for layer in residual if isinstance(layer, torch.nn.Linear)), resize]
    pairs.append(model.critic.output)
    with torch.no_grad():
        for theirs, own in zip(layers, pairs, strict=True):
            weight = own.weight
            if own is trunk.first:  # ours reads planes (3, m), theirs (m, 3)
                weight = weight.reshape(-1, 3, m).transpose(1, 2).flatten(1)
            theirs.weight.copy_(weight)
            theirs.bias.copy_(own.bias)
    real, fake, mix = torch.rand(b, 3, m), torch.rand(b, 3, m), torch.rand(b, 1, 1)
    condition = Condition(torch.empty(b, 0, dtype=torch.int64), torch.empty(b, 0))
    ours = model.critic_loss(real, fake, condition, mix)[0]
    other = plain.critic_loss(real.transpose(1, 2), fake.transpose(1, 2), mix)
    torch.testing.assert_close(ours, other, rtol=1e-5, atol=1e-5)
    own_gradients = torch.autograd.grad(ours, [layer.weight for layer in pairs])
    other_gradients = torch.autograd.grad(other, [layer.weight for layer in layers])
    for i, (a, c) in enumerate(zip(own_gradients, other_gradients, strict=True)):
        expected = c.reshape(-1, m, 3).transpose(1, 2).flatten(1) if i == 0 else c
        torch.testing.assert_close(a, expected, rtol=1e-4, atol=1e-5)


# --- The published arithmetic -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variants", "phenotypes", "latent", "generator", "critic", "output", "millions"),
    [
        (1771, 0, 128, (6, 3), (5, 10), False, (12.7, 8.5)),
        (3493, 2, 128, (24, 12, 6), (8, 16, 32), False, (22.2, 19.1)),
        (50161, 4, 256, (144, 72, 36), (36, 72, 144), True, (652.0, 683.8)),
    ],
)
def test_published_widths_give_the_published_parameter_counts(  # noqa: PLR0917
    variants: int,
    phenotypes: int,
    latent: int,
    generator: tuple[int, ...],
    critic: tuple[int, ...],
    output: bool,
    millions: tuple[float, float],
) -> None:
    spec = spec_of(variants, 100, phenotypes=phenotypes)
    widths = published_widths(spec, generator), published_widths(spec, critic)
    with torch.device("meta"):
        nets = DenseGenerator(spec, latent, widths[0], 16, condition_output=output), Critic(spec, widths[1], 16)
    counts = [sum(p.numel() for p in net.parameters()) / 1e6 for net in nets]
    assert counts == pytest.approx(millions, abs=0.15)


def test_widths_rule() -> None:
    assert published_widths(spec_of(3493, 1), (24, 12, 6)) == [436, 873, 1746]
    assert published_widths(spec_of(2, 1), (24,)) == [8]


# --- Training and sampling --------------------------------------------------------------------------------------------


def test_a_short_training_keeps_frequencies_linkage_and_populations() -> None:
    data = cohort(512)
    model = trained(data, steps=6)
    n = 2000
    for population in (0, 1):
        rows = data.condition.labels[:, 0] == population
        wish = Condition(torch.full((n, 1), population), torch.full((n, 1), torch.nan))
        calls = model.sample(n, wish, torch.Generator().manual_seed(1)).float()
        error = calls.mean(0) / 2 - data.calls[rows].float().mean(0) / 2
        assert float(error.abs().max()) < 0.08
        assert float(error.square().mean().sqrt()) < 0.03
    calls = model.sample(n, None, torch.Generator().manual_seed(2))
    assert calls.dtype == torch.int8
    assert calls.shape == (n, 30)
    r = np.corrcoef(calls.numpy().T)
    assert np.mean([r[i, i + 1] for i in range(0, 30, 2)]) > 0.5  # linked pairs are near 0.9 in the data


def test_unlabelled_data_get_latent_classes_and_their_populations_back() -> None:
    """Structure without labels: the spread of individuals along the population axis is that of the data."""
    data = cohort(512)
    bare = TrainData(
        data.calls, Condition(data.condition.labels[:, :0], data.condition.phenotypes[:, :0]), spec_of(30, 512)
    )
    model = trained(bare, steps=3)
    assert len(model.shares) > 1
    assert float(model.shares.sum()) == pytest.approx(1.0, abs=1e-5)
    calls = model.sample(1000, None, torch.Generator().manual_seed(0)).float()
    real = data.calls.float()
    axis = torch.linalg.svd(real - real.mean(0), full_matrices=False)[2][0]
    assert float((calls @ axis).std() / (real @ axis).std()) == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize("settings", [{}, dataclasses.asdict(PUBLISHED)])
@pytest.mark.parametrize("k", [2, 3])
def test_both_presets_take_haplotypes_and_diploids(settings: dict[str, Any], k: int) -> None:
    model = trained(cohort(128, 12, k=k), steps=2, **settings)
    calls = model.sample(50, None, torch.Generator().manual_seed(0))
    assert int(calls.min()) >= 0
    assert int(calls.max()) == k - 1


def test_a_monomorphic_variant_and_a_single_variant_are_harmless() -> None:
    data = cohort(128, 12)
    data.calls[:, 3] = 0
    model = trained(data, steps=2)
    calls = model.sample(400, None, torch.Generator().manual_seed(0)).float()
    assert float(calls[:, 3].mean()) < 0.05
    one = TrainData(data.calls[:, :1], data.condition, spec_of(1, 128, {"population": ["A", "B"]}, 1))
    assert trained(one, steps=2).sample(3, None, torch.Generator()).shape == (3, 1)


def test_sampling_depends_on_the_generator_alone() -> None:
    model = trained(cohort(128, 12), steps=1)
    first = model.sample(1500, None, torch.Generator().manual_seed(5))
    torch.rand(10)
    assert torch.equal(first, model.sample(1500, None, torch.Generator().manual_seed(5)))
    assert not torch.equal(first, model.sample(1500, None, torch.Generator().manual_seed(6)))


def test_settings_are_checked_by_name() -> None:
    model = build("wgan_gp", {"name": "wgan_gp", "latent": 7, "critic_steps": 4}, spec_of(5, 10), TrainingConfig())
    assert (model.config.latent, model.config.critic_steps, model.config.gradient_penalty) == (7, 4, 10.0)
