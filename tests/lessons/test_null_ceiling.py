"""Lesson 11: the null of allele frequencies is as high as their ceiling, that of linkage is near 0."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from core.config.evaluation import EvaluationConfig
from core.data.genotypes import Calls, Genotypes
from core.evaluation.context import Cohort, Comparison
from core.evaluation.frequencies import allele_frequency_r, genotype_frequency_r
from core.evaluation.linkage import ld_r
from core.evaluation.registry import Estimate
from core.lessons.null_ceiling import (
    ALLELES,
    GENOTYPES,
    LINKAGE,
    cohort,
    frame,
    halves,
    judge,
    mosaic,
    score,
    statistic,
)

SEEDS = range(1, 5)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_generator_without_linkage_scores_above_99_and_so_do_null_and_ceiling(seed: int) -> None:
    worst, best = (judge(ALLELES, linkage, 300, seed) for linkage in (0.0, 1.0))
    assert worst.null.mean() > 0.99 and worst.ceiling.mean() > 0.99 and worst.value > 0.99
    # Two means of 40 draws of one law are within 0.7 of a draw's deviation 999 times of 1,000.
    assert abs(worst.gap) < 0.75 and worst.share is None
    assert worst.value == best.value


@pytest.mark.parametrize("seed", SEEDS)
def test_linkage_tells_null_and_ceiling_apart_and_the_candidate_between(seed: int) -> None:
    shares = [judge(LINKAGE, linkage, 300, seed).share for linkage in (0.0, 0.5, 1.0)]
    null, ceiling = frame(LINKAGE, 300, seed)
    # 1,770 correlated pairs: a draw of the null has a deviation of about 0.02, its mean of 40 of 0.003.
    assert abs(null.mean()) < 0.02 and ceiling.mean() > 0.85
    none, half, everything = (share for share in shares if share is not None)
    assert abs(none) < 0.1 and 0.4 < half < 0.9 and abs(everything - 1) < 0.1


@pytest.mark.parametrize("seed", SEEDS)
def test_few_individuals_lower_the_ceiling(seed: int) -> None:
    few, many = (frame(LINKAGE, n, seed)[1] for n in (50, 500))
    assert few.max() < many.min()
    assert few.std() > many.std()


def test_the_candidate_uses_every_real_call_once() -> None:
    calls, rng = cohort(1)[:80], np.random.default_rng(0)
    for linkage in (0.0, 0.7, 1.0):
        made = mosaic(calls, linkage, rng)
        np.testing.assert_array_equal(np.sort(made, axis=0), np.sort(calls, axis=0))
    np.testing.assert_array_equal(mosaic(calls, 1.0, rng), calls)


@pytest.mark.parametrize(
    ("metric", "reported"), [(ALLELES, allele_frequency_r), (GENOTYPES, genotype_frequency_r), (LINKAGE, ld_r)]
)
def test_the_numbers_are_those_of_the_report(metric: str, reported: Callable[[Comparison], Estimate]) -> None:
    rng = np.random.default_rng(3)
    real, made = halves(cohort(2), 100, rng)
    made = mosaic(made, 0.6, rng)
    comparison = Comparison(_cohort(real), _cohort(made))
    assert score(statistic(metric, real), statistic(metric, made)) == pytest.approx(
        reported(comparison).value, abs=1e-6
    )


def _cohort(calls: Calls) -> Cohort:
    n, m = calls.shape
    names = np.arange(max(n, m)).astype(str)
    genotypes = Genotypes(calls, names[:n], names[:m], np.full(m, "1"), np.arange(1, m + 1), np.full((m, 2), "A"))
    return Cohort(genotypes, "cohort", seed=0, config=EvaluationConfig())
