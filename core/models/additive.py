"""Additive effects of genotypes on phenotypes, and how a wish for phenotypes changes the odds of calls."""

from __future__ import annotations

import torch
from torch import Tensor, nn

FOLDS = 5  # parts of the training individuals, each predicted from the others
RIDGES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)  # residual over genetic variance, of which prediction chooses
MOST = 4096  # individuals that effects are estimated from: their kinship matrix is then at most 64 MiB


class AdditiveEffects(nn.Module):
    r"""y = β'(g − ḡ) + e for each standardised phenotype, with β by ridge regression (GBLUP; Meuwissen et al. 2001).

    The ridge is the one that predicts best individuals that were left out; their error is the variance of e, so that
    the uncertainty of β is part of it. A phenotype that cannot be predicted has β = 0. By Bayes' rule

        p(g | y) ∝ p(g) N(y; β'(g − ḡ), σ²),

    which `tilt` applies to calls that are independent given what is known: with μ and V the mean and variance of
    β'(g − ḡ) under their probabilities, the logit of g_v = k rises by λ β_v k, λ = (y − μ) / (σ² + V). V counts each
    call by itself; where neighbours are linked it is too small by `inflation`, that of the training individuals.
    """

    mean: Tensor  # (m,) dosage
    effects: Tensor  # (m, P)
    noise: Tensor  # (P,) variance of e
    inflation: Tensor  # (P,)

    def __init__(self, variants: int, phenotypes: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(variants))
        self.register_buffer("effects", torch.zeros(variants, phenotypes))
        self.register_buffer("noise", torch.ones(phenotypes))
        self.register_buffer("inflation", torch.ones(phenotypes))

    def fit(self, calls: Tensor, phenotypes: Tensor) -> None:
        """Effects from calls (n, m) int8 without missing entries and standardised phenotypes (n, P), NaN unknown."""
        order = torch.randperm(len(calls), generator=torch.Generator().manual_seed(0))[:MOST].to(calls.device)
        x = calls[order].float()
        self.mean = x.mean(0)
        x = x - self.mean
        for p in range(phenotypes.shape[1]):
            known = ~phenotypes[order, p].isnan()
            if int(known.sum()) > 2 * FOLDS:
                self._fit_one(p, x[known], phenotypes[order, p][known])

    def _fit_one(self, p: int, x: Tensor, y: Tensor) -> None:
        kinship = x @ x.T / x.var(0, correction=0).sum().clamp(min=1e-6)
        fold = torch.arange(len(y), device=y.device) % FOLDS
        errors = []
        for ridge in RIDGES:
            miss = torch.zeros_like(y)
            for k in range(FOLDS):
                own, rest = fold == k, fold != k
                miss[own] = (
                    y[own] - y[rest].mean() - kinship[own][:, rest] @ _solved(kinship[rest][:, rest], ridge, y[rest])
                )
            errors.append(miss.square().mean())
        best = int(torch.stack(errors).argmin())
        self.noise[p] = errors[best].clamp(min=1e-3)
        if errors[best] >= y.var(correction=0):
            return
        self.effects[:, p] = x.T @ _solved(kinship, RIDGES[best], y) / x.var(0, correction=0).sum().clamp(min=1e-6)
        alone = (self.effects[:, p].square() * x.var(0, correction=0)).sum()
        self.inflation[p] = ((x @ self.effects[:, p]).var(correction=0) / alone.clamp(min=1e-12)).clamp(min=1.0)

    def forward(self, calls: Tensor) -> Tensor:
        """(n, P) standardised phenotypes that complete calls (n, m) predict."""
        predicted: Tensor = (calls.float() - self.mean) @ self.effects
        return predicted

    def tilt(self, probabilities: Tensor, phenotypes: Tensor) -> Tensor:
        """(b, categories, m) to add to the logits of calls, so that they agree with phenotypes (b, P), NaN: any.

        probabilities: (b, categories, m) of each call, one-hot where it is known.
        """
        dose = torch.arange(probabilities.shape[1], device=probabilities.device, dtype=probabilities.dtype)
        first = torch.einsum("bkm,k->bm", probabilities, dose)
        variance = torch.einsum("bkm,k->bm", probabilities, dose**2) - first**2
        spread = self.inflation * (variance @ self.effects.square())
        pull = (phenotypes - (first - self.mean) @ self.effects).nan_to_num(0.0) / (self.noise + spread)
        return dose[:, None] * ((pull * self.inflation) @ self.effects.T)[:, None]


def _solved(kinship: Tensor, ridge: float, y: Tensor) -> Tensor:
    """(K + ridge I)⁻¹ (y − ȳ)."""
    eye = torch.eye(len(y), device=y.device)
    return torch.linalg.solve(kinship + ridge * eye, y - y.mean())
