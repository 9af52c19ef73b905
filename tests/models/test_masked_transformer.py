"""Masked transformer: its likelihood against enumeration, what a token may see, and what a short training must keep."""

from __future__ import annotations

from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from core.config import experiments
from core.config.training import TrainingConfig
from core.models.base import Condition, DataSpec, TrainData
from core.models.genotype import masked_transformer
from core.models.genotype.masked_transformer import MaskedTransformer, MaskedTransformerConfig
from core.models.registry import build
from core.models.windowed_attention import Attention, Layout
from core.training.clock import TrainingClock
from core.training.load import load_model
from core.training.loop import fit
from tests.training.test_loop import Recorder

TINY: dict[str, Any] = {"width": 16, "layers": 1, "heads": 2, "patch": 4, "window": 2, "structure": 16, "axes": 2}


def cohort(n: int = 200, m: int = 30, seed: int = 0, k: int = 3, contigs: int = 2) -> TrainData:
    """Two populations with different frequencies; variants in linked pairs; one phenotype caused by variant 0."""
    rng = np.random.default_rng(seed)
    population = rng.integers(0, 2, n)
    half = rng.binomial(k - 1, rng.uniform(0.1, 0.9, (2, (m + 1) // 2))[population])
    calls = np.repeat(half, 2, axis=1)[:, :m].astype(np.int8)
    noisy = rng.random((n, m)) < 0.05
    calls[noisy] = rng.integers(0, k, noisy.sum())
    trait = calls[:, 0] - calls[:, 0].mean() + rng.normal(size=n)
    condition = Condition(
        torch.from_numpy(population[:, None]), torch.from_numpy((trait / trait.std())[:, None]).float()
    )
    position = np.sort(rng.integers(1, 10**6, m))
    contig = np.arange(m) * contigs // m
    spec = DataSpec(m, k, {"population": ["A", "B"]}, {"trait": (0.0, 1.0)}, position, contig, n)
    return TrainData(torch.from_numpy(calls), condition, spec)


def untrained(data: TrainData, **settings: Any) -> MaskedTransformer:
    torch.manual_seed(0)
    config = MaskedTransformerConfig(**(TINY | settings))
    model = MaskedTransformer(config, data.spec, TrainingConfig(batch_size=50, learning_rate=3e-3))
    model.prepare(data)
    with torch.no_grad():  # every path counts, also those that start at zero
        for parameter in model.averaged.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


def trained(data: TrainData, steps: int, rate: float = 3e-3, **settings: Any) -> MaskedTransformer:
    torch.manual_seed(0)
    config = MaskedTransformerConfig(**(TINY | settings))
    model = MaskedTransformer(config, data.spec, TrainingConfig(batch_size=50, learning_rate=rate))
    model.prepare(data)
    clock = TrainingClock(epochs=1, steps_per_epoch=steps)
    for _ in range(steps):
        model.steps(data.index(torch.randint(len(data), (50,))), clock)
        clock.tick()
    return model.eval()


def fixed(value: float = 0.5) -> torch.Generator:
    return torch.Generator().manual_seed(int(1000 * value))


# --- The likelihood ---------------------------------------------------------------------------------------------------


def conditional(model: MaskedTransformer, calls: Tensor, known: list[int], v: int, scores: Tensor) -> Tensor:
    seen = torch.full_like(calls, -1)
    seen[:, known] = calls[:, known]
    nothing = Condition(torch.full((len(calls), 1), -1), torch.full((len(calls), 1), torch.nan))
    return model.averaged(seen, scores, nothing).log_softmax(1)[:, :, v].gather(1, calls[:, v : v + 1].long())[:, 0]


@torch.no_grad()
def test_the_likelihood_given_scores_is_the_mean_over_all_orders() -> None:
    """Every order written out against many draws of masked sets; four variants have 24 orders and 16 sets."""
    data = cohort(40, 4, contigs=1)
    model = untrained(data)
    calls = data.calls[:3]
    scores = model.ancestry(calls)
    total = torch.zeros(3)
    for order in permutations(range(4)):
        for t, v in enumerate(order):
            total += conditional(model, calls, list(order[:t]), v, scores) / 24
    nothing = Condition(torch.full((3, 1), -1), torch.full((3, 1), torch.nan))
    many = torch.arange(3).repeat(6000)
    estimate = model.given(calls[many], scores[many], nothing.index(many), fixed()).reshape(6000, 3).mean(0)
    torch.testing.assert_close(estimate, total, atol=0.08, rtol=0)


def test_the_bound_is_below_a_likelihood() -> None:
    """Over all genotypes of three variants, the exponentials of the bounds sum to less than one."""
    model = trained(cohort(300, 3, contigs=1), 100)
    genotypes = torch.tensor(list(product(range(3), repeat=3)), dtype=torch.int8)
    nothing = Condition(torch.full((27, 1), -1), torch.full((27, 1), torch.nan))
    total = float(model.bound(genotypes, nothing, fixed(), draws=400).exp().sum())
    assert 0.0 < total < 1.0


@torch.no_grad()
def test_each_order_is_a_distribution_and_the_bound_lies_below_it() -> None:
    """Chained conditionals sum to one over all genotypes, and their mean log is at most the log of their mean."""
    data = cohort(40, 3, contigs=1)
    model = untrained(data)
    genotypes = torch.tensor(list(product(range(3), repeat=3)), dtype=torch.int8)
    scores = torch.zeros(27, model.ancestry.width)
    logs = []
    for order in permutations(range(3)):
        chain = [conditional(model, genotypes, list(order[:t]), v, scores) for t, v in enumerate(order)]
        logs.append(torch.stack(chain).sum(0))
        assert float(logs[-1].exp().sum()) == pytest.approx(1.0, abs=1e-4)
    each = torch.stack(logs)
    assert (each.mean(0) <= each.logsumexp(0) - np.log(6) + 1e-6).all()


def test_masked_sets_are_uniform_in_size_and_in_place() -> None:
    generator = fixed()
    masked = masked_transformer._masked(torch.rand(1, generator=generator), torch.rand(20_000, 8, generator=generator))
    sizes = torch.bincount(masked.sum(1), minlength=9)
    assert sizes[0] == 0
    assert torch.allclose(sizes[1:] / 20_000, torch.full((8,), 1 / 8), atol=2e-3)
    assert torch.allclose(masked.float().mean(0), torch.full((8,), 4.5 / 8), atol=0.02)


@torch.no_grad()
def test_the_density_of_scores_is_that_of_draws() -> None:
    """It integrates to one, and its mean over draws is that of an independent estimate of their entropy."""
    data = cohort(60, 12)
    ancestry = untrained(data, axes=1).ancestry
    grid = torch.arange(-200, 201) * 0.04
    everywhere = torch.cartesian_prod(grid, grid)
    weights = torch.full((len(everywhere), 60), 1 / 60).log()
    assert float(ancestry.log_density(everywhere, weights).exp().sum() * 0.04**2) == pytest.approx(1.0, abs=5e-3)
    draws = ancestry.draw(torch.randint(60, (20_000,), generator=fixed()), torch.randn(20_000, 2, generator=fixed()))
    torch.testing.assert_close(draws.mean(0), ancestry.scores.mean(0), atol=0.05, rtol=0)
    torch.testing.assert_close(draws.std(0), ancestry.scores.std(0), atol=0.08, rtol=0)


# --- What the net may see ---------------------------------------------------------------------------------------------


@torch.no_grad()
def test_what_is_masked_is_not_seen() -> None:
    """The cross-entropy of a masked call changes by its own logit alone: the logits do not know the answer."""
    data = cohort(20, 30)
    model = untrained(data)
    masked = torch.rand(20, 30, generator=fixed()) < 0.5
    scores = torch.full((20, model.ancestry.width), torch.nan)
    other = torch.where(masked, (data.calls + 1) % 3, data.calls)
    seen = [torch.where(masked, -1, calls) for calls in (data.calls, other)]
    logits = [model.averaged(calls, scores, data.condition) for calls in seen]
    assert torch.equal(*logits)
    losses = [
        masked_transformer._cross_entropy(model.averaged, c, masked, scores, data.condition)
        for c in (data.calls, other)
    ]
    log_p = logits[0].log_softmax(1)
    for loss, calls in zip(losses, (data.calls, other), strict=True):
        expected = -log_p.gather(1, calls[:, None].long())[:, 0] * masked
        torch.testing.assert_close(loss, expected)


@torch.no_grad()
def test_windows_are_full_attention_under_a_mask() -> None:
    data = cohort(5, 90, contigs=3)
    layout = Layout(data.spec, 4, 3)
    attention = Attention(16, 2, 0.0)
    torch.nn.init.normal_(attention.bias)
    x, s, n = torch.randn(5, 2 + len(layout.variants), 16), 2, len(layout.variants)
    ours = attention(x, s, layout.distance)
    contig = torch.tensor([data.spec.contig[min(int(row[0]), 89)] for row in layout.variants])
    token = (layout.variants < 90).any(1)
    near = (torch.arange(n)[:, None] - torch.arange(n)).abs() <= layout.window
    allowed = near & (contig[:, None] == contig) & token[:, None] & token | torch.eye(n, dtype=torch.bool)
    bias = torch.full((2, s + n, s + n), -torch.inf)
    bias[:, :s] = 0.0
    bias[:, s:, :s] = attention.bias[:, -1, None, None]
    for i in range(n):
        block, row = divmod(i, layout.window)
        for j in range(n):
            if allowed[i, j]:
                code = layout.distance[block, row, j - (block - 1) * layout.window]
                assert code >= 0
                bias[:, s + i, s + j] = attention.bias[:, code]
    q, k, v = attention.enter(attention.norm(x)).reshape(5, s + n, 3, 2, 8).permute(2, 0, 3, 1, 4)
    weight = (q @ k.transpose(2, 3) / 8**0.5 + bias).softmax(3)
    full = attention.leave((weight @ v).transpose(1, 2).reshape(x.shape))
    torch.testing.assert_close(ours, full, atol=1e-5, rtol=1e-4)


def test_tokens_hold_every_variant_once_and_never_two_contigs() -> None:
    data = cohort(5, 31, contigs=3)
    layout = Layout(data.spec, 4, 3)
    real = [row[row < 31].tolist() for row in layout.variants]
    assert sorted(v for row in real for v in row) == list(range(31))
    assert all(len({data.spec.contig[v] for v in row}) <= 1 for row in real)


@torch.no_grad()
def test_individuals_do_not_see_each_other() -> None:
    data = cohort(20, 30)
    model = untrained(data)
    scores, order = model.ancestry(data.calls), torch.randperm(20)
    calls = torch.where(torch.rand(20, 30) < 0.5, -1, data.calls)
    one = model.averaged(calls, scores, data.condition)
    other = model.averaged(calls[order], scores[order], data.condition.index(order))
    torch.testing.assert_close(one[order], other, atol=1e-5, rtol=1e-4)


# --- Training, sampling, imputation -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def halves() -> tuple[TrainData, TrainData]:
    whole = cohort(800)
    parts = whole.index(slice(0, 500)), whole.index(slice(500, None))
    first, second = (TrainData(part.calls, part.condition, whole.spec) for part in parts)
    return first, second


@pytest.fixture(scope="module")
def model(halves: tuple[TrainData, TrainData]) -> MaskedTransformer:
    return trained(halves[0], 400, rate=1e-2)


def test_a_short_training_keeps_frequencies_linkage_and_populations(
    model: MaskedTransformer, halves: tuple[TrainData, TrainData]
) -> None:
    data, n = halves[0], 800
    for population in (0, 1):
        rows = data.condition.labels[:, 0] == population
        wish = Condition(torch.full((n, 1), population), torch.full((n, 1), torch.nan))
        calls = model.sample(n, wish, fixed()).float()
        error = calls.mean(0) / 2 - data.calls[rows].float().mean(0) / 2
        assert float(error.square().mean().sqrt()) < 0.05
    calls = model.sample(n, None, fixed())
    assert calls.dtype == torch.int8 and calls.shape == (n, 30)
    assert int(calls.min()) == 0 and int(calls.max()) == 2
    r = np.corrcoef(calls.numpy().T)
    assert np.mean([r[i, i + 1] for i in range(0, 30, 2)]) > 0.7  # near 0.9 in the data


def test_training_raises_the_held_out_bound_above_independent_variants(
    model: MaskedTransformer, halves: tuple[TrainData, TrainData]
) -> None:
    frequency = torch.stack([(halves[0].calls == k).float().mean(0) for k in range(3)]).clamp(min=1e-3)
    independent = frequency.log().gather(0, halves[1].calls.long()).sum(1).mean()
    value = model.held_out(halves[1])["held_out_likelihood_bound"]
    assert float(independent) + 2 < value < 0


@pytest.mark.parametrize("k", [2, 3])
def test_haplotypes_diploids_and_the_smallest_cohorts(k: int) -> None:
    for n, m in ((60, 12), (6, 1), (3, 5)):
        data = cohort(n, m, k=k, contigs=1)
        model = trained(data, 2)
        calls = model.sample(7, None, fixed())
        assert calls.shape == (7, m) and int(calls.min()) >= 0 and int(calls.max()) < k


def test_a_phenotype_that_is_asked_for_shows_in_the_variant_that_causes_it(model: MaskedTransformer) -> None:
    dosage = []
    for value in (-1.5, 1.5):
        wish = Condition(torch.full((300, 1), 0), torch.full((300, 1), value))
        dosage.append(float(model.sample(300, wish, fixed())[:, 0].float().mean()))
    assert dosage[1] > dosage[0] + 0.2


def test_imputation_keeps_what_is_known_and_uses_linkage(
    model: MaskedTransformer, halves: tuple[TrainData, TrainData]
) -> None:
    holdout = halves[1].calls[:100]
    hidden = holdout.clone()
    hidden[:, ::2] = -1  # the other of each linked pair is known
    p = model.impute(hidden, None, fixed())
    assert p.shape == (100, 30, 3)
    torch.testing.assert_close(p.sum(2), torch.ones(100, 30))
    assert (p[:, 1::2].argmax(2) == holdout[:, 1::2]).all() and (p[:, 1::2].amax(2) == 1).all()
    right = (p[:, ::2].argmax(2) == holdout[:, ::2]).float().mean()
    assert float(right) > 0.85


def test_sampling_depends_on_the_generator_alone() -> None:
    model = trained(cohort(128, 12), 2)
    first = model.sample(300, None, torch.Generator().manual_seed(5))
    torch.rand(10)
    assert torch.equal(first, model.sample(300, None, torch.Generator().manual_seed(5)))
    assert not torch.equal(first, model.sample(300, None, torch.Generator().manual_seed(6)))


@pytest.mark.parametrize("stop_after", [3, 6])
def test_resume_is_never_having_stopped(tmp_path: Path, stop_after: int) -> None:
    data = cohort(64, 12)
    config = TrainingConfig(epochs=2, batch_size=16, device="cpu", checkpoint_every=1)
    models = []
    for folder, stops in (("whole", [None]), ("parts", [stop_after, None])):
        for stop in stops:
            torch.manual_seed(1)
            model = build("masked_transformer", TINY, data.spec, config)
            run = Recorder(tmp_path / folder, stop)
            fit(run, model, data, None, config, resume=stop is None and len(stops) > 1, name="masked_transformer")
        models.append(model)
    assert all(torch.equal(a, b) for a, b in zip(*(m.state_dict().values() for m in models), strict=True))
    loaded = load_model(tmp_path / "whole" / "last")
    assert torch.equal(loaded.sample(20, None, fixed()), models[0].eval().sample(20, None, fixed()))


def test_both_presets_are_settings_of_the_model() -> None:
    for preset in experiments.presets("masked_transformer"):
        node = experiments.load("masked_transformer", preset)["model"]
        model = build("masked_transformer", node, cohort(20, 30).spec, TrainingConfig())
        assert model.net.summary.out_features == node.get("width", 64) * node.get("summaries", 4)
