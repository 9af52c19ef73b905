"""Frequencies, heterozygosity, spectra and F_ST against scikit-allel, scipy, closed forms and counting by hand."""

from __future__ import annotations

from dataclasses import replace

import allel
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.genotype_counts import f_is, heterozygosity_observed
from core.data.genotypes import Calls, Genotypes, from_calls
from core.evaluation.context import Panel
from core.evaluation.differentiation import curves as population_curves
from core.evaluation.differentiation import fst, hudson, population_allele_frequency_r
from core.evaluation.frequencies import (
    allele_frequency_r,
    allele_frequency_rmse,
    arrays,
    curves,
    genotype_frequency_r,
    genotype_frequency_rmse,
    matthew_slope,
    rare_alleles_lost,
)
from core.evaluation.heterozygosity import f_is_rmse, heterozygosity_ratio, hwe_departure
from core.evaluation.moments import moments, pearson, rmse
from core.evaluation.registry import Estimate, metrics
from core.evaluation.spectrum import curves as spectrum_curves
from core.evaluation.spectrum import fold, project, site_frequency_spectrum_distance
from tests.conftest import tiny_cohort
from tests.evaluation.cohorts import cohort, comparison

OURS = (
    "allele_frequency_r", "allele_frequency_rmse", "genotype_frequency_r", "genotype_frequency_rmse", "matthew_slope",
    "rare_alleles_lost", "heterozygosity_ratio", "f_is_rmse", "hwe_departure", "site_frequency_spectrum_distance",
    "fst",
)  # fmt: skip


def drawn(n: int, p: np.ndarray, seed: int) -> Calls:
    """(n, m) calls in Hardy–Weinberg proportions at the frequencies `p`, variants independent."""
    return np.random.default_rng(seed).binomial(2, p, (n, len(p))).astype(np.int8)


def with_missing(calls: Calls, share: float, seed: int = 0) -> Calls:
    out = calls.copy()
    out[np.random.default_rng(seed).random(calls.shape) < share] = -1
    return out


def as_allel(calls: Calls) -> allel.GenotypeArray:
    """scikit-allel's (m, n, 2) of (n, m) counts."""
    first, second = (calls > 1).astype(np.int8), (calls > 0).astype(np.int8)
    first[calls < 0] = second[calls < 0] = -1
    return allel.GenotypeArray(np.stack([first.T, second.T], axis=-1))


def value(estimate: Estimate) -> float:
    assert estimate.value is not None, estimate.reason
    return estimate.value


@pytest.fixture(scope="module")
def frequencies() -> np.ndarray:
    return np.random.default_rng(1).beta(0.6, 0.8, 400)


def test_heterozygosity_and_f_is_equal_scikit_allel(frequencies: np.ndarray) -> None:
    calls = with_missing(drawn(90, frequencies, 2), 0.1)
    counts = cohort(calls).genotype_counts
    oracle = as_allel(calls)
    np.testing.assert_allclose(heterozygosity_observed(counts), allel.heterozygosity_observed(oracle))
    ours, theirs = f_is(counts), allel.inbreeding_coefficient(oracle)
    varies = oracle.count_alleles(max_allele=1).is_segregating()
    np.testing.assert_allclose(ours[varies], theirs[varies])
    assert np.isnan(ours[~varies]).all() and (~varies).any()


def test_fst_of_a_case_counted_by_hand() -> None:
    """1 of 4 alleles against 3 of 6: half of all pairs between differ, 3 of 6 and 9 of 15 of those within."""
    a, b = np.array([[0], [1]], dtype=np.int8), np.array([[2], [1], [0]], dtype=np.int8)
    numerator, denominator = hudson(np.array([[3, 1]]), np.array([[3, 3]]))
    assert (numerator[0], denominator[0]) == (pytest.approx(1 / 2 - (3 / 6 + 9 / 15) / 2), 1 / 2)
    found = fst(comparison(a, b))
    assert value(found) == pytest.approx(-0.1)
    assert found.params["floor"] == pytest.approx((3 / 16 / 3 + 1 / 4 / 5) / 0.5)
    for few in ([[1, 0]], [[0, 0]]):
        assert np.isnan(hudson(np.array(few), np.array([[3, 3]]))).all()


