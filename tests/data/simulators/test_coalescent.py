"""Simulated cohorts against the theory of the coalescent, and the demo against its committed copy."""

from __future__ import annotations

from pathlib import Path

import allel
import msprime
import numpy as np
import pytest

from core.config.home import ASSETS
from core.config.schema import from_dict
from core.data.digest import content_digest
from core.data.genotypes import Genotypes
from core.data.library import Library
from core.data.simulators.coalescent import SimulationConfig, _recombination_map, simulate
from core.data.simulators.demo import CONFIG, write_demo
from core.data.simulators.demography import bottleneck, out_of_africa
from core.errors import InputError


def haploid_counts(genotypes: Genotypes) -> np.ndarray:
    alternate = genotypes.calls.sum(axis=0, dtype=np.int64)
    return np.stack([2 * genotypes.n - alternate, alternate], axis=1)


def test_diversity_of_a_constant_population_is_four_n_mu() -> None:
    size, rate, length = 5000, 2e-8, 2e5
    values = []
    for seed in range(1, 13):
        config = SimulationConfig(
            history="constant",
            individuals=(25,),
            length=length,
            mutation_rate=rate,
            population_size=size,
            maf_min=0.0,
            variants=0,
            seed=seed,
        )
        genotypes = simulate(config)
        values.append(allel.sequence_diversity(genotypes.variant_position, haploid_counts(genotypes), 1, int(length)))
    error = np.std(values) / np.sqrt(len(values))
    assert np.mean(values) == pytest.approx(4 * size * rate, abs=4 * error)
    assert error < 0.1 * 4 * size * rate


def test_site_frequencies_of_a_constant_population_fall_as_one_over_i() -> None:
    config = SimulationConfig(
        history="constant", individuals=(10,), length=2e6, mutation_rate=2e-8, maf_min=0.0, variants=0, seed=3
    )
    spectrum = np.bincount(simulate(config).calls.sum(axis=0), minlength=21)[1:20]
    expected = 1 / np.arange(1, 20)
    np.testing.assert_allclose((spectrum / spectrum.sum())[:6], (expected / expected.sum())[:6], rtol=0.2)


def test_out_of_africa_has_the_published_sizes() -> None:
    history = out_of_africa()
    history.validate()
    sizes = {p.name: p.initial_size for p in history.populations}
    assert sizes["CEU"] == pytest.approx(29_725.34, rel=1e-6)  # 1,000 exp(0.004 × 848), msprime's documentation
    assert sizes["CHB"] == pytest.approx(54_090.33, rel=1e-6)  # 510 exp(0.0055 × 848)
    debug = history.debug()
    assert debug.epoch_start_time.tolist() == [0, 848, 5600, 8800]
    late = debug.population_size_trajectory(np.array([847.9999, 5599.0, 8799.0, 9000.0]))
    name = {p.name: p.id for p in history.populations}
    assert late[0, name["CEU"]] == pytest.approx(1000, rel=1e-3)
    assert late[0, name["CHB"]] == pytest.approx(510, rel=1e-3)
    assert [late[1, name["OOA"]], late[2, name["AMH"]], late[3, name["ANC"]]] == [2100, 12_300, 7_300]
    early = debug.epochs[0].migration_matrix
    assert early[name["CEU"], name["CHB"]] == early[name["CHB"], name["CEU"]] == 9.6e-5
    assert early[name["YRI"], name["CEU"]] == 3e-5
    assert early[name["YRI"], name["CHB"]] == 1.9e-5
    assert debug.epochs[1].migration_matrix[name["YRI"], name["OOA"]] == 25e-5


def test_populations_of_the_cohort_differ_as_those_of_hapmap_do() -> None:
    """Hudson F_ST near what Bhatia et al. 2013 (table 1) estimate from the populations the history was fitted to."""
    config = SimulationConfig(individuals=(30,), length=8e6, maf_min=0.0, variants=0, seed=2)
    genotypes = simulate(config)
    counts = {}
    for name in ("YRI", "CEU", "CHB"):
        alternate = genotypes.calls[genotypes.labels["population"] == name].sum(axis=0, dtype=np.int64)
        counts[name] = np.stack([60 - alternate, alternate], axis=1)
    for a, b, published in (("YRI", "CEU", 0.139), ("YRI", "CHB", 0.161), ("CEU", "CHB", 0.106)):
        numerator, denominator = allel.hudson_fst(counts[a], counts[b])
        assert numerator.sum() / denominator.sum() == pytest.approx(published, abs=0.03)


def test_a_bottleneck_loses_diversity() -> None:
    history = bottleneck(10_000, 1000, 600, 0.05).debug()
    times = history.population_size_trajectory(np.array([0.0, 599, 601, 999, 1001]))[:, 0]
    assert times.tolist() == [10_000, 10_000, 500, 500, 10_000]
    narrow, wide = (
        simulate(SimulationConfig(history=h, individuals=(50,), maf_min=0.0, variants=0, seed=4, length=1e6))
        for h in ("bottleneck", "constant")
    )
    assert narrow.m < wide.m


