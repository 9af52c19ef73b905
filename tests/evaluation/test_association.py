"""Association metrics on cohorts whose causes are known: what is kept, what is lost, and the demo's true effects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.config.evaluation import EvaluationConfig
from core.data.genotypes import Genotypes
from core.data.library import Library
from core.evaluation import association, panels
from core.evaluation.context import Comparison
from core.evaluation.registry import metrics
from core.evaluation.report import evaluate
from core.evaluation.study import study
from core.reports.report import Report
from tests.evaluation.cohorts import comparison, mosaic

NAMES = ("gwas_effect_r", "gwas_hit_recovery", "gwas_sign_agreement", "gwas_rank_recovery", "gwas_inflation_ratio")
QUICK = EvaluationConfig(bootstrap=40, neighbours=(3,), projections=8, association_components=0)
CAUSES = {10: 0.8, 60: -0.6, 95: 0.7}


def caused(n: int, seed: int, strength: float = 1.0, m: int = 120) -> Genotypes:
    """Individuals with a phenotype that three variants cause."""
    plain = mosaic(n, m, seed)
    rng = np.random.default_rng([seed, 9])
    y = sum(strength * effect * plain.calls[:, j] for j, effect in CAUSES.items()) + 0.4 * rng.normal(size=n)
    return replace(
        plain,
        variant_contig=np.full(m, "1"),
        variant_position=np.arange(1, m + 1) * 1000,
        phenotypes={"height": np.asarray(y, dtype=np.float64)},
    )


def value(name: str, here: Comparison) -> float:
    found = metrics[name].value(here).value
    assert found is not None
    return found


@pytest.fixture(scope="module")
def report() -> Report:
    """600 real individuals, a quarter held out, against 500 of the same causes."""
    real = caused(600, 1)
    return evaluate(
        real.individuals(slice(0, 450)),
        caused(500, 2),
        holdout=real.individuals(slice(450, 600)),
        options=QUICK,
    )


def test_another_sample_of_the_same_causes_reaches_the_ceiling(report: Report) -> None:
    found = {name: report.metric(name) for name in NAMES}
    assert found["gwas_effect_r"].value > 0.8
    assert found["gwas_hit_recovery"].value >= 0.6 and found["gwas_sign_agreement"].value == 1
    assert found["gwas_effect_r"].low < found["gwas_effect_r"].value < found["gwas_effect_r"].high
    assert abs(found["gwas_effect_r"].null) < 0.35
    assert abs(found["gwas_effect_r"].ceiling - found["gwas_effect_r"].matched["value"]) < 0.1
    assert found["gwas_hit_recovery"].null == 0
    assert 0.6 < found["gwas_inflation_ratio"].value < 1.5


def test_all_real_individuals_are_the_reference_and_halves_the_ceiling(report: Report) -> None:
    one = report.metric("gwas_effect_r")
    assert (one.params["n"], one.params["n_real"]) == (500, 600)
    assert one.matched["n"] == 300
    assert report.metric("precision").params["n"] == 150  # others keep the holdout for reference


def test_without_a_holdout_the_same_individuals_give_the_same_numbers(report: Report) -> None:
    alone = evaluate(caused(600, 1), caused(500, 2), options=QUICK)
    for name in ("gwas_effect_r", "gwas_hit_recovery", "gwas_sign_agreement"):
        assert alone.metric(name).value == pytest.approx(report.metric(name).value)


def test_rows_name_the_phenotype_its_hits_and_its_control(report: Report) -> None:
    (row,) = report.curve("association")
    assert row["phenotype"] == "height" and row["hits"] >= 3
    assert row["effect_r"] == pytest.approx(report.metric("gwas_effect_r").value)
    assert row["control_hits"] == 0 and row["control_lambda"] < 2
    hits = report.curve("association_hits")
    assert len(hits) == row["hits"]
    assert all(hit["same_sign"] for hit in hits)
    assert [hit["real"] for hit in hits] == sorted((hit["real"] for hit in hits), reverse=True)
    # The three causes are the three strongest loci, found again, with their effects.
    strongest = {hit["position"] // 1000 - 1: hit for hit in hits[:3]}
    assert strongest.keys() == CAUSES.keys()
    for j, hit in strongest.items():
        assert hit["recovered"] and hit["real_effect"] == pytest.approx(CAUSES[j], abs=0.15)
    curve = report.curve("association_qq")
    assert curve[0]["real"] > curve[0]["null"] and curve[0]["real"] > curve[0]["expected"]
    assert [r["expected"] for r in curve] == sorted((r["expected"] for r in curve), reverse=True)


def test_a_phenotype_that_the_calls_do_not_know_is_lost() -> None:
    """Calls as they should be, given the phenotypes of other individuals: what a model makes that ignores them."""
    made = caused(500, 2)
    shuffled = np.random.default_rng(0).permutation(made.n)
    lost = replace(made, phenotypes={"height": made.phenotypes["height"][shuffled]})
    here = comparison(caused(600, 1), lost, association_components=0)
    assert value("gwas_hit_recovery", here) == 0
    assert abs(value("gwas_effect_r", here)) < 0.35
    assert value("gwas_inflation_ratio", here) < value("gwas_inflation_ratio", comparison(caused(600, 1), made))


def test_lost_association_is_flagged_and_kept_association_is_not(report: Report) -> None:
    assert "lost_association" not in {flag.name for flag in report.flags}
    made = caused(500, 2)
    shuffled = np.random.default_rng(0).permutation(made.n)
    lost = replace(made, phenotypes={"height": made.phenotypes["height"][shuffled]})
    (flag,) = [f for f in evaluate(caused(600, 1), lost, options=QUICK).flags if f.name == "lost_association"]
    assert flag.severity == "high" and "height" in flag.evidence


def test_effects_that_are_turned_round_are_seen() -> None:
    made = caused(500, 2, strength=-1)
    here = comparison(caused(600, 1), made, association_components=0)
    assert value("gwas_effect_r", here) < -0.8
    assert value("gwas_sign_agreement", here) < 0.2
    assert value("gwas_hit_recovery", here) >= 0.6  # loci are found; their direction is another question


def test_what_cannot_be_studied_gives_a_reason() -> None:
    real, made = caused(100, 1), caused(80, 2)
    assert "no phenotype" in str(
        metrics["gwas_effect_r"].value(comparison(mosaic(50, 20, 1), mosaic(50, 20, 2))).reason
    )
    for phenotypes, reason in (
        ({}, "was not conditioned on it"),
        ({"height": np.full(80, 2.0)}, "the same for all synthetic individuals"),
        ({"height": np.r_[np.arange(10.0), np.full(70, np.nan)]}, "10 of the synthetic individuals have a value"),
    ):
        here = comparison(real, replace(made, phenotypes=phenotypes))
        for name in NAMES:
            estimate = metrics[name].value(here)
            assert estimate.value is None and reason in str(estimate.reason) and "height" in str(estimate.reason)


def test_no_hit_is_a_reason_and_ranks_still_count() -> None:
    here = comparison(caused(100, 1, strength=0.0), caused(100, 2, strength=0.0))
    assert "no hit to recover" in str(metrics["gwas_hit_recovery"].value(here).reason)
    assert 0 <= value("gwas_rank_recovery", here) <= 1


def test_only_the_first_phenotypes_are_studied_unless_named() -> None:
    many = {f"trait_{i}": np.random.default_rng(i).normal(size=90) for i in range(9)}
    real, made = (replace(mosaic(90, 30, seed), phenotypes=many) for seed in (1, 2))
    found = evaluate(real, made, options=EvaluationConfig(bootstrap=0, neighbours=(3,), projections=8))
    rows = found.curve("association")
    assert [bool(row.get("reason")) for row in rows] == [False] * 6 + [True] * 3
    assert "evaluation.phenotypes" in rows[-1]["reason"]
    named = evaluate(
        real,
        made,
        options=EvaluationConfig(bootstrap=0, neighbours=(3,), projections=8, phenotypes=("trait_8", "gone")),
    )
    rows = {row["phenotype"]: row for row in named.curve("association")}
    assert "effect_r" in rows["trait_8"] and "no such phenotype" in rows["gone"]["reason"]
    assert set(named.metric("gwas_effect_r").params["phenotypes"]) == {"trait_8"}


def test_the_true_effects_of_the_demo_are_found_again() -> None:
    """The shipped cohort knows its causal variants: the real study finds the strong ones with their sign."""
    demo = Library().open("demo").genotypes()
    half = demo.individuals(slice(0, None, 2))
    here = comparison(demo, half, association_components=0)
    both = study(here, "trait")
    truth = demo.truth["phenotype"]
    x = np.asarray(demo.calls[:, truth["causal_index"]], dtype=np.float64)
    share = np.square(truth["effect"]) * x.var(axis=0)  # of the phenotype's variance, which is about 1
    strong = share > 0.02
    assert strong.sum() >= 8
    found = both.real.strength[truth["causal_index"]] > both.threshold
    assert found[strong].mean() >= 0.75
    beta = both.real.beta[truth["causal_index"]]
    assert (np.sign(beta) == np.sign(truth["effect"]))[strong & found].all()
    assert np.corrcoef(beta[strong], truth["effect"][strong])[0, 1] > 0.9


def test_what_the_simulator_knows_follows_its_variants() -> None:
    demo = Library().open("demo").genotypes()
    truth = demo.truth["phenotype"]
    kept = np.flatnonzero(np.arange(demo.m) != truth["causal_index"][3])[::-1]
    again = demo.variants(kept).truth["phenotype"]
    ids = demo.variant_id[truth["causal_index"]].tolist()
    effects = dict(zip(ids, truth["effect"], strict=True))
    left = demo.variants(kept).variant_id[again["causal_index"]].tolist()
    assert sorted(left) == sorted(set(ids) - {ids[3]})
    assert [effects[i] for i in left] == again["effect"].tolist()


def test_arrays_hold_both_scans_and_the_truth() -> None:
    real = replace(
        caused(200, 1),
        truth={"phenotype": {"name": "height", "causal_index": np.array([10]), "effect": np.array([0.8])}},
    )
    here = panels.setting(real, caused(150, 2), None, seed=0, config=QUICK, device="cpu")
    parts = association.Panel(panels.value(here), panels.null(here), panels.ceiling(here))
    kept = association.arrays(parts)["association"]
    assert kept["phenotype"].tolist() == ["height"]
    assert kept["real_0"].shape == kept["effect_synthetic_0"].shape == (120,)
    assert kept["real_0"].dtype == np.float32
    assert (kept["causal_0"].tolist(), kept["causal_effect_0"].tolist()) == ([10], [0.8])
