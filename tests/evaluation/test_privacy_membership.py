"""Membership inference against scikit-learn's ROC, on honest individuals and on copies."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.neighbors import NearestNeighbors

from core.evaluation.context import Panel
from core.evaluation.privacy_membership import Attack, area, calibrated_attack, curves, plain_attack, true_positive_rate
from core.evaluation.registry import metrics
from tests.evaluation.cohorts import comparison, mosaic, noise
from tests.evaluation.test_adversarial import value

AREAS = ("membership_auc", "membership_auc_calibrated")


@pytest.mark.parametrize("values", [5, 1000])
def test_area_and_rates_equal_scikit_learn(values: int) -> None:
    rng = np.random.default_rng(values)
    attack = Attack(rng.integers(2, values + 2, 150).astype(float), rng.integers(0, values, 130).astype(float))
    truth = np.repeat([1, 0], [150, 130])
    scores = np.concatenate([attack.members, attack.others])
    assert area(attack) == pytest.approx(roc_auc_score(truth, scores), abs=1e-12)
    false, true, _ = roc_curve(truth, scores, drop_intermediate=False)
    for share in (0.0, 0.01, 0.1, 0.5, 1.0):
        assert true_positive_rate(attack, share) == pytest.approx(true[false <= share + 1e-9].max())


def test_the_score_is_the_distance_to_the_nearest_synthetic_individual() -> None:
    train, holdout, made = (mosaic(60, 100, s).calls for s in (1, 2, 3))
    search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(made.astype(float))
    members, others = (-search.kneighbors(side.astype(float))[0][:, 0] for side in (train, holdout))
    attack = plain_attack(comparison(holdout, made, train))
    np.testing.assert_allclose(np.sort(attack.members), np.sort(members), atol=1e-5)
    np.testing.assert_allclose(np.sort(attack.others), np.sort(others), atol=1e-5)
    expected = roc_auc_score(np.repeat([1, 0], 60), np.concatenate([members, others]))
    assert value("membership_auc", comparison(holdout, made, train)) == pytest.approx(expected, abs=0.002)


def test_individuals_of_one_population_cannot_be_told_apart() -> None:
    areas = {name: [] for name in AREAS}
    for seed in range(0, 40, 4):
        here = comparison(*(mosaic(n, 80, seed + k) for k, n in ((1, 120), (2, 120), (3, 240))))
        for name in AREAS:
            areas[name].append(value(name, here))
    for name in AREAS:
        assert np.mean(areas[name]) == pytest.approx(0.5, abs=0.03), name


def test_copies_and_near_copies_give_their_originals_away() -> None:
    train, holdout = mosaic(200, 150, 1), mosaic(120, 150, 2)
    copied = comparison(holdout, train, train, draws=50)
    for name in (*AREAS, "membership_tpr"):
        assert value(name, copied) == pytest.approx(1.0), name
    near = train.calls.copy()
    near[:, ::20] = (near[:, ::20] + 1) % 3
    loose = metrics["membership_auc"].value(comparison(holdout, near, train, draws=100))
    assert loose.value is not None and loose.value > 0.7
    assert loose.draws is not None and loose.draws.min() > 0.6
    assert loose.params["members"] == loose.params["non_members"] == 120


def test_calibration_sees_memory_where_the_density_of_the_population_hides_it() -> None:
    """Half of the people live close together, half far apart: a plain distance says where one lives."""
    rng = np.random.default_rng(5)
    common = noise(1, 400, 1)[0]

    def people(n: int) -> np.ndarray:
        calls = noise(n, 400, int(rng.integers(1 << 30)))
        dense = np.arange(n) % 2 == 0
        kept = rng.random((n, 400)) < 0.9
        calls[dense] = np.where(kept[dense], common, calls[dense])
        return calls

    train, holdout = people(150), people(150)
    half_new = np.where(rng.random(train.shape) < 0.5, people(150), train)
    here = comparison(holdout, half_new, train)
    assert value("membership_auc_calibrated", here) > value("membership_auc", here) + 0.15


def test_few_individuals_or_no_holdout_give_reasons() -> None:
    small = comparison(noise(50, 30, 1), noise(50, 30, 2), noise(50, 30, 3))
    assert "100 holdout individuals" in str(metrics["membership_tpr"].value(small).reason)
    tiny = comparison(noise(5, 30, 1), noise(50, 30, 2), noise(50, 30, 3))
    assert "10 training and as many holdout" in str(metrics["membership_auc"].value(tiny).reason)
    alone = comparison(noise(50, 30, 1), noise(50, 30, 2))
    assert "training individuals" in str(metrics["membership_auc"].value(alone).reason)
    assert curves(Panel(alone, alone, None)) == {"membership_roc": []}


def test_the_curve_rises_from_the_metric_to_one() -> None:
    here = comparison(mosaic(120, 80, 2), mosaic(120, 80, 3), mosaic(120, 80, 1))
    rows = curves(Panel(here, comparison(mosaic(120, 80, 2), noise(120, 80, 4), mosaic(120, 80, 1)), None))
    roc = rows["membership_roc"]
    for name in ("synthetic", "calibrated", "null"):
        rates = [row[name] for row in roc]
        assert rates == sorted(rates) and rates[-1] == 1
    at = next(row["synthetic"] for row in roc if row["false_positives"] == pytest.approx(0.01))
    assert at == value("membership_tpr", here)
    assert len(calibrated_attack(here).members) == 120
