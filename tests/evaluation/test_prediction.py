"""Genomic prediction against scikit-learn's ridge regression; what synthetic individuals teach, and what they keep."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import r2_score

from core.config.evaluation import EvaluationConfig
from core.data.genotypes import Genotypes
from core.evaluation import blup, prediction
from core.evaluation.context import Comparison
from core.evaluation.registry import metrics
from core.evaluation.report import evaluate
from tests.evaluation.cohorts import comparison, mosaic
from tests.evaluation.test_association import caused

NAMES = ("tstr_r2", "tstr_boosting_r2", "negative_control_r2", "condition_r", "condition_slope")


def value(name: str, here: Comparison) -> float:
    found = metrics[name].value(here).value
    assert found is not None
    return found


def standardised(calls: np.ndarray, like: np.ndarray) -> np.ndarray:
    varies = like.std(axis=0) > 0
    return ((calls - like.mean(axis=0)) / np.where(varies, like.std(axis=0), np.inf))[:, varies]


def test_predictions_equal_ridge_regression() -> None:
    train, test = mosaic(70, 120, 1).calls.copy(), mosaic(30, 120, 2).calls
    train[:, 5] = 1
    y = train[:, 3] - train[:, 80] + np.random.default_rng(0).normal(size=70)
    y[4] = np.nan
    z, known = standardised(train, train), np.isfinite(y)
    among, between = blup.relationships(train, test)
    assert np.trace(among) == pytest.approx(70)
    unit = np.square(z).sum() / 70
    for share in (0.2, 0.8):
        ours = blup.fit(among, y[:, None], shares=(share,)).predict(between)[:, 0]
        ridge = Ridge(alpha=unit * (1 - share) / share).fit(z[known], y[known])
        assert ours == pytest.approx(ridge.predict(standardised(test, train)), abs=1e-4)


def test_the_share_is_the_likeliest() -> None:
    """Against the density of scipy's multivariate normal, its scale and mean at their maxima."""
    calls = mosaic(80, 60, 1).calls
    among, _ = blup.relationships(calls, calls[:1])
    rng = np.random.default_rng(1)
    targets = np.column_stack([calls[:, :30] @ rng.normal(size=30), rng.normal(size=80)])
    found = blup.fit(among, targets)

    def likelihood(y: np.ndarray, h: float) -> float:
        v = h * among + (1 - h) * np.eye(80)
        inverse = np.linalg.inv(v)
        mean = (inverse @ y).sum() / inverse.sum()
        variance = (y - mean) @ inverse @ (y - mean) / 80
        return float(multivariate_normal(np.full(80, mean), variance * v).logpdf(y))

    for k in range(2):
        best = max(blup.SHARES, key=lambda h, k=k: likelihood(targets[:, k], h))
        assert found.share[k] == best
    assert found.share[0] > found.share[1]


def test_a_sample_of_the_same_causes_teaches_as_much_as_real_individuals() -> None:
    real = caused(500, 1)
    report = evaluate(
        real.individuals(slice(0, 350)),
        caused(350, 2),
        holdout=real.individuals(slice(350, 500)),
        options=EvaluationConfig(bootstrap=60, neighbours=(3,), projections=8),
    )
    for name in ("tstr_r2", "tstr_boosting_r2"):
        one = report.metric(name)
        assert one.value > 0.6 and abs(one.value - one.ceiling) < 0.12 and one.null < 0.1
        assert one.low < one.value < one.high
        assert (one.params["n"], one.params["n_trained"]) == (150, 350)
    assert report.metric("negative_control_r2").value < 0.02
    assert report.metric("condition_r").value == pytest.approx(report.metric("condition_r").ceiling, abs=0.08)
    assert report.metric("condition_slope").value == pytest.approx(1, abs=0.2)
    assert report.metric("condition_slope").ceiling == pytest.approx(1, abs=0.2)
    (row,) = report.curve("prediction")
    assert {name: row[name] for name in NAMES} == {name: report.metric(name).value for name in NAMES}
    assert {name: row[f"ceiling_{name}"] for name in NAMES} == {name: report.metric(name).ceiling for name in NAMES}


