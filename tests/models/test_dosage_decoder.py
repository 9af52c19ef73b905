"""Calls from expected dosages: exact frequencies, the variance put back, linkage between neighbours."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from core.models import dosage_decoder
from core.models.dosage_decoder import DosageDecoder, _correlation


def linked(n: int, m: int, seed: int = 0, ploidy: int = 2) -> torch.Tensor:
    """Cut autoregressive normal variables, rare and common."""
    rng = np.random.default_rng(seed)
    frequency = rng.uniform(0.02, 0.9, m)
    calls = np.zeros((n, m), int)
    for _ in range(ploidy):
        z = rng.standard_normal((n, m))
        for j in range(1, m):
            z[:, j] = 0.8 * z[:, j - 1] + 0.6 * z[:, j]
        calls += z < stats.norm.ppf(frequency)
    return torch.from_numpy(calls.astype(np.int8))


def decoder(calls: torch.Tensor, expected: torch.Tensor, ploidy: int = 2, local: bool = True) -> DosageDecoder:
    m = calls.shape[1]
    made = DosageDecoder([0] * m, ploidy)
    made.fit(calls, expected, torch.zeros(m, 1), local)
    return made


@pytest.mark.parametrize("ploidy", [1, 2])
def test_frequencies_hold_by_construction(ploidy: int) -> None:
    calls = linked(1000, 20, ploidy=ploidy)
    calls[:, 3], calls[:, 4] = 0, ploidy
    mean = calls.float().mean(0)
    # Expected dosages that are wrong in mean and spread: the thresholds make up for it.
    expected = (mean * 1.2 + 0.2 * torch.randn(20_000, 20)).clamp(-0.5, ploidy + 0.5)
    drawn = decoder(calls, expected, ploidy)(expected, torch.Generator().manual_seed(1))
    for value in range(ploidy + 1):
        wanted = (calls == value).float().mean(0)
        error = ((drawn == value).float().mean(0) - wanted) / (wanted * (1 - wanted) / 20_000).sqrt().clamp(min=1e-6)
        assert float(error.abs().max()) < 4.5
    assert drawn[:, 3].unique().tolist() == [0]
    assert drawn[:, 4].unique().tolist() == [ploidy]


def test_without_components_a_call_is_hardy_weinberg_of_its_expectation() -> None:
    p = 0.3
    calls = torch.from_numpy(np.random.default_rng(0).binomial(2, p, (50_000, 1)).astype(np.int8))
    made = decoder(calls, torch.full((400, 1), 2 * p))
    assert float(made.dispersion[0]) == pytest.approx(1.0, abs=0.03)


def test_the_variance_that_was_dropped_comes_back_and_rounding_adds_heterozygotes() -> None:
    """Reconstructions with nine tenths of the variance: rounded they have too many heterozygotes, cut they have not."""
    rng = np.random.default_rng(2)
    calls = torch.from_numpy(rng.binomial(2, 0.5, (20_000, 1)).astype(np.int8))
    value = (1 + np.sqrt(0.9 * 0.5) * torch.randn(20_000, 1)).float()
    rounded = value.round().clamp(0, 2)
    # 2 Φ(0.5 / √0.45) - 1 = 0.544: table of the dossier on what output heads do.
    assert float((rounded == 1).float().mean()) == pytest.approx(0.544, abs=0.01)
    drawn = decoder(calls, value)(value, torch.Generator().manual_seed(0)).float()
    assert float((drawn == 1).float().mean()) == pytest.approx(0.5, abs=0.015)
    assert float(np.corrcoef(drawn[:, 0], value[:, 0])[0, 1]) > 0.8


def test_linkage_between_neighbours_is_put_back() -> None:
    calls = linked(3000, 16, seed=5)
    expected = calls.float().mean(0).repeat(4000, 1)
    real = np.corrcoef(calls.T.numpy())
    whole = np.corrcoef(decoder(calls, expected)(expected, torch.Generator().manual_seed(3)).T.numpy())
    assert np.diag(real, 1).mean() > 0.4
    assert np.abs(np.diag(whole, 1) - np.diag(real, 1)).max() < 0.07
    assert np.sqrt(np.mean((whole - real) ** 2)) < 0.03
    apart = np.corrcoef(decoder(calls, expected, local=False)(expected, torch.Generator().manual_seed(3)).T.numpy())
    assert np.abs(np.diag(apart, 1)).max() < 0.1


def test_correlations_are_those_of_the_bivariate_normal() -> None:
    """Covariance of two cut normal variables of correlation ρ, integrated by scipy, gives ρ back."""
    cuts = torch.tensor([[-0.4, 0.9]])
    for rho in (-0.6, 0.3, 0.7):
        joint = stats.multivariate_normal(cov=[[1, rho], [rho, 1]])
        covariance = joint.cdf([-0.4, 0.9]) - stats.norm.cdf(-0.4) * stats.norm.cdf(0.9)
        variance = [stats.norm.cdf(t) * stats.norm.sf(t) for t in (-0.4, 0.9)]
        matrix = torch.tensor([[variance[0], covariance], [covariance, variance[1]]]).float()
        assert float(_correlation(matrix, [cuts], n=1_000_000)[0, 1]) == pytest.approx(rho, abs=0.02)


def test_long_contigs_are_cut_into_blocks_and_contigs_are_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dosage_decoder, "SIZE", 5)
    made = DosageDecoder([0] * 12 + [1] * 3, 2)
    assert [len(b) for b in made.blocks] == [4, 4, 4, 3]
    assert torch.equal(torch.cat(made.blocks), torch.arange(15))
