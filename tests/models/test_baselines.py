"""The four baselines: what each must get right, what each must get wrong, and what all of them must survive."""

from __future__ import annotations

import itertools
import math
from typing import Any

import msprime
import numpy as np
import pytest
import torch

from core.config.training import TrainingConfig
from core.models.base import Condition, DataSpec, Model, TrainData
from core.models.genotype.neighbour_mosaic import affinity
from core.models.populations import BLOCK, row_blocks
from core.models.registry import build
from core.training.loop import fit

BASELINES = ["independent_sites", "gaussian_copula", "haplotype_mosaic", "neighbour_mosaic", "resample"]
CONFIG = TrainingConfig(epochs=0, device="cpu")


def train_data(
    calls: np.ndarray[Any, Any],
    population: np.ndarray[Any, Any] | None = None,
    position: np.ndarray[Any, Any] | None = None,
    ploidy: int = 2,
    phenotype: np.ndarray[Any, Any] | None = None,
) -> TrainData:
    n, m = calls.shape
    spec = DataSpec(
        variants=m,
        categories=ploidy + 1,
        label_columns={} if population is None else {"population": [f"P{k}" for k in range(int(population.max()) + 1)]},
        phenotypes={} if phenotype is None else {"height": (0.0, 1.0)},
        position=np.zeros(m, dtype=np.int64) if position is None else position.astype(np.int64),
        contig=np.zeros(m, dtype=np.int64),
        n_train=n,
    )
    labels = np.zeros((n, 0)) if population is None else population[:, None]
    numbers = np.zeros((n, 0)) if phenotype is None else phenotype[:, None]
    condition = Condition(torch.tensor(labels, dtype=torch.int64), torch.tensor(numbers, dtype=torch.float32))
    return TrainData(torch.tensor(calls.astype(np.int8)), condition, spec)


def fitted(name: str, data: TrainData, **settings: Any) -> Model:
    torch.manual_seed(0)
    model = build(name, settings, data.spec, CONFIG)
    model.prepare(data)
    return model


def draw(model: Model, n: int, seed: int = 1, condition: Condition | None = None) -> torch.Tensor:
    calls = model.sample(n, condition, torch.Generator().manual_seed(seed))
    assert calls.dtype == torch.int8
    assert calls.shape == (n, model.spec.variants)
    return calls


def frequencies(calls: torch.Tensor, categories: int = 3) -> torch.Tensor:
    return torch.stack([(calls == c).double().mean(0) for c in range(categories)])


def correlation(calls: torch.Tensor) -> np.ndarray[Any, Any]:
    """(m, m) Pearson correlation of dosages, 0 for a constant variant."""
    x = calls.double() - calls.double().mean(0)
    x = x / x.square().mean(0).sqrt().clamp(min=1e-9)
    return np.asarray(x.T @ x / len(x))


