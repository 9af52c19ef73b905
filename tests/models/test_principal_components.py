"""Principal components of calls against scikit-learn, what they keep, and what holds in individuals left out."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from core.models import principal_components
from core.models.principal_components import (
    PrincipalComponents,
    axes,
    held_out_variance,
    quantile_thresholds,
    reconstruction,
)


def cohort(n: int, m: int, seed: int = 0) -> torch.Tensor:
    """Two populations, variants in linked pairs."""
    rng = np.random.default_rng(seed)
    frequency = np.repeat(rng.uniform(0.1, 0.9, (2, m // 2)), 2, axis=1)
    calls = rng.binomial(2, frequency[rng.integers(0, 2, n)])
    calls[:, 1::2] = np.where(rng.random((n, m // 2)) < 0.8, calls[:, ::2], calls[:, 1::2])
    return torch.from_numpy(calls.astype(np.int8))


@pytest.mark.parametrize("shape", [(80, 20), (20, 80)])
def test_axes_are_scikit_learns(shape: tuple[int, int]) -> None:
    calls = cohort(*shape)
    parts = PrincipalComponents([0] * shape[1]).fit(calls, 0.9)
    other = PCA(n_components=0.9, svd_solver="full").fit(calls.numpy().astype(float))
    assert parts.width == other.n_components_
    expected = other.explained_variance_ * (shape[0] - 1) / shape[0]
    np.testing.assert_allclose(parts.variance, expected, rtol=1e-4)
    np.testing.assert_allclose(
        (parts.matrix().T @ other.components_.T.astype(np.float32)).abs().amax(1), 1.0, atol=1e-3
    )
    mine = parts.reconstruct(parts.project(calls))
    np.testing.assert_allclose(mine, other.inverse_transform(other.transform(calls)), atol=1e-4)


def test_blocks_give_what_one_piece_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    for calls in (cohort(30, 90), cohort(90, 30)):
        whole = PrincipalComponents([0] * calls.shape[1]).fit(calls, 0.8)
        monkeypatch.setattr(principal_components, "BLOCK", 7)
        parts = PrincipalComponents([0] * calls.shape[1]).fit(calls, 0.8)
        torch.testing.assert_close(parts.variance, whole.variance, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(
            parts.reconstruct(parts.project(calls)), whole.reconstruct(whole.project(calls)), rtol=1e-3, atol=1e-3
        )
        monkeypatch.undo()


def test_a_large_matrix_is_fitted_to_a_spread_of_individuals(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = cohort(200, 60)
    monkeypatch.setattr(principal_components, "MOST", 40)
    values, vectors = axes(calls, calls.float().mean(0))
    assert len(values) <= 40
    torch.testing.assert_close(vectors.T @ vectors, torch.eye(len(values)), atol=1e-4, rtol=0)


def test_contigs_have_axes_of_their_own_and_any_order() -> None:
    calls = cohort(60, 24)
    contig = [1, 0] * 12
    parts = PrincipalComponents(contig).fit(calls, 0.9)
    for place, code in enumerate((1, 0)):
        columns = torch.tensor([i for i, c in enumerate(contig) if c == code])
        alone = PrincipalComponents([0] * 12).fit(calls[:, columns], 0.9)
        assert int(parts.counts[place]) == alone.width
        torch.testing.assert_close(
            parts.reconstruct(parts.project(calls))[:, columns],
            alone.reconstruct(alone.project(calls[:, columns])),
            atol=1e-4,
            rtol=1e-4,
        )
    fewer = parts.cut(0.5)
    again = PrincipalComponents(contig).fit(calls, 0.5)
    assert fewer.counts.tolist() == again.counts.tolist()
    torch.testing.assert_close(fewer.variance, again.variance)


def test_variance_left_out_is_that_of_new_individuals() -> None:
    """Noise alone: in the fit the first axes have variances far above 1/4, in others none has."""
    rng = np.random.default_rng(3)
    noise = torch.from_numpy(rng.integers(0, 2, (40, 400)).astype(np.int8))
    fitted = PrincipalComponents([0] * 400).fit(noise, 0.5)
    assert float(fitted.variance.mean()) > 2.5
    out = held_out_variance(noise, fitted.width, seed=0)
    assert float(out.mean()) == pytest.approx(0.25, rel=0.1)
    # A difference of populations holds in those left out.
    both = cohort(400, 60, seed=4)
    assert float(held_out_variance(both, 1, 0)[0]) == pytest.approx(
        float(PrincipalComponents([0] * 60).fit(both, 0.1).variance[0]), rel=0.1
    )


def test_thresholds_give_exact_frequencies() -> None:
    calls = cohort(200, 30)
    dosage = torch.randn(200, 30)
    cut = quantile_thresholds(dosage, calls, 2)
    decoded = (dosage[None] > cut[:, None]).sum(0)
    for value in range(3):
        assert torch.equal((decoded == value).sum(0), (calls == value).sum(0))


def test_reconstruction_grows_with_the_variance_and_thresholds_keep_rare_alleles() -> None:
    calls, others = cohort(500, 60).split(250)
    rows = reconstruction(calls, others, [0] * 30 + [1] * 30, [0.5, 0.8, 0.9, 0.99])
    assert [r.variance for r in rows] == [0.5, 0.8, 0.9, 0.99]
    for a, b in itertools.pairwise(rows):
        assert a.components < b.components
        assert a.rounded < b.rounded and a.rmse > b.rmse
    assert rows[-1].rounded > 0.99
    # Everything is kept where nothing is dropped.
    (all_,) = reconstruction(calls, others, [0] * 60, [1.0])
    assert all_.rounded == 1.0 and all_.rmse < 1e-3