def test_fst_of_two_samples_of_one_population_is_zero_and_its_floor_is_the_closed_form() -> None:
    p = np.random.default_rng(5).uniform(0.1, 0.9, 4000)
    found = fst(comparison(drawn(50, p, 6), drawn(80, p, 7)))
    floor = (1 / 100 + 1 / 160) / 2
    assert found.params["floor"] == pytest.approx(floor, rel=0.05)
    assert abs(value(found)) < 0.1 * floor


def test_fst_of_drifted_populations_is_their_drift() -> None:
    """Balding–Nichols: frequencies drawn from a beta with F_ST = f give Hudson's estimator f back."""
    rng, f = np.random.default_rng(8), 0.08
    ancestral = rng.uniform(0.2, 0.8, 6000)
    a, b = (rng.beta(ancestral * (1 - f) / f, (1 - ancestral) * (1 - f) / f) for _ in range(2))
    assert value(fst(comparison(drawn(100, a, 9), drawn(100, b, 10)))) == pytest.approx(f, rel=0.06)


def test_rmse_of_two_samples_is_their_sampling_error() -> None:
    p = np.random.default_rng(12).uniform(0.05, 0.95, 5000)
    found = allele_frequency_rmse(comparison(drawn(200, p, 13), drawn(100, p, 14)))
    assert value(found) == pytest.approx(np.sqrt((p * (1 - p)).mean() * (1 / 400 + 1 / 200)), rel=0.04)


def test_correlations_and_errors_equal_numpy(frequencies: np.ndarray) -> None:
    a, b = with_missing(drawn(50, frequencies, 15), 0.1), drawn(70, frequencies, 16)
    masked = np.ma.masked_less(a, 0)
    p, q = masked.mean(axis=0) / 2, b.mean(axis=0) / 2
    both = comparison(a, b)
    assert value(allele_frequency_r(both)) == pytest.approx(np.corrcoef(p, q)[0, 1])
    assert value(allele_frequency_rmse(both)) == pytest.approx(np.sqrt(((p - q) ** 2).mean()))
    real, made = (np.stack([(x == g).mean(axis=0) for g in range(3)]) for x in (masked, b))
    assert value(genotype_frequency_rmse(both)) == pytest.approx(np.sqrt(((real - made) ** 2).mean()))
    each = [np.corrcoef(x, y)[0, 1] for x, y in zip(real, made, strict=True)]
    assert value(genotype_frequency_r(both)) == pytest.approx(np.mean(each))


def test_calls_pushed_to_the_mode_show_as_the_matthew_effect() -> None:
    p = np.random.default_rng(17).uniform(0.01, 0.5, 300)
    real, made = drawn(300, p, 18), drawn(300, p, 19)
    counts = np.stack([(made == g).sum(axis=0) for g in range(3)])
    push = np.random.default_rng(20).random(made.shape) < 0.5
    pushed = np.where(push, counts.argmax(axis=0), made).astype(np.int8)
    fair, unfair = comparison(real, made), comparison(real, pushed)
    assert value(matthew_slope(fair)) == pytest.approx(1, abs=0.03)
    assert value(matthew_slope(unfair)) > 1.1
    assert value(heterozygosity_ratio(fair)) == pytest.approx(1, abs=0.03)
    assert value(heterozygosity_ratio(unfair)) < 0.95
    assert value(rare_alleles_lost(comparison(real, np.zeros_like(made)))) == 1.0


def test_rounded_reconstructions_show_in_heterozygosity_and_f_is() -> None:
    """A value N(2p, 0.5·2p(1−p)) rounded to calls has 68 % heterozygotes at p = 0.5 (half of them real ones)."""
    rng = np.random.default_rng(21)
    rounded = np.clip(np.rint(rng.normal(1.0, np.sqrt(0.25), (4000, 50))), 0, 2).astype(np.int8)
    both = comparison(drawn(4000, np.full(50, 0.5), 22), rounded)
    assert value(heterozygosity_ratio(both)) == pytest.approx(0.683 / 0.5, rel=0.02)
    assert value(f_is_rmse(both)) == pytest.approx(0.365, abs=0.02)
    assert value(hwe_departure(both)) > 0.95


