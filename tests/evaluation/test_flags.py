"""Each failure planted in real or simulated individuals raises its flag; real individuals raise none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.config.evaluation import EvaluationConfig
from core.data.genotypes import Calls, Genotypes, from_calls
from core.evaluation.documentation import markdown
from core.evaluation.flags import find
from core.evaluation.registry import metrics
from core.evaluation.report import evaluate
from core.reports.report import Flag, Report
from tests.conftest import REPOSITORY
from tests.evaluation.cohorts import mosaic

QUICK = EvaluationConfig(bootstrap=0, neighbours=(3, 5, 10), projections=8)
N, M = 200, 120


def cohort(seed: int, n: int = N) -> Genotypes:
    """A linked cohort with positions; seeds are samples of one population."""
    drawn = mosaic(n, M, seed, founders=30, switch=0.03)
    return replace(drawn, variant_contig=np.full(M, "1"), variant_position=(np.arange(M) + 1) * 500)


def with_calls(genotypes: Genotypes, calls: Calls) -> Genotypes:
    return replace(genotypes, calls=calls.astype(np.int8))


def flags(made: Genotypes, *, holdout: bool = True, **settings: Any) -> dict[str, Flag]:
    """The flags of a report on `made`, by name."""
    report = evaluate(cohort(1), made, holdout=cohort(2) if holdout else None, options=QUICK, seed=1, **settings)
    return {flag.name: flag for flag in report.flags}


def pushed(genotypes: Genotypes, share: float) -> Genotypes:
    """A share of the calls replaced by the commonest genotype of their variant."""
    counts = np.stack([(genotypes.calls == g).sum(axis=0) for g in range(3)])
    swap = np.random.default_rng(3).random(genotypes.calls.shape) < share
    return with_calls(genotypes, np.where(swap, counts.argmax(axis=0), genotypes.calls))


@pytest.mark.parametrize("holdout", [True, False])
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_real_individuals_raise_none(seed: int, holdout: bool) -> None:
    assert flags(cohort(seed), holdout=holdout) == {}


def test_few_repeated_individuals_are_mode_collapse() -> None:
    found = flags(repeat(cohort(14, n=12)))
    assert found["mode_collapse"].severity == "high"
    assert "identical" in found["mode_collapse"].evidence


def repeat(few: Genotypes) -> Genotypes:
    """N rows of a few individuals under new names."""
    again = few.individuals(np.arange(N) % few.n)
    return replace(again, sample_id=np.array([f"made_{i}" for i in range(N)]))


def test_variations_on_few_individuals_are_mode_collapse_without_a_duplicate() -> None:
    made = repeat(cohort(15, n=8))
    noisy = np.where(np.random.default_rng(4).random(made.calls.shape) < 0.08, cohort(16).calls, made.calls)
    found = flags(with_calls(made, noisy))
    assert "recall" in found["mode_collapse"].evidence
    assert "frequency_distortion" in found or "spurious_linkage" in found


def test_calls_pushed_to_the_mode_are_the_matthew_effect() -> None:
    found = flags(pushed(cohort(17), 0.3))
    assert "slope" in found["frequency_distortion"].evidence
    assert "Matthew" in found["frequency_distortion"].advice
    assert "mode_collapse" in found


def test_minority_genotypes_that_are_never_made_are_told() -> None:
    made = cohort(17)
    shares = np.stack([(made.calls == g).mean(axis=0) for g in range(3)])
    minority = np.take_along_axis(shares, made.calls.astype(np.int64), axis=0) < 0.25
    found = flags(with_calls(made, np.where(minority, shares.argmax(axis=0), made.calls)))
    assert (
        found["genotypes_lost"].severity == "high" and "never made (0.0% by chance)" in found["genotypes_lost"].evidence
    )


def test_heterozygotes_that_rare_alleles_lose_do_not_hide_those_of_common_ones() -> None:
    ratio = entry(1.0, ceiling=1.0, params={"n": 1000, "common_ratio": 1.1})
    (raised,) = find(Report({"metrics": {"heterozygosity_ratio": ratio}}))
    assert raised.name == "heterozygotes_inflated" and "at common variants: 1.10" in raised.evidence


@pytest.mark.parametrize(
    ("nearest", "precision", "collapsed"), [(0.99, 0.37, True), (0.4, 0.37, False), (0.99, 0.1, False)]
)
def test_small_recall_is_collapse_where_what_is_made_is_alike(
    nearest: float, precision: float, collapsed: bool
) -> None:
    metrics = {
        "precision": entry(precision, ceiling=0.8),
        "recall": entry(0.05, null=0.6, ceiling=0.8),
        "aa_synthetic": entry(nearest),
    }
    assert [flag.name for flag in find(Report({"metrics": metrics}))] == ["mode_collapse"] * collapsed


def test_linkage_that_is_not_there_cannot_be_lost() -> None:
    assert find(Report({"metrics": {"ld_r": entry(-0.01, null=-0.02, ceiling=0.01)}})) == []


def test_inflated_heterozygotes_are_told_from_the_matthew_effect() -> None:
    made = cohort(18)
    swap = np.random.default_rng(5).random(made.calls.shape) < 0.3
    found = flags(with_calls(made, np.where(swap, 1, made.calls)))
    assert "inflated" in found["frequency_distortion"].advice


def test_rounded_principal_components_are_flagged_by_themselves() -> None:
    """Normal scores on the axes of nine tenths of the variance, rounded: what the published decoding does."""
    train = cohort(1)
    x = train.calls - train.calls.mean(axis=0)
    _, values, axes = np.linalg.svd(x, full_matrices=False)
    kept = int((np.cumsum(values**2) < 0.9 * np.sum(values**2)).sum()) + 1
    scores = np.random.default_rng(9).standard_normal((N, kept)) * values[:kept] / np.sqrt(N)
    made = np.clip(np.round(train.calls.mean(axis=0) + scores @ axes[:kept]), 0, 2)
    raised = flags(with_calls(cohort(17), made))
    assert "Heterozygotes are inflated" in raised["heterozygotes_inflated"].evidence
    assert "thresholds" in raised["heterozygotes_inflated"].advice


@pytest.mark.parametrize(("lost", "severity"), [(0.05, None), (0.2, "medium"), (0.6, "high")])
def test_rare_alleles_that_are_gone_are_told(lost: float, severity: str | None) -> None:
    metrics = {"rare_alleles_lost": entry(lost, null=0.02, ceiling=0.01, params={"rare": 50})}
    raised = find(Report({"metrics": metrics}))
    assert [(flag.name, flag.severity) for flag in raised] == ([("rare_alleles_lost", severity)] if severity else [])
    few = {"rare_alleles_lost": entry(lost, null=0.02, ceiling=0.01, params={"rare": 5})}
    assert find(Report({"metrics": few})) == []


@pytest.mark.parametrize("holdout", [True, False])
def test_copies_of_training_individuals_are_copying(holdout: bool) -> None:
    found = flags(cohort(1), holdout=holdout)
    assert found["copying"].severity == "high"
    assert "equal" in found["copying"].evidence
    assert "lost_linkage" not in found


def test_near_copies_are_copying_although_none_is_equal() -> None:
    train = cohort(1)
    swap = np.random.default_rng(6).random(train.calls.shape) < 0.03
    found = flags(with_calls(train, np.where(swap, 2 - train.calls, train.calls)))
    assert "AATS" in found["copying"].evidence
    assert "of pairs" in found["membership"].evidence


def test_independent_sites_have_lost_linkage() -> None:
    made = cohort(19)
    rng = np.random.default_rng(7)
    shuffled = np.stack([rng.permutation(column) for column in made.calls.T], axis=1)
    found = flags(with_calls(made, shuffled))
    assert found["lost_linkage"].severity == "high"
    assert "frequency_distortion" not in found
    assert "copying" not in found


def test_half_of_the_linkage_lost_is_told_less_severely() -> None:
    made = cohort(20)
    rng = np.random.default_rng(8)
    shuffled = np.stack([rng.permutation(column) for column in made.calls.T], axis=1)
    calls = np.where(rng.random(made.calls.shape) < 0.3, shuffled, made.calls)
    assert flags(with_calls(made, calls))["lost_linkage"].severity in ("medium", "high")


def test_two_clusters_link_what_is_far_apart() -> None:
    rng = np.random.default_rng(9)
    p = cohort(1).calls.mean(axis=0) / 2
    shift = np.where(rng.random(M) < 0.5, 0.35, -0.35)
    sides = [np.clip(p + s * shift, 0.01, 0.99) for s in (1, -1)]
    calls = np.concatenate([rng.binomial(2, q, (N // 2, M)) for q in sides])
    assert "synthetic" in flags(with_calls(cohort(21), calls))["spurious_linkage"].evidence


def test_aats_of_zero_and_one_is_misleading() -> None:
    """Shrunken individuals lie nearest to each other, and nearer to real ones than these do to one another."""
    found = flags(pushed(cohort(22), 0.3))
    assert "opposite" in found["misleading_aats"].evidence


def test_a_population_that_is_never_made_is_missing() -> None:
    labels = np.where(np.arange(N) % 4 == 0, "EAST", "WEST")
    train, holdout, made = (replace(cohort(s), labels={"population": labels}) for s in (1, 2, 23))
    whole = evaluate(train, made, holdout=holdout, options=QUICK)
    assert whole.flags == []
    west = replace(made, labels={"population": np.full(N, "WEST")})
    report = evaluate(train, west, holdout=holdout, options=QUICK)
    assert [flag.name for flag in report.flags] == ["population_missing"]
    assert "EAST (0 of 50 expected)" in report.flags[0].evidence


def entry(value: float | None, null: float = 0.0, ceiling: float | None = 0.5, **more: Any) -> dict[str, Any]:
    return {"value": value, "null": null, "ceiling": ceiling, "matched": None, "params": {}, "label": "L"} | more


@pytest.mark.parametrize(
    ("truth", "synthetic", "expected"),
    [
        (0.0, 1.0, True),
        (1.0, 0.0, True),
        (0.3, 0.7, True),
        (0.45, 0.56, False),
        (0.9, 0.9, False),
        (0.49, 0.9, False),
        (0.1, 0.2, False),
    ],
)
def test_opposite_sides_of_one_half(truth: float, synthetic: float, expected: bool) -> None:
    values = {"aa_truth": truth, "aa_synthetic": synthetic, "aats": (truth + synthetic) / 2}
    report = Report({"metrics": {name: entry(value) for name, value in values.items()}})
    assert ([flag.name for flag in find(report)] == ["misleading_aats"]) == expected


def test_without_values_nothing_is_flagged() -> None:
    report = Report({"metrics": {name: entry(None, reason="none") for name in metrics.names("genotypes")}})
    assert find(report) == []
    assert find(Report({})) == []


def test_values_at_the_size_of_the_ceiling_decide() -> None:
    """Recall grows with n: 0.9 of 1,000 may be 0.2 at the ceiling's 100."""
    precise = entry(0.9, ceiling=0.9, matched={"n": 100, "value": 0.9, "null": 0.0})
    recall = entry(0.9, ceiling=0.9, matched={"n": 100, "value": 0.2, "null": 0.0})
    found = find(Report({"metrics": {"precision": precise, "recall": recall}}))
    assert [flag.name for flag in found] == ["mode_collapse"]


def test_tiny_cohorts_do_not_break_the_flags() -> None:
    calls = np.random.default_rng(1).integers(0, 3, (5, 4)).astype(np.int8)
    assert isinstance(evaluate(from_calls(calls), from_calls(calls[:4]), options=QUICK).flags, list)


def test_the_page_of_metrics_is_what_the_registry_says() -> None:
    """Made again with `python -m core metrics --markdown > docs/metrics.md`."""
    written = (REPOSITORY / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert written == markdown()
    assert all(f"`{name}`" in written for name in metrics.names())
