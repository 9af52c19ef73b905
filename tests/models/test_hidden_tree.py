"""Hidden Chow–Liu tree: likelihood and imputation against enumeration, EM, its forest, and what samples must keep."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch

from core.config.training import TrainingConfig
from core.models import ancestry
from core.models.base import Batch, Condition, TrainData
from core.models.chow_liu import forest, mutual_information
from core.models.genotype import hidden_tree
from core.models.genotype.hidden_tree import HiddenTree
from core.models.registry import build
from core.training.clock import TrainingClock
from tests.models.test_baselines import train_data


def fitted(data: TrainData, steps: int = 3, b: int | None = None, **settings: Any) -> HiddenTree:
    torch.manual_seed(0)
    model: HiddenTree = build("hidden_tree", settings, data.spec, TrainingConfig(device="cpu"))
    model.prepare(data)
    for _ in range(steps):
        model.steps(data.index(slice(0, b or len(data))), TrainingClock(1, 1))
    return model


def founders_data(n: int = 120, m: int = 24, seed: int = 0, ploidy: int = 2, labels: bool = False) -> TrainData:
    """Copies of six founders in stretches; with labels, two populations that use them unequally."""
    rng = np.random.default_rng(seed)
    founders = (rng.random((6, m)) < rng.uniform(0.2, 0.8, m)).astype(np.int8)
    founders[0] = 1 - founders[1]  # no variant is constant
    population = np.arange(n) % 2
    odds = np.array([[5, 5, 1, 1, 1, 1], [1, 1, 1, 1, 5, 5]]) if labels else np.ones((2, 6))
    strands = []
    for _ in range(ploidy):
        source = np.stack([rng.choice(6, m, p=odds[k] / odds[k].sum()) for k in population])
        jump = rng.random((n, m)) < 0.1
        jump[:, 0] = True
        start = np.maximum.accumulate(np.where(jump, np.arange(m), 0), axis=1)
        strands.append(founders[np.take_along_axis(source, start, 1), np.arange(m)])
    return train_data(np.sum(strands, axis=0), population if labels else None, ploidy=ploidy)


def random_tree(ploidy: int = 2, classes: int = 2, m: int = 4, states: int = 2) -> HiddenTree:
    """A tree of four variants, the first two of them roots, with random parameters."""
    data = train_data(np.random.default_rng(1).integers(0, ploidy + 1, (40, m)), np.arange(40) % classes, ploidy=ploidy)
    model = fitted(data, steps=0, states=states)
    noise = torch.Generator().manual_seed(3)

    def random(*shape: int) -> torch.Tensor:
        return torch.rand(shape, generator=noise) + 0.05

    model.order = torch.tensor([2, 0, 3, 1])
    model.parent, model.bounds = torch.tensor([0, 1, 0, 0]), torch.tensor([0, 2, 4])
    model.first, model.transition = random(m, classes, states), random(m, states, states)
    model.first /= model.first.sum(2, keepdim=True)
    model.transition /= model.transition.sum(2, keepdim=True)
    model.renewal, model.allele = torch.tensor([1.0, 1.0, 0.3, 0.6]), random(m, states) / 1.1
    model.share, model.inbreeding = torch.tensor([0.3, 0.7]), torch.zeros(())
    return model


def enumerated(model: HiddenTree, genotype: tuple[int, ...], member: int) -> float:
    """P(genotype | class), as a sum over alleles of each strand, and for each strand over its hidden states."""
    m, states = model.allele.shape
    place = {int(v): k for k, v in enumerate(model.order)}
    theta, first, move = model.allele.double(), model.first[:, member].double(), model.transition.double()

    def haplotype(alleles: tuple[int, ...]) -> float:
        total = 0.0
        for z in itertools.product(range(states), repeat=m):
            p = 1.0
            for k in range(m):
                u, r = int(model.parent[k]), float(model.renewal[k])
                p *= float(first[k, z[k]] if u == k else (1 - r) * move[k, z[u], z[k]] + r * first[k, z[k]])
            for v in range(m):
                p *= float(theta[place[v], z[place[v]]] if alleles[v] else 1 - theta[place[v], z[place[v]]])
            total += p
        return total

    known = {a: haplotype(a) for a in itertools.product((0, 1), repeat=m)}
    if model.spec.ploidy == 1:
        return known[genotype]
    return sum(p * q for (a, p), (b, q) in itertools.product(known.items(), repeat=2) if _sum(a, b) == genotype)


def _sum(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(x + y for x, y in zip(a, b, strict=True))


def labelled(*codes: int) -> Condition:
    return Condition(torch.tensor(codes)[:, None], torch.empty(len(codes), 0))


@pytest.mark.parametrize("ploidy", [1, 2])
def test_the_likelihood_is_the_sum_over_hidden_states_and_phases(ploidy: int) -> None:
    model = random_tree(ploidy)
    genotype = (1, 0, ploidy, 1)
    expected = [enumerated(model, genotype, k) for k in (0, 1)]
    calls = torch.tensor([genotype] * 3, dtype=torch.int8)
    found = model.log_likelihood(calls, labelled(0, 1, -1)).exp()
    mixed = 0.3 * expected[0] + 0.7 * expected[1]
    torch.testing.assert_close(found, torch.tensor([*expected, mixed]), rtol=1e-4, atol=0)


def test_probabilities_of_all_genotypes_add_up_to_one() -> None:
    model = random_tree()
    calls = torch.tensor(list(itertools.product((0, 1, 2), repeat=4)), dtype=torch.int8)
    unknown = labelled(*[-1] * len(calls))
    assert float(model.log_likelihood(calls, unknown).exp().sum()) == pytest.approx(1.0, abs=1e-4)
    nothing = torch.full((1, 4), -1, dtype=torch.int8)
    assert float(model.log_likelihood(nothing, labelled(-1))) == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize("code", [0, -1])
def test_imputation_is_the_ratio_of_enumerated_sums(code: int) -> None:
    model = random_tree()
    weights = [1.0, 0.0] if code == 0 else [0.3, 0.7]
    joint = torch.zeros(3, 3)
    for a, b in itertools.product(range(3), repeat=2):
        joint[a, b] = sum(w * enumerated(model, (1, a, 2, b), k) for k, w in enumerate(weights))
    joint /= joint.sum()
    calls = torch.tensor([[1, -1, 2, -1]], dtype=torch.int8)
    found = model.impute(calls, labelled(code), torch.Generator())[0]
    torch.testing.assert_close(found[1], joint.sum(1), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found[3], joint.sum(0), rtol=1e-4, atol=1e-6)
    assert found[0].tolist() == [0.0, 1.0, 0.0]
    assert found[2].tolist() == [0.0, 0.0, 1.0]


def test_samples_have_the_probabilities_that_the_likelihood_gives() -> None:
    model = random_tree()
    n = 40_000
    calls = model.sample(n, labelled(*[1] * n), torch.Generator().manual_seed(0)).long()
    codes = (calls * torch.tensor([27, 9, 3, 1])).sum(1).bincount(minlength=81) / n
    every = torch.tensor(list(itertools.product((0, 1, 2), repeat=4)), dtype=torch.int8)
    expected = model.log_likelihood(every, labelled(*[1] * 81)).exp()
    assert float(((codes - expected) / (expected / n).sqrt()).square().mean()) == pytest.approx(1.0, abs=0.5)


@pytest.mark.parametrize("states", [2, 4])
def test_plain_em_never_lowers_the_likelihood(states: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hidden_tree, "PRIOR", 0.0)
    data = founders_data(100)
    model = fitted(data, steps=0, states=states)
    batch = data.index(slice(0, len(data)))
    values = [float(model.steps(batch, TrainingClock(1, 1)).values["log_likelihood"]) for _ in range(12)]
    assert min(np.diff(values)) > -1e-3
    assert values[-1] > values[0] + 0.1


def test_steps_on_parts_come_near_the_fit_on_everybody() -> None:
    data = founders_data(240)
    start, whole, parts = fitted(data, 0, states=6), fitted(data, 20, states=6), fitted(data, 60, b=60, states=6)
    value = [float(model.log_likelihood(data.calls, data.condition).mean()) for model in (start, whole, parts)]
    assert value[1] > value[0] + 2
    assert value[2] > value[1] - 0.1 * (value[1] - value[0])


def test_a_resumed_fit_equals_one_that_never_stopped() -> None:
    data = founders_data(80)
    batch = data.index(slice(0, 20))
    one = fitted(data, 3, b=20, states=4)
    kept, noise = {k: v.clone() for k, v in one.state().items()}, torch.get_rng_state()
    one.steps(batch, TrainingClock(1, 1))
    other = fitted(data, 0, states=4)
    other.load(kept)
    torch.set_rng_state(noise)
    other.steps(batch, TrainingClock(1, 1))
    assert all(torch.equal(v, other.state()[k]) for k, v in one.state().items())
    sampling = build("hidden_tree", {"states": 4}, data.spec, TrainingConfig(device="cpu"))
    sampling.load(one.state(optimisers=False))
    draws = [model.sample(20, None, torch.Generator().manual_seed(1)) for model in (one, sampling)]
    assert torch.equal(*draws)


def test_linkage_frequencies_and_populations_come_back() -> None:
    data = founders_data(400, labels=True)
    model = fitted(data, 15, states=8)
    for code in (0, 1):
        calls = model.sample(3000, labelled(*[code] * 3000), torch.Generator().manual_seed(code)).float()
        real = data.calls[data.condition.labels[:, 0] == code].float()
        assert float((calls.mean(0) - real.mean(0)).abs().max()) < 0.2
        linkage = [np.corrcoef(x.numpy().T)[np.triu_indices(24, 1)] for x in (calls, real)]
        assert np.corrcoef(*linkage)[0, 1] > 0.9


def test_a_hidden_call_is_found_from_its_neighbours() -> None:
    data = founders_data(400)
    model = fitted(data, 15, states=8)
    fresh = founders_data(400).calls[:60].clone()
    masked = fresh.clone()
    masked[:, 3::4] = -1
    dosage = model.impute(masked, None, torch.Generator()) @ torch.arange(3.0)
    r = [np.corrcoef(dosage[:, j], fresh[:, j])[0, 1] for j in range(3, 24, 4)]
    assert np.mean(np.square(r)) > 0.6


def test_inbred_lines_stay_inbred() -> None:
    lines = 2 * np.random.default_rng(0).integers(0, 2, (100, 10))
    assert int((fitted(train_data(lines), 2).sample(200, None, torch.Generator()) == 1).sum()) == 0


@pytest.mark.parametrize(("n", "m", "ploidy"), [(2, 1, 2), (3, 3, 1), (40, 2, 2)])
def test_tiny_cohorts(n: int, m: int, ploidy: int) -> None:
    calls = np.random.default_rng(0).integers(0, ploidy + 1, (n, m))
    calls[:, 0] = 0
    model = fitted(train_data(calls, ploidy=ploidy), 2)
    sample = model.sample(300, None, torch.Generator())
    assert float(sample[:, 0].float().mean()) < 0.05
    assert 0 <= int(sample.min()) <= int(sample.max()) <= ploidy


# --- the forest and the classes


def test_mutual_information_is_that_of_the_table() -> None:
    table = np.array([[0.4, 0.1], [0.2, 0.3]])
    p, q = table[1].sum(), table[:, 1].sum()
    expected = (table * np.log(table / np.outer(table.sum(1), table.sum(0)))).sum()
    found = mutual_information(*map(torch.tensor, (p, q, table[1, 1] - p * q)))
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_the_forest_of_a_chain_is_the_chain_and_unlinked_variants_stand_alone() -> None:
    rng = np.random.default_rng(0)
    h, m = 4000, 9
    x = np.zeros((h, m + 3), dtype=np.float32)
    x[:, 0] = rng.random(h) < 0.5
    for j in range(1, m):
        x[:, j] = np.where(rng.random(h) < 0.15, rng.random(h) < 0.5, x[:, j - 1])
    x[:, m:] = rng.random((h, 3)) < 0.5
    alleles = torch.tensor(x)
    tree = forest(alleles - alleles.mean(0), alleles.mean(0))
    order, parent = tree.order.tolist(), tree.parent.tolist()
    edges = {tuple(sorted((order[k], order[u]))) for k, u in enumerate(parent) if k != u}
    assert edges == {(j, j + 1) for j in range(m - 1)}
    assert set(order[: int(tree.bounds[1])]) == {4, 9, 10, 11}
    assert len(tree.bounds) - 1 == 5
    depth = torch.repeat_interleave(torch.arange(5), tree.bounds.diff())
    assert all(depth[k] == depth[u] + 1 for k, u in enumerate(parent) if k != u)


def test_latent_classes_are_the_populations() -> None:
    rng = np.random.default_rng(0)
    frequency = rng.uniform(0.05, 0.95, (3, 200))
    population = np.arange(300) % 3
    found = ancestry.latent(torch.tensor(rng.binomial(2, frequency[population]).astype(np.int8)), 2, most=3)
    pairs = {(int(a), int(b)) for a, b in zip(found.member, population, strict=True)}
    assert len(pairs) == 3
    order = [next(a for a, b in pairs if b == k) for k in range(3)]
    assert float((found.frequency[order] - torch.tensor(frequency)).abs().mean()) < 0.03


def test_a_small_class_leans_on_its_relative() -> None:
    drift = torch.tensor([[0.2, 0.19, 0.0], [0.19, 0.2, 0.0], [0.0, 0.0, 0.2]])
    share = torch.tensor([[0.9], [0.5], [0.5]])[..., None]
    size = torch.tensor([[1000.0], [0.01], [0.01]])
    mean = torch.tensor([[0.5]])
    found = ancestry.posterior_mean(share, size, mean, drift)[:, 0, 0]
    assert float(found[0]) == pytest.approx(0.9, abs=0.01)
    assert float(found[1]) == pytest.approx(0.5 + 0.95 * 0.4, abs=0.02)
    assert float(found[2]) == pytest.approx(0.5, abs=0.01)
    assert math.isfinite(float(found.sum()))


def test_a_batch_only_says_how_many() -> None:
    data = founders_data(60)
    model = fitted(data, 0, states=4)
    before = model.allele.clone()
    model.steps(Batch(torch.zeros(30, 24, dtype=torch.int8), data.condition.index(slice(0, 30))), TrainingClock(1, 1))
    assert not torch.equal(before, model.allele)
    assert float(model.allele.mean()) > 0.2