def test_hotspots_keep_the_mean_rate_and_hold_their_share() -> None:
    even = _recombination_map(SimulationConfig(), 1)
    assert isinstance(even, msprime.RateMap)
    assert even.rate.tolist() == [1e-8]
    for seed in range(20):
        uneven = _recombination_map(SimulationConfig(hotspots=0.8, length=2e6), seed)
        assert uneven.mean_rate == pytest.approx(1e-8)
        hot = uneven.rate > 1.0001 * uneven.rate.min()
        assert (uneven.mass[hot].sum() / uneven.total_mass) == pytest.approx(0.8, abs=0.01)
        assert uneven.span[hot].sum() <= 40_000


def test_filters_order_and_shape() -> None:
    config = SimulationConfig(individuals=(30, 40, 50), variants=300, maf_min=0.1, length=1e6, seed=9)
    genotypes = simulate(config)
    assert genotypes.calls.shape == (120, 300)
    frequency = genotypes.calls.mean(axis=0) / 2
    assert np.minimum(frequency, 1 - frequency).min() >= 0.1
    assert (np.diff(genotypes.variant_position) > 0).all()
    assert genotypes.variant_position.min() >= 1
    assert genotypes.variant_position.max() <= 1e6
    assert np.unique(genotypes.sample_id).size == 120
    names, sizes = np.unique(genotypes.labels["population"], return_counts=True)
    assert dict(zip(names.tolist(), sizes.tolist(), strict=True)) == {"YRI": 30, "CEU": 40, "CHB": 50}
    assert (genotypes.variant_allele[:, 0] != genotypes.variant_allele[:, 1]).all()
    assert content_digest(simulate(config)) == content_digest(genotypes)


@pytest.mark.parametrize("heritability", [0.0, 0.2, 0.8, 1.0])
def test_the_phenotype_is_its_causal_variants_and_noise(heritability: float) -> None:
    config = SimulationConfig(
        individuals=(700,), length=5e5, variants=200, phenotype="trait", heritability=heritability, causal=15, seed=6
    )
    genotypes = simulate(config)
    truth = genotypes.truth["phenotype"]
    y = genotypes.phenotypes["trait"]
    value = truth["genetic_value"]
    x = genotypes.calls[:, truth["causal_index"]].astype(float)
    np.testing.assert_allclose((x - x.mean(axis=0)) @ truth["effect"], value, atol=1e-6)
    assert len(truth["causal_index"]) == 15
    assert value.var() == pytest.approx(heritability, abs=1e-6)
    realised = 1 - (y - value).var() / y.var()
    assert realised == pytest.approx(heritability, abs=0.04)
    assert y.var() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"individuals": [10, 10]}, "2 cohort sizes were given for the 3 population"),
        ({"history": "constant", "individuals": [5, 5, 5]}, "3 cohort sizes were given for the 1 population"),
        ({"variants": 100_000}, "100,000 are wanted"),
        ({"individuals": [100_000], "length": 3e8}, "too much for one simulation"),
        ({"history": "bottleneck", "bottleneck_start": 5.0}, "the start must lie further back"),
        ({"phenotype": "y", "causal": 5000}, "5000 causal variants"),
        ({"history": "atlantis"}, "choose one of"),
        ({"individuals": [0]}, "must be at least 1"),
        ({"heritability": 1.5}, "at most 1"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        simulate(from_dict(SimulationConfig, {"individuals": [20]} | settings))


def test_the_demo_is_remade_bit_for_bit(tmp_path: Path) -> None:
    for meta in write_demo(tmp_path):
        committed = Library(tmp_path / "none", embedded=ASSETS / "datasets").open(meta.name)
        again = Library(tmp_path / "none", embedded=tmp_path).open(meta.id)
        assert again.meta == committed.meta
        population = committed.genotypes() if meta.kind == "genotypes" else committed.collection()
        assert content_digest(population) == meta.id
        np.testing.assert_array_equal(again.split().holdout, committed.split().holdout)
        assert sorted(p.name for p in committed.path.iterdir()) == sorted(p.name for p in again.path.iterdir())
        if meta.kind == "genotypes":
            for key, value in committed.truth()["phenotype"].items():
                np.testing.assert_array_equal(again.truth()["phenotype"][key], value)


def test_the_demo_is_what_a_newcomer_should_see() -> None:
    demo = Library(Path("nowhere"), embedded=ASSETS / "datasets").open("demo")
    genotypes, profile = demo.genotypes(), demo.profile()
    assert (genotypes.n, genotypes.m) == (2000, 1000)
    assert demo.meta.embedded
    assert sum(path.stat().st_size for path in demo.path.iterdir()) < 1_500_000
    assert len(demo.split().holdout) == 400
    assert [w for w in profile["warnings"] if w["severity"] == "warning"] == []
    assert genotypes.truth["phenotype"]["heritability"] == CONFIG.heritability
    x = genotypes.calls.astype(float)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    neighbours = (x[:, :-1] * x[:, 1:]).mean(axis=0) ** 2
    far = (x[:, :500] * x[:, 500:]).mean(axis=0) ** 2
    assert neighbours.mean() > 0.3
    assert far.mean() < 0.05
    scores = np.linalg.svd(x, full_matrices=False)
    components = scores[0][:, :2] * scores[1][:2]
    names = genotypes.labels["population"]
    centre = {name: components[names == name].mean(axis=0) for name in ("YRI", "CEU", "CHB")}
    nearest = np.array(list(centre))[np.argmin([((components - c) ** 2).sum(axis=1) for c in centre.values()], axis=0)]
    assert (nearest == names).mean() > 0.95
