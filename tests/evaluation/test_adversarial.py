"""AATS against scikit-learn's nearest neighbours, its ties, and what a copier gives."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from core.evaluation.adversarial import adversarial_indicators
from core.evaluation.panels import independent_sites
from core.evaluation.registry import metrics
from tests.evaluation.cohorts import cohort, comparison, mosaic, noise


def value(name: str, here: object) -> float:
    """The value of a metric on a comparison."""
    estimate = metrics[name].value(here)  # type: ignore[arg-type]
    assert estimate.value is not None, estimate.reason
    return float(estimate.value)


def by_scikit_learn(real: np.ndarray, fake: np.ndarray, metric: str) -> tuple[float, float]:
    """(AA truth, AA synthetic) from brute-force searches in float64, ties as the module has them."""

    def share(own: np.ndarray, other: np.ndarray) -> float:
        within = NearestNeighbors(n_neighbors=2, algorithm="brute", metric=metric).fit(own).kneighbors(own)[0][:, 1]
        between = NearestNeighbors(n_neighbors=1, algorithm="brute", metric=metric).fit(other).kneighbors(own)[0][:, 0]
        return float(np.where((within == between) & (between > 0), 0.5, within < between).mean())

    return share(real, fake), share(fake, real)


@pytest.mark.parametrize("metric", ["manhattan", "hamming"])
def test_equals_scikit_learn(metric: str) -> None:
    real, fake = mosaic(150, 120, 1).calls, mosaic(150, 120, 2).calls
    here = comparison(real, fake, distance=metric)
    truth, synthetic = by_scikit_learn(real.astype(float), fake.astype(float), metric)
    assert value("aa_truth", here) == pytest.approx(truth, abs=1e-12)
    assert value("aa_synthetic", here) == pytest.approx(synthetic, abs=1e-12)
    assert value("aats", here) == pytest.approx((truth + synthetic) / 2, abs=1e-12)


def test_exchangeable_cohorts_give_one_half() -> None:
    """Calls of 30 variants: a fifth of the nearest distances tie, which a strict comparison would count as copying."""
    found = [value("aats", comparison(noise(150, 30, 2 * s), noise(150, 30, 2 * s + 1))) for s in range(12)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.02)
    assert metrics["aats"].value(comparison(noise(150, 30, 0), noise(150, 30, 1))).params["ties"] > 0.1


def test_ties_by_hand() -> None:
    own, other = (np.array(v, dtype=np.float32) for v in ([1, 2, 3, 0, 5], [2, 2, 1, 0, 0]))
    each, tied = adversarial_indicators(own, other)
    assert each.tolist() == [1.0, 0.5, 0.0, 0.0, 0.0]  # a copy in the other cohort counts 0 even beside an own twin
    assert tied == pytest.approx(1 / 5)


def test_a_copier_is_found_out_by_the_training_individuals() -> None:
    train, holdout = mosaic(300, 200, 1), mosaic(300, 200, 2)
    copied = train.individuals(np.random.default_rng(0).integers(0, 300, 300))
    here = comparison(holdout, copied, train, draws=200)
    assert value("aats_train", here) < 0.15
    assert value("aats", here) > 0.4
    loss = metrics["privacy_loss"].value(here)
    assert loss.value is not None and loss.draws is not None
    assert loss.value == pytest.approx(value("aats", here) - value("aats_train", here))
    assert loss.value > 0.3
    assert loss.draws.min() > 0.2

    honest = comparison(holdout, mosaic(300, 200, 3), train)
    assert abs(value("privacy_loss", honest)) < 0.08


def test_opposite_failures_average_to_one_half() -> None:
    """Independent sites lie near the centre: they are nearer to real individuals than these are to each other's kin."""
    real = mosaic(300, 600, 1, founders=8, switch=0.01)
    here = comparison(real, independent_sites(cohort(real), real, seed=2))
    assert value("aa_truth", here) > 0.95
    assert value("aa_synthetic", here) < 0.1
    assert 0.47 < value("aats", here) < 0.56


def test_without_training_individuals_there_is_a_reason() -> None:
    here = comparison(noise(20, 10, 1), noise(20, 10, 2))
    for name in ("aats_train", "privacy_loss", "nearest_train_share"):
        estimate = metrics[name].value(here)
        assert estimate.value is None
        assert "training individuals" in str(estimate.reason)


def test_one_individual_has_no_neighbour() -> None:
    estimate = metrics["aats"].value(comparison(noise(1, 10, 1), noise(20, 10, 2)))
    assert estimate.value is None
    assert "at least 2 individuals" in str(estimate.reason)


def test_sizes_are_made_equal() -> None:
    """Three hundred synthetic individuals against forty real ones: forty of each are compared, and it is said."""
    here = comparison(noise(40, 200, 1), noise(300, 200, 2))
    estimate = metrics["aats"].value(here)
    assert estimate.params["n"] == 40
    assert estimate.params["sampled_from"] == [40, 300]
    assert estimate.value == pytest.approx(0.5, abs=0.2)
