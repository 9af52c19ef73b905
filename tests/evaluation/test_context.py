"""Cohorts, the null, and the cohorts that a report is made of."""

from __future__ import annotations

import numpy as np
import pytest

from core.config.evaluation import EvaluationConfig
from core.data.genotypes import from_calls
from core.evaluation import panels
from core.evaluation.context import Panel, row_blocks
from core.evaluation.panels import independent_sites, matched, privacy_ceiling, setting
from core.evaluation.registry import Estimate, Metric, Unmeasurable
from tests.evaluation.cohorts import cohort, comparison, mosaic, noise


def test_counts_leave_missing_calls_out() -> None:
    calls = noise(30, 12, 1)
    calls[:10, 0] = -1
    calls[:, 1] = -1
    here = cohort(calls)
    assert here.called.tolist() == [20, 0, *[30] * 10]
    assert np.array_equal(here.genotype_counts[:, 2], (calls == 2).sum(axis=0))
    assert here.allele_frequency[0] == pytest.approx(calls[10:, 0].mean() / 2)
    assert np.isnan(here.allele_frequency[1])
    assert here.has_missing
    assert (here.complete >= 0).all()
    assert np.array_equal(here.complete[calls >= 0], calls[calls >= 0])


def test_without_missing_calls_nothing_is_copied() -> None:
    here = cohort(noise(30, 12, 1))
    assert here.complete is here.genotypes.calls
    assert here.near(30) is here.complete


def test_near_individuals_are_nested_and_survive_a_release() -> None:
    here = cohort(noise(50, 8, 1))
    small, large = here.near_index(10), here.near_index(25)
    assert set(small.tolist()) < set(large.tolist())
    before = here.near(10)
    here.release()
    assert np.array_equal(here.near(10), before)


@pytest.mark.parametrize(("n", "m", "cells"), [(10, 3, 7), (5, 100, 10), (1, 1, 1), (0, 5, 10), (4, 0, 10)])
def test_row_blocks_cover_every_row_once(n: int, m: int, cells: int) -> None:
    covered = [i for rows in row_blocks(n, m, cells) for i in range(rows.start, rows.stop)]
    assert covered == list(range(n))


@pytest.mark.parametrize("ploidy", [1, 2])
def test_the_null_keeps_genotype_frequencies_and_nothing_else(ploidy: int) -> None:
    calls = np.minimum(mosaic(400, 60, 1, founders=10).calls, ploidy).astype(np.int8)
    calls[:40, 3] = -1
    calls[:, 4] = -1
    real = cohort(from_calls(calls, ploidy=ploidy))
    like = from_calls(noise(3000, 60, 1, ploidy), ploidy=ploidy, labels={"population": np.full(3000, "A")})
    null = independent_sites(real, like, seed=1)
    assert null.calls.shape == (3000, 60)
    assert null.labels.keys() == {"population"}
    assert null.ploidy == ploidy
    assert (null.calls[:, 4] == 0).all()
    known = real.called > 0
    for genotype in range(ploidy + 1):
        drawn = (null.calls == genotype).mean(axis=0)[known]
        assert drawn == pytest.approx((real.genotype_counts[:, genotype] / np.maximum(real.called, 1))[known], abs=0.05)
    varying = null.calls[:, null.calls.std(axis=0) > 0].astype(float)
    r = np.corrcoef(varying.T)
    assert np.abs(r[np.triu_indices(len(r), 1)]).max() < 0.1


def test_halves_are_disjoint_and_sizes_match() -> None:
    config = EvaluationConfig(bootstrap=0)
    here = setting(mosaic(41, 20, 1), mosaic(15, 20, 2), None, seed=0, config=config, device="cpu")
    parts = Panel(panels.value(here), panels.null(here), panels.ceiling(here))
    assert parts.ceiling is not None
    first, second = parts.ceiling.reference.genotypes.sample_id, parts.ceiling.candidate.genotypes.sample_id
    assert not set(first.tolist()) & set(second.tolist())
    assert (len(first), len(second)) == (20, 15)
    pair = matched(here, parts)
    assert pair["value"].reference is parts.ceiling.reference
    assert pair["value"].candidate.n == pair["null"].candidate.n == 15
    assert parts.null.candidate.n == 15
    assert privacy_ceiling(here) is None


def test_with_a_holdout_the_ceiling_is_made_of_training_individuals() -> None:
    config = EvaluationConfig(bootstrap=0)
    train, holdout = mosaic(60, 20, 1), mosaic(20, 20, 2)
    here = setting(train, mosaic(30, 20, 3), holdout, seed=0, config=config, device="cpu")
    parts = Panel(panels.value(here), panels.null(here), panels.ceiling(here))
    assert parts.ceiling is not None
    assert parts.value.reference.genotypes is parts.ceiling.reference.genotypes is holdout
    assert parts.value.train is not None
    assert parts.ceiling.candidate.n == 30
    assert not matched(here, parts)
    unseen = privacy_ceiling(here)
    assert unseen is not None
    assert unseen.train is not None
    seen = set(unseen.train.genotypes.sample_id.tolist())
    assert not seen & set(unseen.candidate.genotypes.sample_id.tolist())


def test_a_metric_answers_with_a_reason_instead_of_an_error() -> None:
    def unmeasurable(_: object) -> Estimate:
        raise Unmeasurable("There is nothing here.")

    here = comparison(noise(5, 5, 1), noise(5, 5, 2))
    for function, reason in (
        (unmeasurable, "There is nothing here."),
        (lambda _: Estimate(float("nan")), "undefined"),
        (lambda _: Estimate(None, reason="Of its own."), "Of its own."),
    ):
        metric = Metric("Other", False, "higher", None, (0, 1), False, function)
        estimate = metric(here)
        assert estimate.value is None
        assert reason in str(estimate.reason)
