"""The Hardy-Weinberg test against exact fractions and scipy."""

from __future__ import annotations

from fractions import Fraction
from math import comb, factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2, kstest

from core.data.hardy_weinberg import EXACT_MAX, hardy_weinberg_p


def exact_by_enumeration(aa: int, ab: int, bb: int) -> float:
    """Levene's distribution in exact fractions."""
    n, minor = aa + ab + bb, 2 * aa + ab

    def probability(het: int) -> Fraction:
        rare, common = (minor - het) // 2, n - het - (minor - het) // 2
        ways = factorial(n) // (factorial(rare) * factorial(het) * factorial(common))
        return Fraction(2**het * ways, comb(2 * n, minor))

    table = {het: probability(het) for het in range(minor % 2, min(minor, 2 * n - minor) + 1, 2)}
    assert sum(table.values()) == 1
    return float(sum(p for p in table.values() if p <= table[ab]))


@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 12))
def test_exact_hardy_weinberg_equals_enumeration(aa: int, ab: int, bb: int) -> None:
    if aa + ab + bb > 1:
        assert hardy_weinberg_p(np.array([[aa, ab, bb]]))[0] == pytest.approx(
            exact_by_enumeration(aa, ab, bb), rel=1e-9
        )


def test_exact_hardy_weinberg_of_unusual_tables() -> None:
    """100 individuals with 21 minor alleles (the example of Wigginton et al. 2005), from no homozygote to ten."""
    tables = [(0, 21, 79), (2, 17, 81), (5, 11, 84), (10, 1, 89)]
    p = hardy_weinberg_p(np.array(tables))
    np.testing.assert_allclose(p, [exact_by_enumeration(*table) for table in tables], rtol=1e-9)
    assert (np.diff(p[1:]) < 0).all()


def test_exact_hardy_weinberg_of_a_large_cohort_neither_over_nor_underflows() -> None:
    p = hardy_weinberg_p(np.array([[2500, 5000, 2500], [5000, 0, 5000], [0, 0, 10_000], [0, 0, 0]]))
    assert p[0] == pytest.approx(1.0)
    assert 0 <= p[1] < 1e-300
    assert p[2] == 1.0
    assert np.isnan(p[3])


def test_above_the_exact_limit_it_is_pearsons_chi2() -> None:
    n = EXACT_MAX + 1
    table = np.array([[10, 30, n - 40], [n // 4, n // 2, n - n // 4 - n // 2]])
    expected = []
    for row in table:
        q = (row[1] + 2 * row[2]) / (2 * n)
        model = n * np.array([(1 - q) ** 2, 2 * q * (1 - q), q**2])
        expected.append(chi2.sf(((row - model) ** 2 / model).sum(), 1))
    np.testing.assert_allclose(hardy_weinberg_p(table), expected, rtol=1e-6, atol=1e-300)


def test_p_values_are_uniform_and_near_those_of_chi2_under_random_mating() -> None:
    calls = np.random.default_rng(11).binomial(2, 0.4, (3000, 400))
    table = np.stack([(calls == g).sum(axis=0) for g in range(3)], axis=1)
    p = hardy_weinberg_p(table)
    q = calls.mean(axis=0) / 2
    f = 1 - table[:, 1] / 3000 / (2 * q * (1 - q))
    assert np.abs(p - chi2.sf(3000 * f**2, 1)).max() < 0.05  # the exact test is discrete
    assert kstest(p, "uniform").pvalue > 0.01