def test_projection_is_hypergeometric_and_keeps_totals() -> None:
    alternate, total = np.array([3, 0, 10, 7, 4]), np.array([10, 10, 10, 9, 5])
    found = project(np.stack([total - alternate, alternate], axis=1), 6)
    for a, t, row in zip(alternate[:4], total[:4], found[:4], strict=True):
        np.testing.assert_allclose(row, scipy.stats.hypergeom(t, a, 6).pmf(np.arange(7)), atol=1e-12)
    assert not found[4].any()  # five alleles cannot fill six copies


def test_spectrum_at_full_size_equals_scikit_allel(frequencies: np.ndarray) -> None:
    calls = drawn(30, frequencies, 23)
    counts = as_allel(calls).count_alleles(max_allele=1)
    unfolded = project(counts.astype(np.int64), 60).sum(axis=0)
    np.testing.assert_allclose(unfolded[:60], np.pad(allel.sfs(counts[:, 1]), (0, 60))[:60], atol=1e-9)
    theirs = allel.sfs_folded(counts)
    np.testing.assert_allclose(fold(unfolded)[: len(theirs)], theirs, atol=1e-9)


def test_spectra_of_different_sizes_agree_and_of_other_frequencies_do_not(frequencies: np.ndarray) -> None:
    near = site_frequency_spectrum_distance(comparison(drawn(400, frequencies, 24), drawn(60, frequencies, 25)))
    far = site_frequency_spectrum_distance(comparison(drawn(400, frequencies, 24), drawn(60, np.full(400, 0.5), 25)))
    assert value(near) < 0.05
    assert value(far) > 0.3


def test_the_neutral_spectrum_falls_as_one_over_the_count() -> None:
    """P(i of n copies) ∝ 1/i for a constant population; projection keeps that law exactly."""
    n = 200
    counts = np.arange(1, n)
    weights = (1 / counts) / (1 / counts).sum()
    projected = (project(np.stack([n - counts, counts], axis=1), 20) * weights[:, None]).sum(axis=0)[1:20]
    np.testing.assert_allclose(projected * np.arange(1, 20), projected[0], rtol=1e-9)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_nothing_depends_on_the_order_of_individuals_nor_f_st_on_the_alleles(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.uniform(0, 1, 30)
    a, b = with_missing(drawn(25, p, seed), 0.05), drawn(18, p, seed + 1)
    before = comparison(a, b)
    after = comparison(rng.permutation(a), rng.permutation(b))
    for name in OURS:
        first, second = (metrics[name].value(c).value for c in (before, after))
        assert first == pytest.approx(second, abs=1e-12) if first is not None else second is None, name
    flip = rng.random(30) < 0.5
    flipped = [np.where(flip & (x >= 0), 2 - x, x).astype(np.int8) for x in (a, b)]
    for symmetric in (fst, heterozygosity_ratio, f_is_rmse, hwe_departure, matthew_slope, genotype_frequency_rmse):
        first, second = symmetric(before).value, symmetric(comparison(*flipped)).value
        assert first == pytest.approx(second, abs=1e-9), symmetric.__name__


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (2, 1), (3, 2)])
@pytest.mark.parametrize("filling", [0, 2, -1])
def test_tiny_and_constant_cohorts_give_a_value_or_a_reason(shape: tuple[int, int], filling: int) -> None:
    constant = np.full(shape, filling, dtype=np.int8)
    varied = drawn(shape[0], np.full(shape[1], 0.5), 26)
    for pair in (comparison(constant, varied, draws=20), comparison(varied, constant, draws=20)):
        for name in OURS:
            found = metrics[name].value(pair)
            assert (found.value is None) == bool(found.reason), name


