"""Closed-form association against least squares variant by variant, and its p-values against arbitrary precision."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from scipy import stats

from core.data.genotypes import from_calls
from core.evaluation import gwas
from core.evaluation.gwas import covariates, linkage, loci, minus_log10_p, regress, threshold
from tests.evaluation.cohorts import cohort, mosaic


def by_least_squares(g: np.ndarray, y: np.ndarray, x: np.ndarray) -> tuple[float, float]:
    """(β, two-sided p) of g in y ~ x + g (the textbook formulas)."""
    design = np.column_stack([x, g])
    beta, *_ = np.linalg.lstsq(design, y, rcond=None)
    degrees = len(y) - np.linalg.matrix_rank(design)
    variance = np.square(y - design @ beta).sum() / degrees
    error = np.sqrt(variance * np.linalg.pinv(design.T @ design)[-1, -1])
    return float(beta[-1]), float(2 * stats.t.sf(abs(beta[-1] / error), degrees))


def test_every_variant_equals_least_squares() -> None:
    """With covariates, one of them a combination of others, missing calls and unknown values."""
    rng = np.random.default_rng(1)
    calls = mosaic(150, 25, 1).calls.copy()
    calls[rng.random(calls.shape) < 0.05] = -1
    calls[:, 7] = 1
    mean = np.array([column[column >= 0].mean() for column in calls.T])
    filled = np.where(calls < 0, mean, calls)
    x = np.column_stack([np.ones(150), rng.normal(size=(150, 2))])
    x = np.column_stack([x, x[:, 1] - 2 * x[:, 2]])
    phenotypes = {"a": filled[:, 3] + x[:, 1] + rng.normal(size=150), "b": rng.normal(size=150)}
    phenotypes["b"][::7] = np.nan
    scans = regress(calls, mean, phenotypes, x, cells=300)
    for name, y in phenotypes.items():
        known = np.isfinite(y)
        scan = scans[name]
        assert (scan.n, scan.degrees) == (known.sum(), known.sum() - 4)
        assert np.isnan(scan.strength[7]) and np.isnan(scan.beta[7])
        for j in set(range(25)) - {7}:
            beta, p = by_least_squares(filled[known, j], y[known], x[known])
            assert scan.beta[j] == pytest.approx(beta, rel=1e-9)
            assert scan.strength[j] == pytest.approx(-np.log10(p), rel=1e-9)


def test_the_effect_is_the_partial_correlation() -> None:
    rng = np.random.default_rng(2)
    x, g = np.column_stack([np.ones(90), rng.normal(size=90)]), mosaic(90, 4, 3).calls
    y = x[:, 1] + 0.5 * g[:, 0] + rng.normal(size=90)

    def left(values: np.ndarray) -> np.ndarray:
        return values - x @ np.linalg.lstsq(x, values, rcond=None)[0]

    expected = [np.corrcoef(left(g[:, j].astype(float)), left(y))[0, 1] for j in range(4)]
    assert regress(g, g.mean(axis=0), {"y": y}, x)["y"].effect == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("degrees", [3, 50, 997, 99_990])
@pytest.mark.parametrize("t", [0.0, 0.3, 5.0, 37.0, 60.0, 200.0, 3000.0])
def test_p_values_equal_arbitrary_precision(t: float, degrees: int) -> None:
    with mpmath.workdps(60):
        x = mpmath.mpf(degrees) / (degrees + mpmath.mpf(t) ** 2)
        expected = -mpmath.log10(mpmath.betainc(mpmath.mpf(degrees) / 2, 0.5, 0, x, regularized=True))
    found = minus_log10_p([t, -t], degrees)
    assert found == pytest.approx([float(expected)] * 2, rel=1e-10, abs=1e-12)


def test_perfect_association_has_a_finite_p_value() -> None:
    g = mosaic(400, 3, 1).calls
    scan = regress(g, g.mean(axis=0), {"y": 2.0 * g[:, 1] + 1}, np.ones((400, 1)))["y"]
    assert scan.effect[1] == pytest.approx(1)
    assert np.isfinite(scan.strength).all() and scan.strength[1] > 2000


def test_inflation_of_noise_is_one_and_of_stratification_is_not() -> None:
    """Two populations that differ in every frequency and in the phenotype: labels or components take it out."""
    rng = np.random.default_rng(5)
    label = np.repeat(["A", "B"], 300)
    frequency = np.where(label[:, None] == "A", rng.uniform(0.1, 0.5, 400), rng.uniform(0.1, 0.5, 400))
    here = cohort(from_calls(rng.binomial(2, frequency), labels={"population": label}))
    y = {"y": rng.normal(size=600) + (label == "A")}
    mean = 2 * here.allele_frequency

    def inflated(columns: tuple[str, ...], components: int) -> float:
        return regress(here.genotypes.calls, mean, y, covariates(here, columns, components))["y"].inflation

    assert inflated((), 0) > 3
    assert inflated(("population",), 0) == pytest.approx(1, abs=0.25)
    assert inflated((), 2) == pytest.approx(1, abs=0.25)


def test_covariates_are_few_enough_for_the_individuals() -> None:
    many = np.array([f"family_{i}" for i in range(60)])
    here = cohort(from_calls(mosaic(60, 20, 1).calls, labels={"family": many, "sex": np.tile(["f", "m", ""], 20)}))
    assert covariates(here, ("family", "sex"), 10).shape == (60, 1 + 2 + 3)


def test_loci_gather_what_is_linked_on_one_contig() -> None:
    """Variants 0–3 are copies of one, 4 is independent, 5 is another copy on another contig."""
    rng = np.random.default_rng(0)
    one, other = rng.binomial(2, 0.4, (2, 500))
    calls = np.stack([one, one, one, one, other, one], axis=1)
    judge = cohort(from_calls(calls, variant_contig=np.array(["1"] * 5 + ["2"])))
    strength = np.array([5.0, 9.0, 1.0, np.nan, 7.0, 6.0])
    found = loci(strength, judge, least=4.0)
    assert found.leads.tolist() == [1, 4, 5]
    assert dict(zip(found.variants.tolist(), found.locus.tolist(), strict=True)) == {1: 0, 4: 1, 5: 2, 0: 0}
    assert linkage(judge, np.array([0]), np.array([1, 4, 5]))[0] == pytest.approx([1, 0, 0], abs=0.02)
    assert len(loci(strength, judge, least=10.0).leads) == 0


def test_threshold_is_bonferroni() -> None:
    assert threshold(1000) == pytest.approx(-np.log10(0.05 / 1000))


def test_components_of_some_individuals_take_out_as_much_as_those_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(6)
    shift = np.repeat([0.15, 0.45], 200)[:, None]
    calls = rng.binomial(2, rng.uniform(0.1, 0.5, 200) + np.where(rng.random(200) < 0.5, shift, 0))
    whole, part = cohort(from_calls(calls)), cohort(from_calls(calls))
    every = covariates(whole, (), 1)[:, 1]
    monkeypatch.setattr(gwas, "FITTED", 120)
    some = covariates(part, (), 1)[:, 1]
    assert len(some) == 400
    assert abs(np.corrcoef(every, some)[0, 1]) > 0.99