def off_diagonal(matrix: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return matrix[np.triu_indices(len(matrix), 1)]


@pytest.fixture(scope="module")
def cohort() -> TrainData:
    """600 individuals of a coalescent population with recombination, 120 common variants of 200 kb."""
    trees = msprime.sim_ancestry(
        600, population_size=10_000, sequence_length=200_000, recombination_rate=1e-8, random_seed=11
    )
    variants = msprime.sim_mutations(trees, rate=2e-8, random_seed=12)
    haplotypes = variants.genotype_matrix().T
    calls = haplotypes[::2] + haplotypes[1::2]
    common = np.flatnonzero(np.abs(calls.mean(0) / 2 - 0.5) < 0.45)
    keep = common[np.linspace(0, len(common) - 1, 120).astype(int)]
    return train_data(calls[:, keep], position=variants.tables.sites.position[keep] + 1)


@pytest.fixture(scope="module")
def structured() -> TrainData:
    """Three populations of unlike frequencies, 250 individuals of known population each and 30 of unknown."""
    rng = np.random.default_rng(2)
    frequency = rng.uniform(0.05, 0.95, (3, 25))
    population = np.repeat([0, 1, 2, -1], [250, 250, 250, 30])
    calls = rng.binomial(2, frequency[np.where(population < 0, rng.integers(0, 3, 780), population)])
    return train_data(calls, population)


# --- what each must get right or wrong


def test_independent_sites_have_the_frequencies_and_no_linkage(cohort: TrainData) -> None:
    n = 4000
    sample = draw(fitted("independent_sites", cohort), n)
    expected = frequencies(cohort.calls)
    error = (frequencies(sample) - expected) / (expected * (1 - expected) / n).sqrt().clamp(min=1e-9)
    # 360 standard normal deviations: beyond 4.5 about one run in 400.
    assert float(error.abs().max()) < 4.5
    assert float(error.square().mean()) == pytest.approx(1.0, abs=0.25)
    # r² between independent columns has mean 1/n.
    assert (off_diagonal(correlation(sample)) ** 2).mean() == pytest.approx(1 / n, rel=0.1)
    assert (off_diagonal(correlation(cohort.calls)) ** 2).mean() > 30 / n


def test_independent_sites_within_populations_keep_the_structure(structured: TrainData) -> None:
    pooled = off_diagonal(correlation(draw(fitted("independent_sites", structured), 3000)))
    within = off_diagonal(correlation(draw(fitted("independent_sites", structured, within_population=True), 3000)))
    real = off_diagonal(correlation(structured.calls))
    assert np.corrcoef(within, real)[0, 1] > 0.9
    assert abs(np.corrcoef(pooled, real)[0, 1]) < 0.2


def latent_cohort(n: int, m: int, seed: int) -> TrainData:
    """Thresholded first-order autoregressive normal variables: data that a Gaussian copula describes exactly."""
    rng = np.random.default_rng(seed)
    z = np.empty((n, m))
    z[:, 0] = rng.standard_normal(n)
    for j in range(1, m):
        z[:, j] = 0.8 * z[:, j - 1] + 0.6 * rng.standard_normal(n)
    low = rng.uniform(-1.5, 0.5, m)
    return train_data((z > low).astype(int) + (z > low + rng.uniform(0.3, 1.5, m)))


def test_the_copula_has_exact_frequencies_and_pairwise_correlations() -> None:
    data, n = latent_cohort(3000, 40, seed=4), 20_000
    sample = draw(fitted("gaussian_copula", data), n)
    expected = frequencies(data.calls)
    error = (frequencies(sample) - expected) / (expected * (1 - expected) / n).sqrt()
    assert float(error.abs().max()) < 4.5
    real, found = correlation(data.calls), correlation(sample)
    neighbours = np.diag(real, 1)
    assert neighbours.mean() > 0.4
    # Sampling error of the data themselves is 1/√3000 = 0.018; what is added must be less than that.
    assert np.abs(np.diag(found, 1) - neighbours).max() < 0.03
    assert np.sqrt(np.mean((off_diagonal(found) - off_diagonal(real)) ** 2)) < 0.018
    # Noise between variants far apart is shrunk, not learned.
    far = np.triu(np.ones((40, 40), bool), 25)
    assert (found[far] ** 2).mean() < 0.7 * (real[far] ** 2).mean()


def test_a_chain_of_blocks_carries_linkage_across_their_borders() -> None:
    data = latent_cohort(3000, 100, seed=5)
    model = fitted("gaussian_copula", data, block=16)
    assert model.state()["weights.factor"].shape == (7, 16, 16)
    real, found = correlation(data.calls), correlation(draw(model, 10_000))
    border = np.arange(15, 99, 16)
    assert np.abs(np.delete(np.diag(found, 1) - np.diag(real, 1), border)).max() < 0.05
    # The regression on the block before is shrunk: a fifth of the correlation may be lost there, not more.
    assert (np.diag(found, 1)[border] > 0.8 * np.diag(real, 1)[border]).all()
    expected = frequencies(data.calls)
    assert float((frequencies(draw(model, 10_000)) - expected).abs().max()) < 0.025


def test_the_copula_within_populations_adds_up_to_the_whole_cohort(structured: TrainData) -> None:
    model = fitted("gaussian_copula", structured)
    real = off_diagonal(correlation(structured.calls))
    assert np.corrcoef(off_diagonal(correlation(draw(model, 4000))), real)[0, 1] > 0.9
    # Within a population the variants are independent, and the copula must not invent linkage there.
    one = draw(model, 4000, condition=Condition(torch.zeros(4000, 1, dtype=torch.int64), torch.empty(4000, 0)))
    # Unshrunk, the sampling noise of 750 individuals would add 1/750 to that of the sample.
    assert (off_diagonal(correlation(one)) ** 2).mean() < 0.75 * (1 / 750 + 1 / 4000)


def decay(calls: torch.Tensor, position: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Mean r² in five classes of distance."""
    distance = off_diagonal(np.abs(position[:, None] - position[None, :]))
    square = off_diagonal(correlation(calls)) ** 2
    edges = np.array([0, 2_000, 10_000, 30_000, 80_000, 200_000])
    return np.array([square[(distance >= a) & (distance < b)].mean() for a, b in itertools.pairwise(edges)])


def test_the_linkage_of_the_mosaic_decays_like_the_data(cohort: TrainData) -> None:
    model = fitted("haplotype_mosaic", cohort)
    real, found = decay(cohort.calls, cohort.spec.position), decay(draw(model, 2000), cohort.spec.position)
    assert real[0] > 5 * real[-1]
    np.testing.assert_allclose(found[:4], real[:4], rtol=0.2)
    assert found[-1] == pytest.approx(real[-1], abs=0.01)
    # The same mosaic cut every few hundred bases has lost it: the rate is what carries the linkage.
    cut = decay(draw(fitted("haplotype_mosaic", cohort, switch_rate=1e-3), 2000), cohort.spec.position)
    assert cut[2] < 0.2 * real[2]


def test_a_mosaic_without_switches_and_errors_copies_haplotypes(cohort: TrainData) -> None:
    model = fitted("haplotype_mosaic", cohort, switch_rate=0.0, miscopy_rate=0.0)
    known = {tuple(h) for h in model.state()["weights.panel"].tolist()}
    haploid = train_data(np.array([list(h) for h in known]), position=cohort.spec.position, ploidy=1)
    copies = draw(fitted("haplotype_mosaic", haploid, switch_rate=0.0, miscopy_rate=0.0), 300)
    assert {tuple(row) for row in copies.tolist()} <= known
    # Diploids are pairs of them: some call differs from every training individual's, none from a sum of two.
    pairs = draw(model, 20)
    panel = model.state()["weights.panel"]
    for row in pairs:
        rest = row[None, :] - panel
        assert any(tuple(r) in known for r in rest[(rest.min(1).values >= 0) & (rest.max(1).values <= 1)].tolist())


def test_a_given_switch_rate_is_the_rate_at_which_sources_change() -> None:
    # Every training haplotype is constant, 0 or 1, so that half of the switches show as a change along the genome.
    m, rate = 400, 1e-4
    calls = np.repeat([[0], [1]], 10, axis=0) * np.ones((20, m), dtype=int)
    data = train_data(calls, position=1 + 500 * np.arange(m), ploidy=1)
    sample = draw(fitted("haplotype_mosaic", data, switch_rate=rate, miscopy_rate=0.0), 2000)
    changes = (sample[:, 1:] != sample[:, :-1]).double().mean().item()
    assert changes == pytest.approx((1 - math.exp(-rate * 500)) / 2, rel=0.03)


def test_without_positions_the_rate_is_per_variant() -> None:
    calls = np.repeat([[0], [1]], 10, axis=0) * np.ones((20, 400), dtype=int)
    model = fitted("haplotype_mosaic", train_data(calls, ploidy=1), switch_rate=0.1, miscopy_rate=0.0)
    sample = draw(model, 2000)
    changes = (sample[:, 1:] != sample[:, :-1]).double().mean().item()
    assert changes == pytest.approx((1 - math.exp(-0.1)) / 2, rel=0.03)


def test_the_effective_size_sets_the_rate(cohort: TrainData) -> None:
    model = fitted("haplotype_mosaic", cohort, effective_size=10_000.0, recombination_rate=1e-8)
    assert model.state()["weights.rates"][0, 0].item() == pytest.approx(4 * 10_000 * 1e-8 / 1200)


def test_the_mosaic_keeps_inbred_lines_inbred() -> None:
    lines = 2 * np.random.default_rng(0).integers(0, 2, (200, 50))
    outbred = np.random.default_rng(1).binomial(2, 0.5, (200, 50))
    assert int((draw(fitted("haplotype_mosaic", train_data(lines), miscopy_rate=0.0), 200) == 1).sum()) == 0
    assert (draw(fitted("haplotype_mosaic", train_data(outbred)), 500) == 1).double().mean() == pytest.approx(
        0.5, abs=0.02
    )


def test_neighbours_are_donors_in_even_shares_and_never_oneself() -> None:
    places = torch.from_numpy(np.random.default_rng(3).normal(size=(200, 3)).astype(np.float32))
    weight = affinity(places, 10)
    assert torch.allclose(weight.sum(0), torch.ones(200), atol=0.02)
    assert torch.allclose(weight.sum(1), torch.ones(200), atol=1e-4)
    assert float(weight.diagonal().max()) == 0.0
    near, far = torch.cdist(places, places).topk(21, largest=False).indices[:, 1:], 20 / 200
    assert float(weight.gather(1, near).sum(1).min()) > 2 * far


def test_a_mosaic_of_neighbours_keeps_populations_apart_without_labels(structured: TrainData) -> None:
    unlabelled = train_data(structured.calls.numpy())
    sample, real = draw(fitted("neighbour_mosaic", unlabelled), 780), structured.calls
    apart = torch.pca_lowrank(real.float(), 2)[2]
    spread = [float(((calls.float() - real.float().mean(0)) @ apart).std()) for calls in (real, sample)]
    mixed = draw(fitted("haplotype_mosaic", unlabelled), 780).float()
    lost = float(((mixed - real.float().mean(0)) @ apart).std())
    assert spread[1] == pytest.approx(spread[0], rel=0.1)
    assert lost < spread[1] - 0.1 * spread[0]


def test_resampling_returns_training_individuals(cohort: TrainData) -> None:
    sample = draw(fitted("resample", cohort), 500)
    known = {tuple(row) for row in cohort.calls.tolist()}
    assert {tuple(row) for row in sample.tolist()} <= known
    assert len(torch.unique(sample, dim=0)) > 250


def test_resampling_at_the_training_conditions_gives_the_same_individuals() -> None:
    rng = np.random.default_rng(8)
    calls, population = rng.integers(0, 3, (60, 30)), rng.integers(0, 2, 60)
    data = train_data(calls, population, phenotype=rng.standard_normal(60))
    assert torch.equal(draw(fitted("resample", data), 60, condition=data.condition), data.calls)


# --- what all of them share


@pytest.mark.parametrize("name", ["gaussian_copula", "haplotype_mosaic", "neighbour_mosaic", "resample"])
def test_a_condition_asks_for_a_population(name: str, structured: TrainData) -> None:
    model = fitted(name, structured)
    code = torch.tensor([0, 1, 2] * 700)
    sample = draw(model, 2100, condition=Condition(code[:, None], torch.empty(2100, 0)))
    for k in range(3):
        real = structured.calls[structured.condition.labels[:, 0] == k].double().mean(0) / 2
        found = sample[code == k].double().mean(0) / 2
        assert float((found - real).abs().max()) < 4.5 * math.sqrt(0.25 / 1400)


@pytest.mark.parametrize("name", BASELINES)
def test_an_unknown_population_is_anybody(name: str, structured: TrainData) -> None:
    unknown = Condition(torch.full((2000, 1), -1), torch.empty(2000, 0))
    found = draw(fitted(name, structured), 2000, condition=unknown).double().mean(0) / 2
    assert float((found - structured.calls.double().mean(0) / 2).abs().max()) < 0.06


@pytest.mark.parametrize("name", BASELINES)
def test_a_population_without_training_individuals_is_anybody(name: str) -> None:
    data = train_data(np.random.default_rng(0).integers(0, 3, (40, 6)), np.repeat([0, 2], 20))
    wish = Condition(torch.full((50, 1), 1), torch.empty(50, 0))
    assert draw(fitted(name, data), 50, condition=wish).unique().tolist() == [0, 1, 2]


@pytest.mark.parametrize("name", BASELINES)
def test_state_and_load_are_inverses(name: str, structured: TrainData) -> None:
    model = fitted(name, structured)
    again = build(name, {}, structured.spec, CONFIG)
    again.load({key: tensor.clone() for key, tensor in model.state().items()})
    assert torch.equal(draw(model, 100), draw(again, 100))
    assert not torch.equal(draw(model, 100), draw(model, 100, seed=2))


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("ploidy", [1, 2])
@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("m", [1, 3])
def test_tiny_cohorts(name: str, ploidy: int, n: int, m: int) -> None:
    data = train_data(np.random.default_rng(n).integers(0, ploidy + 1, (n, m)), ploidy=ploidy)
    sample = draw(fitted(name, data), 7)
    assert int(sample.min()) >= 0
    assert int(sample.max()) <= ploidy


@pytest.mark.parametrize("name", BASELINES)
def test_constant_variants_stay_constant(name: str) -> None:
    calls = np.random.default_rng(0).integers(0, 3, (50, 6))
    calls[:, 1], calls[:, 4] = 0, 2
    settings = {"miscopy_rate": 0.0} if name == "haplotype_mosaic" else {}
    sample = draw(fitted(name, train_data(calls), **settings), 400)
    assert sample[:, 1].unique().tolist() == [0]
    assert sample[:, 4].unique().tolist() == [2]


def test_large_samples_are_drawn_in_blocks_of_rows() -> None:
    blocks = list(row_blocks(3 * BLOCK // 1000, 1000))
    assert len(blocks) > 2
    assert [b.stop for b in blocks[:-1]] == [b.start for b in blocks[1:]]
    assert all((b.stop - b.start) * 1000 <= BLOCK for b in blocks)
    assert next(row_blocks(5, 10 * BLOCK)) == slice(0, 1)


@pytest.mark.parametrize("name", BASELINES)
def test_the_training_loop_fits_them_without_a_step(name: str, structured: TrainData, tmp_path: Any) -> None:
    class Quiet:
        checkpoint_dir = tmp_path

        def record(self, *_: Any) -> None: ...
        def should_stop(self) -> bool:
            return False

        def log(self, message: str) -> None: ...

    model = build(name, {}, structured.spec, CONFIG)
    outcome = fit(Quiet(), model, structured, None, CONFIG, resume=False, name=name)
    assert outcome.state == "succeeded"
    assert (tmp_path / "best").is_dir()