def test_haploids_have_frequencies_but_no_heterozygosity() -> None:
    haploid = from_calls(np.random.default_rng(27).integers(0, 2, (40, 20)).astype(np.int8), ploidy=1)
    pair = comparison(haploid, haploid)
    assert value(allele_frequency_r(pair)) == pytest.approx(1)
    assert value(genotype_frequency_r(pair)) == pytest.approx(1)
    assert metrics["hwe_departure"].value(pair).reason == "Haploid calls have no heterozygotes."
    assert not [name for name in arrays(panel_of(haploid, haploid))["frequencies"] if name.startswith("hwe")]


def test_bootstrap_covers_about_the_spread_of_repeated_draws() -> None:
    """The interval of an RMSE over independent variants has the width that fresh variants would give."""
    p = np.random.default_rng(28).uniform(0.1, 0.9, 800)
    again = [value(allele_frequency_rmse(comparison(drawn(60, p, s), drawn(60, p, s + 99)))) for s in range(40)]
    draws = allele_frequency_rmse(comparison(drawn(60, p, 500), drawn(60, p, 501), draws=300)).draws
    assert draws is not None
    assert draws.std() == pytest.approx(np.std(again), rel=0.4)


def panel_of(real: Genotypes, made: Genotypes) -> Panel:
    return Panel(comparison(real, made), comparison(real, made), None)


def test_bins_count_each_varying_variant_once_and_their_errors_add_up() -> None:
    real, made = tiny_cohort(seed=1), tiny_cohort(seed=2)
    rows = curves(panel_of(real, made))["allele_frequency_bins"]
    frequency = cohort(real).allele_frequency
    varies = (frequency > 0) & (frequency < 1)
    assert sum(row["count"] for row in rows) == varies.sum()
    whole = sum(row["count"] * row["rmse"] ** 2 for row in rows if row["count"])
    gap = frequency - cohort(made).allele_frequency
    assert whole == pytest.approx(np.square(gap[varies]).sum())
    assert all(row["rmse"] is None for row in rows if not row["count"])


def test_spectrum_curves_are_shares() -> None:
    found = spectrum_curves(panel_of(tiny_cohort(seed=1), tiny_cohort(n=60, seed=2)))
    for rows in found.values():
        for name in ("real", "synthetic", "null"):
            assert sum(row[name] for row in rows) == pytest.approx(1)
    assert len(found["site_frequency_spectrum_unfolded"]) == 2 * len(found["site_frequency_spectrum"]) - 1


def test_populations_are_compared_with_their_own_kind() -> None:
    real, made = tiny_cohort(), tiny_cohort()
    whole = value(population_allele_frequency_r(comparison(real, made)))
    assert whole == pytest.approx(1)
    labels = np.where(made.labels["population"] == "NORTH", "SOUTH", "NORTH")
    swapped = replace(made, labels={"population": labels})
    assert value(population_allele_frequency_r(comparison(real, swapped))) < 0.9
    rows = population_curves(panel_of(real, swapped))["allele_frequency_by_population"]
    assert {row["population"] for row in rows} == {"NORTH", "SOUTH"}
    assert all(row["fst"] > 0.02 for row in rows)


def test_without_labels_populations_have_a_reason() -> None:
    bare = replace(tiny_cohort(), labels={})
    metric = metrics["population_allele_frequency_r"].value
    assert "no population labels" in str(metric(comparison(bare, tiny_cohort())).reason)
    assert "No population has 20" in str(metric(comparison(tiny_cohort(), bare)).reason)
    assert population_curves(panel_of(tiny_cohort(), bare))["allele_frequency_by_population"][0]["r"] is None


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 7))
def test_sums_by_block_give_the_statistics_of_the_whole(seed: int, blocks: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, 200))
    x[rng.random(200) < 0.1] = np.nan
    sums = moments(x, y, np.arange(200) * blocks // 200, blocks).sum(axis=0)
    keep = np.isfinite(x)
    assert float(pearson(sums)) == pytest.approx(np.corrcoef(x[keep], y[keep])[0, 1], abs=1e-9)
    assert float(rmse(sums)) == pytest.approx(np.sqrt(((x - y)[keep] ** 2).mean()))
    assert np.isnan(pearson(moments(np.full(200, 0.1), y, np.zeros(200, dtype=np.int64), 1)))
