"""Principal components against scikit-learn; the sliced Wasserstein distance against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from core.data.genotypes import from_calls
from core.evaluation import structure
from core.evaluation.context import Panel
from core.evaluation.registry import metrics
from core.evaluation.structure import arrays, fitted_basis, scores
from tests.evaluation.cohorts import cohort, comparison, mosaic, noise
from tests.evaluation.test_adversarial import value


def patterson(calls: np.ndarray, fitted_on: np.ndarray) -> np.ndarray:
    """Standardised dosages (Patterson et al. 2006, eq. 1–3), without variants that do not vary."""
    p = fitted_on.mean(axis=0) / 2
    varies = fitted_on.std(axis=0) > 0
    return (calls - 2 * p)[:, varies] / np.sqrt(2 * p * (1 - p))[varies]


@pytest.mark.parametrize("exact_side", [4096, 8])
@pytest.mark.parametrize("shape", [(150, 70), (60, 130)])
def test_scores_equal_scikit_learn(shape: tuple[int, int], exact_side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structure, "_EXACT_SIDE", exact_side)
    monkeypatch.setattr(structure, "_POWER_ITERATIONS", 40)
    real, fake = mosaic(*shape, 1, founders=8).calls, mosaic(*shape, 2, founders=8).calls
    real[:, 3] = 1  # does not vary: it must neither divide by zero nor count
    reference = cohort(real, components=4)
    basis = fitted_basis(reference)
    oracle = PCA(4, svd_solver="full").fit(patterson(real, real))
    assert basis.explained == pytest.approx(oracle.explained_variance_ratio_, rel=1e-4)
    for side in (real, fake):
        found = scores(cohort(side, components=4), reference)
        expected = oracle.transform(patterson(side, real))
        assert np.abs(found) == pytest.approx(np.abs(expected), abs=2e-3)


def test_the_basis_is_the_reference_s_alone() -> None:
    """Synthetic individuals far away must not turn the axes."""
    real = mosaic(100, 60, 1)
    near, far = comparison(real, mosaic(100, 60, 2)), comparison(real, np.full((100, 60), 2, dtype=np.int8))
    for here in (near, far):
        value("pca_wasserstein", here)
    assert np.array_equal(fitted_basis(near.reference).axes, fitted_basis(far.reference).axes)


def test_distance_of_equal_and_of_shifted_cohorts() -> None:
    real = mosaic(120, 80, 1)
    assert value("pca_wasserstein", comparison(real, real)) == 0
    half = value("pca_wasserstein", comparison(real, mosaic(120, 80, 2)))
    worse = value("pca_wasserstein", comparison(real, noise(120, 80, 3)))
    assert 0 < half < worse


def test_one_component_gives_the_closed_form() -> None:
    """With one component the sliced distance is the 1-D Wasserstein-2 distance of the scores, over their spread."""
    real, fake = mosaic(90, 50, 1), mosaic(90, 50, 2)
    here = comparison(real, fake)
    basis = fitted_basis(here.reference)
    object.__setattr__(basis, "axes", basis.axes[:, :1])
    a, b = (np.sort(scores(c, here.reference)[:, 0]) for c in (here.reference, here.candidate))
    expected = np.sqrt(((a - b) ** 2).mean() / a.var())
    assert value("pca_wasserstein", here) == pytest.approx(expected, rel=1e-5)


def test_resampled_distances_spread_like_fresh_samples() -> None:
    fresh = [value("pca_wasserstein", comparison(noise(80, 30, s), noise(80, 30, 100 + s))) for s in range(30)]
    estimate = metrics["pca_wasserstein"].value(comparison(noise(80, 30, 0), noise(80, 30, 100), draws=100))
    assert estimate.draws is not None
    assert 0.3 < estimate.draws.std() / np.std(fresh) < 3


def test_no_variation_gives_a_reason() -> None:
    estimate = metrics["pca_wasserstein"].value(comparison(np.ones((20, 9), dtype=np.int8), noise(20, 9, 1)))
    assert estimate.value is None
    assert "differ" in str(estimate.reason)


def test_arrays_hold_scores_and_labels_of_each_cohort() -> None:
    real = mosaic(70, 40, 1)
    labels = np.repeat(["A", "B"], 35)
    real = from_calls(real.calls, labels={"population": labels})
    here = comparison(real, mosaic(50, 40, 2), display_individuals=30, components=5)
    null = comparison(real, noise(50, 40, 3), display_individuals=30, components=5)
    kept = arrays(Panel(here, null, None))["structure"]
    assert kept["real"].shape == kept["synthetic"].shape == kept["null"].shape == (30, 5)
    assert kept["real"].dtype == np.float32
    names = dict(zip(real.sample_id.tolist(), labels.tolist(), strict=True))
    assert [names[i] for i in kept["real_id"].tolist()] == kept["real_label:population"].tolist()
    assert (np.diff(kept["explained"]) <= 1e-9).all()
