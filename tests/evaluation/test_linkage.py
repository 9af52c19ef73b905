"""Linkage disequilibrium against scikit-allel, sampling theory and planted structure."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import allel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.genotypes import Calls, Genotypes, from_calls
from core.evaluation import pairs as pairs_module
from core.evaluation.context import Cohort, Panel
from core.evaluation.correlation import correlation_score, correlation_sums
from core.evaluation.linkage import (
    arrays,
    corrected,
    curves,
    ld_decay_rmse,
    ld_long_range_error,
    ld_r,
    ld_r2_error,
    pairs_of,
)
from core.evaluation.linkage_arrays import band, linkage_arrays, overview
from core.evaluation.moments import pearson
from core.evaluation.pairs import choose, correlate, pair_r, r_squared
from core.evaluation.panels import independent_sites
from core.evaluation.registry import Estimate, metrics
from core.reports.linkage_bands import pack, square, unpack
from tests.evaluation.cohorts import cohort, comparison, mosaic, noise

OURS = ("ld_r", "ld_r2_error", "ld_decay_rmse", "ld_long_range_error", "correlation_score")


def placed(genotypes: Genotypes, spacing: int = 1000, contigs: int = 1) -> Genotypes:
    """The cohort with evenly spaced positions on `contigs` contigs of equal length."""
    m = genotypes.m
    which = np.arange(m) * contigs // m
    within = np.arange(m) - np.searchsorted(which, which)
    return replace(
        genotypes, variant_contig=np.array([f"chr{c + 1}" for c in which]), variant_position=(within + 1) * spacing
    )


def independent(genotypes: Genotypes) -> Genotypes:
    """As many individuals, drawn site by site at the frequencies of `genotypes`."""
    return independent_sites(cohort(genotypes), genotypes, 5)


def value(estimate: Estimate) -> float:
    assert estimate.value is not None, estimate.reason
    return estimate.value


def with_missing(calls: Calls, share: float) -> Calls:
    out = calls.copy()
    out[np.random.default_rng(3).random(calls.shape) < share] = -1
    return out


@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_r_squared_equals_scikit_allel(missing: float) -> None:
    calls = mosaic(150, 80, 1).calls.copy()
    calls[:, 7] = 1
    if missing:
        calls = with_missing(calls, missing)
    oracle = allel.rogers_huff_r(np.ascontiguousarray(calls.T)).astype(np.float64) ** 2
    ours = r_squared(calls)
    upper = np.triu_indices(80, 1)
    np.testing.assert_allclose(ours[upper], oracle, atol=1e-5)
    assert np.isnan(ours[7]).all() or missing
    np.testing.assert_allclose(ours, ours.T)


def test_pairs_of_different_blocks_equal_scikit_allel() -> None:
    calls = mosaic(60, 50, 2).calls
    oracle = allel.rogers_huff_r_between(np.ascontiguousarray(calls[:, :20].T), np.ascontiguousarray(calls[:, 20:].T))
    np.testing.assert_allclose(correlate(calls[:, :20], calls[:, 20:]), oracle, atol=1e-5)


def test_r_is_exact_with_many_individuals() -> None:
    """The products are integers, so that 20,000 individuals lose no digits in float32."""
    calls = noise(20000, 6, 4)
    calls[:, 1] = calls[:, 0]
    np.testing.assert_allclose(correlate(calls, calls), np.corrcoef(calls.T.astype(float)), atol=1e-7)


def test_all_pairs_of_few_variants_and_windows_of_many(monkeypatch: pytest.MonkeyPatch) -> None:
    genotypes = placed(mosaic(40, 300, 3), contigs=3)
    r = correlate(genotypes.calls, genotypes.calls)
    few = choose(genotypes, 0)
    assert len(few.left) == 300 * 299 // 2
    for name, limit in (("ALL_PAIRS", 100), ("WINDOW", 10), ("SAMPLED", 40)):
        monkeypatch.setattr(pairs_module, name, limit)
    monkeypatch.setattr(pairs_module, "_TILE", 64)
    many = choose(genotypes, 0)
    found = set(zip(many.left.tolist(), many.right.tolist(), strict=True))
    assert len(found) == len(many.left)
    contig = np.arange(300) // 100
    near = {(i, j) for i in range(300) for j in range(i + 1, min(i + 11, 300)) if contig[i] == contig[j]}
    assert near < found
    sampled = found - near
    assert 0.7 < len(sampled) / (40 * 39 / 2) <= 1
    assert any(contig[i] != contig[j] for i, j in sampled)
    for chosen in (few, many):
        np.testing.assert_allclose(pair_r(genotypes.calls, chosen), r[chosen.left, chosen.right], atol=1e-6)
    again, other = choose(genotypes, 0), choose(genotypes, 1)
    assert np.array_equal(again.left, many.left)
    assert not np.array_equal(other.left, many.left)


def test_pairs_know_their_distance() -> None:
    genotypes = placed(mosaic(20, 120, 3), contigs=2)
    pairs = choose(genotypes, 0)
    distance = np.abs(genotypes.variant_position[pairs.right] - genotypes.variant_position[pairs.left])
    same = genotypes.variant_contig[pairs.left] == genotypes.variant_contig[pairs.right]
    assert (pairs.bin[~same] == -1).all()
    binned = pairs.bin >= 0
    assert (pairs.edges[pairs.bin[binned]] <= distance[binned]).all()
    assert (distance[binned] < pairs.edges[pairs.bin[binned] + 1]).all()
    assert binned.sum() > 0.9 * same.sum()
    assert np.array_equal(pairs.far, ~same | (distance > 59_000 / 2))


def test_independent_sites_have_one_over_n_minus_one_and_zero_after_correction() -> None:
    n = 25
    r2 = np.square(pair_r(noise(n, 400, 6), choose(from_calls(noise(n, 400, 6)), 0)))
    assert r2.mean() == pytest.approx(1 / (n - 1), rel=0.02)
    assert abs(corrected(r2, n).mean()) < 0.001
    assert corrected(np.ones(1, dtype=np.float32), n)[0] == 1.0


def test_correction_makes_sizes_comparable() -> None:
    """Mean r² of 30 individuals lies above that of 1,500 of one population; corrected, they agree."""
    large, small = placed(mosaic(1500, 60, 7)), placed(mosaic(30, 60, 8))
    raw = [np.square(pair_r(g.calls, choose(g, 0))).mean() for g in (large, small)]
    assert raw[1] - raw[0] > 0.02
    assert abs(value(ld_long_range_error(comparison(large, small)))) < 0.012


def test_halves_agree_independent_sites_do_not() -> None:
    population = placed(mosaic(900, 120, 9, founders=6, switch=0.01))
    real, made = population.individuals(np.arange(450)), population.individuals(np.arange(450, 900))
    fair, null = comparison(real, made), comparison(real, independent(real))
    assert value(ld_r(fair)) > 0.97
    assert abs(value(ld_r(null))) < 0.1
    assert value(correlation_score(fair)) > 0.95
    assert abs(value(correlation_score(null))) < 0.1
    for error in (ld_r2_error, ld_decay_rmse):
        assert value(error(fair)) < 0.15 * value(error(null))


def test_weaker_linkage_is_told_by_decay_and_error_in_order() -> None:
    real = placed(mosaic(500, 100, 10))
    errors = []
    for share in (0.0, 0.2, 0.5, 1.0):
        made, noisy = mosaic(500, 100, 11).calls.copy(), independent(real).calls
        swap = np.random.default_rng(1).random(made.shape) < share
        made[swap] = noisy[swap]
        both = comparison(real, placed(from_calls(made)))
        errors.append([value(m(both)) for m in (ld_decay_rmse, ld_r2_error)])
    assert np.all(np.diff(np.array(errors), axis=0) > 0)


def test_mixed_populations_link_everything() -> None:
    rng = np.random.default_rng(12)
    p, q = rng.uniform(0.1, 0.9, (2, 80))
    split = np.concatenate([rng.binomial(2, p, (200, 80)), rng.binomial(2, q, (200, 80))]).astype(np.int8)
    real = placed(from_calls(rng.binomial(2, (p + q) / 2, (400, 80)).astype(np.int8)))
    found = ld_long_range_error(comparison(real, placed(from_calls(split))))
    assert found.params["synthetic"] - found.params["real"] == pytest.approx(value(found))
    assert value(found) > 0.015


def test_the_correlation_score_of_two_samples_is_its_closed_form() -> None:
    """Γ ≈ V / √((V + 1/n)(V + 1/n')) for the variance V of the true correlations."""
    truth = correlate(mosaic(20000, 60, 13).calls, mosaic(20000, 60, 13).calls)[np.triu_indices(60, 1)]
    real, made = mosaic(60, 60, 14), mosaic(90, 60, 15)
    found = value(correlation_score(comparison(real, made)))
    v = float(truth.var())
    assert found == pytest.approx(v / np.sqrt((v + 1 / 60) * (v + 1 / 90)), abs=0.06)


def test_streamed_correlation_score_equals_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.evaluation.correlation._TILE", 17)
    real, made = mosaic(50, 60, 16).calls.copy(), noise(40, 60, 17)
    made[:, 4] = 2
    x, y = (np.nan_to_num(correlate(c, c))[np.triu_indices(60, 1)] for c in (real, made))
    sums = correlation_sums(real, made, np.arange(60), 7)
    assert float(pearson(sums.sum(axis=(0, 1)))) == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-6)
    assert sums[..., 0].sum() == 60 * 59 / 2


def test_a_variant_that_stopped_varying_counts_as_unlinked() -> None:
    real = placed(mosaic(300, 40, 18))
    frozen = mosaic(300, 40, 19).calls.copy()
    frozen[:, 10:30] = 0
    lost = ld_r(comparison(real, placed(from_calls(frozen))))
    assert value(lost) < value(ld_r(comparison(real, placed(mosaic(300, 40, 19))))) - 0.2
    assert lost.params["pairs_used"] == 40 * 39 / 2


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_nothing_depends_on_the_order_of_individuals_or_the_counted_allele(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = with_missing(mosaic(40, 30, 20).calls, 0.03), mosaic(35, 30, 21).calls
    flip = rng.random(30) < 0.5
    before = comparison(placed(from_calls(a)), placed(from_calls(b)))
    shuffled = [rng.permutation(x) for x in (a, b)]
    flipped = [np.where(flip & (x >= 0), 2 - x, x).astype(np.int8) for x in shuffled]
    for name in OURS:
        # Γ correlates signed correlations: it knows which allele is counted, r² does not.
        after = comparison(*(placed(from_calls(x)) for x in (shuffled if name == "correlation_score" else flipped)))
        first, second = (metrics[name].value(c).value for c in (before, after))
        assert first == pytest.approx(second, abs=1e-6), name


@pytest.mark.parametrize("shape", [(1, 1), (2, 5), (5, 1), (6, 2), (5, 4)])
@pytest.mark.parametrize("filling", [0, -1])
def test_tiny_and_constant_cohorts_give_a_value_or_a_reason(shape: tuple[int, int], filling: int) -> None:
    constant, varied = np.full(shape, filling, dtype=np.int8), noise(*shape, seed=22)
    for real, made in ((constant, varied), (varied, constant)):
        both = comparison(placed(from_calls(real)), placed(from_calls(made)), draws=20)
        for name in OURS:
            found = metrics[name].value(both)
            assert (found.value is None) == bool(found.reason), name
        panel = Panel(both, both, None)
        curves(panel)
        arrays(panel)


def test_without_positions_there_is_no_decay_but_everything_else() -> None:
    both = comparison(mosaic(60, 40, 23), mosaic(60, 40, 24))
    assert "no positions" in str(metrics["ld_decay_rmse"].value(both).reason)
    assert value(ld_r2_error(both)) > 0
    assert curves(Panel(both, both, None)) == {"ld_decay": [], "ld_r2_error_by_distance": []}


def test_curves_fall_with_distance_to_a_flat_null() -> None:
    real, made = placed(mosaic(400, 200, 25)), placed(mosaic(400, 200, 26))
    panel = Panel(comparison(real, made), comparison(real, independent(real)), comparison(real, made))
    found = curves(panel)
    rows = found["ld_decay"]
    assert [row["distance"] for row in rows] == sorted(row["distance"] for row in rows)
    # Sixty founders leave r² ≈ 1/60 between the farthest; the null has none at any distance.
    assert rows[0]["real"] > 5 * rows[-1]["real"]
    assert max(abs(row["null"]) for row in rows) < 0.003
    assert all(row["ceiling"] == pytest.approx(row["synthetic"]) for row in rows)
    pairs = pairs_of(panel.value)
    r2 = corrected(np.square(pair_r(real.calls, pairs)), 400)
    assert rows[0]["real"] == pytest.approx(r2[pairs.bin == pairs.bin[pairs.bin >= 0].min()].mean(), abs=1e-5)
    assert sum(row["count"] for row in rows) == (pairs.bin >= 0).sum()
    assert all(0 <= row["synthetic"] < row["null"] for row in found["ld_r2_error_by_distance"][:3])


def test_intervals_are_as_wide_as_repeated_samples_differ() -> None:
    real = placed(mosaic(200, 150, 27))
    again = [value(ld_r(comparison(real, placed(mosaic(200, 150, 100 + s))))) for s in range(12)]
    draws = ld_r(comparison(real, placed(mosaic(200, 150, 28)), draws=200)).draws
    assert draws is not None
    assert len(draws) == 200
    assert 0.3 < draws.std() / np.std(again) < 6


def test_bands_give_back_every_pair_within_half_a_percent() -> None:
    calls = mosaic(80, 70, 29).calls.copy()
    calls[:, 12] = 0
    r2 = r_squared(calls)
    np.fill_diagonal(r2, 1.0)
    whole = square(band(calls, np.arange(70), 69), 0, 70)
    np.testing.assert_allclose(whole, r2, atol=0.0021)
    part = square(band(calls, np.arange(70), 10), 20, 45)
    inside = np.abs(np.subtract.outer(np.arange(25), np.arange(25))) <= 10
    np.testing.assert_allclose(part[inside], r2[20:45, 20:45][inside], atol=0.0021)
    assert np.isnan(part[~inside]).all()
    assert square(band(calls, np.arange(70), 10), 5, 6).tolist() == [[1.0]]


def test_packing_rounds_and_keeps_what_is_undefined() -> None:
    r2 = np.array([0.0, 0.5, 1.0, np.nan, 1.0000001], dtype=np.float32)
    np.testing.assert_allclose(unpack(pack(r2)), np.minimum(r2, 1), atol=0.0021)


def test_bands_of_long_contigs_are_cut_across_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.evaluation.linkage_arrays._TILE", 16)
    calls = mosaic(50, 90, 30).calls
    index = np.random.default_rng(1).permutation(90)
    expected = r_squared(calls[:, index])
    found = unpack(band(calls, index, 25))
    for i in range(90):
        there = min(25, 89 - i)
        np.testing.assert_allclose(found[i, :there], expected[i, i + 1 : i + 1 + there], atol=0.0021)
        assert np.isnan(found[i, there:]).all()


def test_overview_is_the_mean_of_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.evaluation.linkage_arrays._TILE", 12)
    calls = mosaic(60, 30, 31).calls
    edges = np.array([0, 5, 9, 14, 20, 26, 30])
    r2 = r_squared(calls)
    np.fill_diagonal(r2, np.nan)
    found = overview(calls, np.arange(30), edges)
    for a in range(6):
        for b in range(6):
            cell = r2[edges[a] : edges[a + 1], edges[b] : edges[b + 1]]
            assert found[a, b] == pytest.approx(np.nanmean(cell), abs=0.002)


def test_arrays_hold_each_contig_in_order_of_position(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.evaluation.linkage_arrays.WIDTH", 15)
    real, made = (placed(mosaic(40, 60, s), contigs=2) for s in (32, 33))
    order = np.random.default_rng(2).permutation(60)
    found = linkage_arrays(real.variants(order), made.variants(order))
    assert sorted(found["contig"].tolist()) == ["chr1", "chr2"]
    assert (int(found["n_real"]), int(found["n_synthetic"])) == (40, 40)
    for c in range(2):
        assert np.all(np.diff(found[f"position_{c}"]) > 0)
        here = order[found[f"index_{c}"]]
        assert np.array_equal(real.variant_position[here], found[f"position_{c}"])
        sorted_calls = made.calls[:, here]
        np.testing.assert_allclose(unpack(found[f"synthetic_{c}"])[0], r_squared(sorted_calls)[0, 1:16], atol=0.0021)
        assert found[f"overview_real_{c}"].shape == (30, 30)
        assert found[f"overview_edges_{c}"][-1] == 30


def test_halves_of_the_805_variants_agree_as_published(shared: Path) -> None:
    """Two disjoint random halves of 2,504 people: LD r 0.98–0.99 (r² of all pairs), Γ alike."""
    archive = zipfile.ZipFile(shared / "data" / "human-1kg-805snp" / "805_SNP_1000G_real.hapt.zip")
    rows = [line.split()[2:] for line in archive.read(archive.namelist()[0]).decode().splitlines()]
    haplotypes = np.array(rows, dtype=np.int8)
    calls = haplotypes[0::2] + haplotypes[1::2]
    order = np.random.default_rng(0).permutation(len(calls))
    both = comparison(calls[order[:1252]], calls[order[1252:]])
    assert 0.98 <= value(ld_r(both)) <= 0.992
    assert 0.98 <= value(correlation_score(both)) <= 0.992


def test_what_is_shared_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    both = comparison(placed(mosaic(40, 50, 34)), placed(mosaic(40, 50, 35)), draws=20)
    made: list[Cohort] = []
    monkeypatch.setattr(
        "core.evaluation.linkage.pair_r", lambda calls, pairs: made.append(calls) or pair_r(calls, pairs)
    )
    for name in OURS[:4]:
        metrics[name].value(both)
    assert len(made) == 2


def test_lost_rare_variants_do_not_weaken_the_curve_of_real_individuals() -> None:
    """Small halves lose rare variants by chance; means are over pairs that vary in both, so neither looks worse."""
    population = placed(mosaic(120, 150, 36, founders=60, switch=0.01))
    rare = population.calls.copy()
    rare[:, ::2] = np.where(np.random.default_rng(4).random(rare[:, ::2].shape) < 0.01, 1, 0)
    rare[:, 1::2] = np.maximum(rare[:, ::2], rare[:, 1::2] * (np.arange(120)[:, None] % 40 == 0))
    population = placed(from_calls(rare.astype(np.int8)))
    real, made = population.individuals(np.arange(60)), population.individuals(np.arange(60, 120))
    rows = curves(Panel(comparison(real, made), comparison(real, made), None))["ld_decay"]
    mirrored = curves(Panel(comparison(made, real), comparison(made, real), None))["ld_decay"]
    for row, other in zip(rows, mirrored, strict=True):
        assert (row["real"], row["count"]) == pytest.approx((other["synthetic"], other["count"]))
