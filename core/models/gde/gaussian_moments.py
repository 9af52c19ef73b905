"""Mean and covariance of sets, in coordinates whose Euclidean distance is nearly that of optimal transport."""

from __future__ import annotations

import math

import torch
from torch import Tensor

FULL_UP_TO = 24  # beyond this many features the d(d+1)/2 covariances give way to the d variances

# Added to a variance under a root: a set without spread must not turn rounding into a latent.
FLOOR = 1e-4


def products(x: Tensor) -> Tensor:
    """(b, k, d) → (b, k, p): x_i x_j for i ≤ j, or the squares alone beyond FULL_UP_TO features.

    Their mean over a set, with that of x, gives the covariance; both are functionals of the empirical distribution.
    """
    d = x.shape[-1]
    if d > FULL_UP_TO:
        return x.square()
    first, second = torch.triu_indices(d, d, device=x.device)
    return x[..., first] * x[..., second]


def covariances(mean: Tensor, product: Tensor) -> Tensor:
    """(b, d) means and (b, p) means of `products` → (b, d, d) covariances, or (b, d) variances beyond FULL_UP_TO."""
    d = mean.shape[-1]
    if d > FULL_UP_TO:
        return (product - mean.square()).clamp_min(0)
    first, second = torch.triu_indices(d, d, device=mean.device)
    full = mean.new_zeros(len(mean), d, d)
    full[:, first, second] = product - mean[:, first] * mean[:, second]
    return full + full.triu(1).mT


def roots(covariance: Tensor) -> Tensor:
    """Symmetric square roots of (b, d, d) covariances, or of (b, d) variances; without gradient."""
    if covariance.ndim == 2:
        return (covariance.detach() + FLOOR).sqrt()
    with torch.no_grad():
        # With the floor already on the diagonal: of a matrix that is zero but for rounding, eigh returns NaN.
        values, vectors = torch.linalg.eigh(covariance + FLOOR * torch.eye(covariance.shape[-1]).to(covariance))
        root: Tensor = (vectors * values.clamp_min(FLOOR).sqrt()[:, None]) @ vectors.mT
    return root


def coordinates(mean: Tensor, product: Tensor) -> Tensor:
    """(b, d) means and (b, p) means of `products` → (b, d + p): μ and Σ^½, off-diagonals times √2.

    ‖c − c′‖² = ‖μ − μ′‖² + ‖Σ^½ − Σ′^½‖²: the squared W2 of Gaussians whose covariances commute, at most twice it
    otherwise; a straight line between two such points is the W2 geodesic where they commute.
    """
    root = roots(covariances(mean, product))
    if root.ndim == 3:
        first, second = torch.triu_indices(*root.shape[1:], device=root.device)
        weight = torch.where(first == second, 1.0, math.sqrt(2.0)).to(root)
        root = root[:, first, second] * weight
    return torch.cat([mean, root], dim=-1)


def count(d: int) -> int:
    """How many coordinates d features have."""
    return d + (d * (d + 1) // 2 if d <= FULL_UP_TO else d)


def gaussian_transport(mean: Tensor, covariance: Tensor, one: Tensor, other: Tensor) -> Tensor:
    """Squared W2 of the Gaussians with these moments, (b, d) and (b, d, d), for pairs of sets (p,), (p,) → (p,).

    ‖μ − μ′‖² + tr(Σ + Σ′ − 2 (Σ^½ Σ′ Σ^½)^½): a lower bound of the squared W2 of any two laws with these
    moments (Gelbrich 1990).
    """
    root = roots(covariance)
    trace = root.square().sum(dim=(1, 2))
    # The singular values of Σ^½ Σ′^½ are the roots of the eigenvalues of Σ^½ Σ′ Σ^½.
    cross = torch.linalg.svdvals(root[one] @ root[other]).sum(dim=1)
    shift = (mean[one] - mean[other]).square().sum(dim=-1)
    squared: Tensor = shift + (trace[one] + trace[other] - 2 * cross).clamp_min(0)
    return squared
