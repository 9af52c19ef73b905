"""Genomic prediction in dual form (GBLUP, ridge regression on all variants): as many equations as individuals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Calls

Floats = npt.NDArray[np.float64]

SHARES = (0.01, 0.1, 0.25, 0.5, 0.75, 0.95)  # of the variance that variants may explain; the likeliest is taken
VARIANTS = 10_000  # evenly spaced ones that relationships are taken from: more hardly move them


def relationships(train: Calls, others: Calls) -> tuple[Floats, Floats]:
    """(n, n) among the training individuals, and (k, n) of others with them, from complete calls.

    K = ZZᵀ / c with Z standardised as the training individuals are, and c such that the mean of the diagonal is 1
    (VanRaden 2008, method 2). Variants that do not vary among them drop out; of many, every VARIANTS-th part is taken.
    """
    columns = np.linspace(0, train.shape[1] - 1, min(train.shape[1], VARIANTS)).round().astype(np.int64)
    own = train[:, columns].astype(np.float32)
    mean, deviation = own.mean(axis=0), own.std(axis=0)
    scale = np.where(deviation > 1e-6, 1 / np.maximum(deviation, 1e-6), 0.0).astype(np.float32)
    own = (own - mean) * scale
    among = (own @ own.T).astype(np.float64)
    unit = float(np.trace(among)) / len(among) or 1.0
    with_others = ((others[:, columns].astype(np.float32) - mean) * scale) @ own.T
    return among / unit, with_others.astype(np.float64) / unit


@dataclass(frozen=True)
class Blup:
    """Predictions μ + K* w of q targets.

    Attributes:
        mean: (q,). weights: (n, q), 0 for individuals without a value. share: (q,) of the variance that is genetic.
    """

    mean: Floats
    weights: Floats
    share: Floats

    def predict(self, with_training: Floats) -> Floats:
        """(k, q) for individuals whose relationships with the training individuals are (k, n)."""
        return np.asarray(self.mean + with_training @ self.weights)


def fit(among: Floats, targets: Floats, shares: Sequence[float] = SHARES) -> Blup:
    """y = μ + u + e with u ~ N(0, σ² h K), e ~ N(0, σ² (1 − h) I), h of `shares` by maximum likelihood for each target.

    With V = hK + (1 − h)I: μ = 1ᵀV⁻¹y / 1ᵀV⁻¹1 and E[u* | y] = h K* V⁻¹(y − μ) (Henderson 1975); the same as ridge
    regression on Z with the penalty c (1 − h) / h and an intercept that is not penalised.

    Args:
        among: (n, n) relationships. targets: (n, q); a row with NaN is left out for all targets.
    """
    from scipy.linalg import cho_factor, cho_solve

    known = np.isfinite(targets).all(axis=1)
    n, q = int(known.sum()), targets.shape[1]
    kernel, y = among[np.ix_(known, known)], targets[known]
    best = np.full(q, -np.inf)
    mean, share, weights = y.mean(axis=0), np.zeros(q), np.zeros((len(targets), q))
    for h in shares:
        factor = cho_factor(h * kernel + (1 - h) * np.eye(n), lower=True, overwrite_a=True, check_finite=False)
        solved = cho_solve(factor, np.column_stack([np.ones(n), y]), check_finite=False)
        centre = solved[:, 1:].sum(axis=0) / solved[:, 0].sum()
        residual = solved[:, 1:] - centre * solved[:, :1]
        variance = np.maximum(((y - centre) * residual).sum(axis=0) / n, 1e-300)
        likelihood = -0.5 * n * np.log(variance) - np.log(np.diag(factor[0])).sum()
        better = likelihood > best
        best, mean, share = (
            np.where(better, new, old) for new, old in ((likelihood, best), (centre, mean), (h, share))
        )
        weights[np.ix_(known, better)] = h * residual[:, better]
    return Blup(mean, weights, share)