def test_scores_are_those_of_scikit_learn() -> None:
    real, made = caused(90, 1), caused(120, 2)
    real = replace(real, phenotypes={"height": np.where(np.arange(90) % 4 == 0, np.nan, real.phenotypes["height"])})
    here = comparison(real, made)
    y = real.phenotypes["height"]
    known = np.isfinite(y)
    ours = prediction.forward(here, "height")[:, 0]
    assert value("tstr_r2", here) == pytest.approx(r2_score(y[known], ours[known]))
    read, asked = prediction.backward(here, "height"), made.phenotypes["height"]
    assert value("condition_r", here) == pytest.approx(np.corrcoef(read, asked)[0, 1])
    line = LinearRegression().fit(read[:, None], asked)
    assert value("condition_slope", here) == pytest.approx(line.coef_[0])


def test_calls_that_ignore_the_phenotype_teach_nothing() -> None:
    made = caused(300, 2)
    order = np.random.default_rng(0).permutation(300)
    here = comparison(caused(200, 1), replace(made, phenotypes={"height": made.phenotypes["height"][order]}))
    assert value("tstr_r2", here) < 0.05
    assert abs(value("condition_r", here)) < 0.15
    assert abs(value("condition_slope", here)) < 0.3


def test_what_is_overstated_has_a_steep_slope() -> None:
    """The same calls for a phenotype that is twice as far out; and for one that is half as far."""
    real, made = caused(300, 1), caused(300, 2)
    for factor in (2.0, 0.5):
        told = replace(made, phenotypes={"height": factor * made.phenotypes["height"]})
        assert value("condition_slope", comparison(real, told)) == pytest.approx(factor, rel=0.15)


def with_populations(n: int, seed: int, rename: dict[str, str] | None = None) -> Genotypes:
    """Two populations whose founders differ, with some labels unknown."""
    first, second = mosaic(n, 60, seed), mosaic(n, 61, seed)
    calls = np.concatenate([first.calls, second.calls[:, :60]])
    labels = np.repeat(["A", "B"], n).astype("<U2")
    labels[::10] = ""
    for old, new in (rename or {}).items():
        labels[labels == old] = new
    ids = np.array([f"i{k}" for k in range(2 * n)])
    return replace(first, calls=calls, sample_id=ids, labels={"population": labels})


def test_labels_are_learned_where_they_are_right() -> None:
    real = with_populations(60, 1)
    right = value("tstr_accuracy", comparison(real, with_populations(80, 2)))
    swapped = value("tstr_accuracy", comparison(real, with_populations(80, 2, {"A": "b", "B": "A", "b": "B"})))
    assert right > 0.95 and swapped < 0.05
    assert metrics["tstr_accuracy"].value(comparison(real, with_populations(80, 2))).params["n"] == 108


def test_what_cannot_be_predicted_gives_a_reason() -> None:
    plain = comparison(mosaic(50, 20, 1), mosaic(50, 20, 2))
    for name in NAMES:
        assert "no phenotype" in str(metrics[name].value(plain).reason)
    assert "label column" in str(metrics["tstr_accuracy"].value(plain).reason)
    one = comparison(with_populations(40, 1), with_populations(40, 2, {"B": "A"}))
    assert "Fewer than two values" in str(metrics["tstr_accuracy"].value(one).reason)


def test_arrays_hold_what_was_asked_and_what_was_read() -> None:
    report_of = evaluate_parts(caused(200, 1), caused(150, 2))
    kept = prediction.arrays(report_of)["prediction"]
    assert kept["phenotype"].tolist() == ["height"]
    assert kept["actual_0"].shape == kept["by_synthetic_0"].shape == kept["by_real_0"].shape == (60,)
    assert kept["requested_0"].shape == kept["read_0"].shape == (150,)
    assert kept["real_requested_0"].shape == kept["real_read_0"].shape == (140,)
    correlation = np.corrcoef(kept["requested_0"], kept["read_0"])[0, 1]
    assert correlation == pytest.approx(value("condition_r", report_of.value), abs=1e-5)


def evaluate_parts(real: Genotypes, made: Genotypes) -> prediction.Panel:
    """The comparisons of a report in which the last 60 real individuals are held out."""
    from core.evaluation import panels

    train, holdout = real.individuals(slice(0, real.n - 60)), real.individuals(slice(real.n - 60, real.n))
    here = panels.setting(train, made, holdout, seed=0, config=EvaluationConfig(), device="cpu")
    return prediction.Panel(panels.value(here), panels.null(here), panels.ceiling(here))
