"""Mean and covariance of sets, in coordinates whose Euclidean distance is nearly that of optimal transport."""

from __future__ import annotations

import math

import torch
from torch import Tensor

FULL_UP_TO = 24  # covariances of these leading features are full; of the others only the variances are kept

# Added to a variance under a root: a set without spread must not turn rounding into a latent.
FLOOR = 1e-4

# Covariance, its root, or a triangle: (b, f, f) of the f leading features, FULL_UP_TO at most, and (b, d − f)
# variances (or their roots) of the rest. Wide observations come as principal components: the leading ones matter most.
Blocks = tuple[Tensor, Tensor]


def products(x: Tensor, leading: int = FULL_UP_TO) -> Tensor:
    """(b, k, d) → (b, k, p): x_i x_j for i ≤ j among the leading features, then the squares of the rest.

    Their mean over a set, with that of x, gives the covariance; both are functionals of the empirical distribution.
    """
    f = min(x.shape[-1], leading)
    first, second = torch.triu_indices(f, f, device=x.device)
    full = x.index_select(-1, first) * x.index_select(-1, second)
    return full if f == x.shape[-1] else torch.cat([full, x[..., f:].square()], dim=-1)


def covariances(mean: Tensor, product: Tensor, leading: int = FULL_UP_TO) -> Blocks:
    """(b, d) means and (b, p) means of `products` → covariances."""
    f = min(mean.shape[-1], leading)
    first, second = torch.triu_indices(f, f, device=mean.device)
    full = mean.new_zeros(len(mean), f, f)
    full[:, first, second] = product[:, : len(first)] - mean[:, first] * mean[:, second]
    return full + full.triu(1).mT, (product[:, len(first) :] - mean[:, f:].square()).clamp_min(0)


def moments(x: Tensor) -> tuple[Tensor, Blocks]:
    """(b, k, d) observations → means (b, d) and covariances."""
    mean = x.mean(dim=1)
    return mean, spread(x, mean)


def spread(x: Tensor, centre: Tensor, leading: int = FULL_UP_TO) -> Blocks:
    """Mean products of the deviations of observations (b, k, d) from (b, d): covariances, where those are the means."""
    centred = x - centre[:, None]
    full = centred[..., :leading]
    return full.mT @ full / x.shape[1], centred[..., leading:].square().mean(dim=1)


def roots(covariance: Blocks) -> Blocks:
    """Symmetric square roots of covariances; without gradient."""
    leading, rest = (block.detach() for block in covariance)
    # With the floor already on the diagonal: of a matrix that is zero but for rounding, eigh returns NaN.
    values, vectors = torch.linalg.eigh(leading + FLOOR * torch.eye(leading.shape[-1]).to(leading))
    root: Tensor = (vectors * values.clamp_min(FLOOR).sqrt()[:, None]) @ vectors.mT
    return root, (rest + FLOOR).sqrt()


def coordinates(mean: Tensor, product: Tensor, leading: int = FULL_UP_TO) -> Tensor:
    """(b, d) means and (b, p) means of `products` → (b, d + p): μ and Σ^½, off-diagonals times √2.

    ‖c − c′‖² = ‖μ − μ′‖² + ‖Σ^½ − Σ′^½‖²: the squared W2 of Gaussians whose covariances commute, at most twice it
    otherwise; a straight line between two such points is the W2 geodesic where they commute.
    """
    return torch.cat([mean, packed(roots(covariances(mean, product, leading)))], dim=-1)


def packed(matrix: Blocks) -> Tensor:
    """Symmetric matrices as coordinates (b, entries) of the same norm: off-diagonals times √2, then the rest."""
    leading, rest = matrix
    first, second = torch.triu_indices(*leading.shape[1:], device=leading.device)
    weight = torch.where(first == second, 1.0, math.sqrt(2.0)).to(leading)
    return torch.cat([leading[:, first, second] * weight, rest], dim=-1)


def unpacked(entries: Tensor, f: int) -> Blocks:
    """The inverse of `packed` for f leading features."""
    first, second = torch.triu_indices(f, f, device=entries.device)
    weight = torch.where(first == second, 1.0, math.sqrt(0.5)).to(entries)
    full = entries.new_zeros(len(entries), f, f)
    full[:, first, second] = full[:, second, first] = entries[:, : len(first)] * weight
    return full, entries[:, len(first) :]


def count(d: int, leading: int = FULL_UP_TO) -> int:
    """How many coordinates d features have."""
    f = min(d, leading)
    return d + f * (f + 1) // 2 + d - f


def gaussian_transport(mean: Tensor, covariance: Blocks, one: Tensor, other: Tensor) -> Tensor:
    """Squared W2 of the Gaussians with these moments, for pairs of sets (p,), (p,) → (p,).

    ‖μ − μ′‖² + tr(Σ + Σ′ − 2 (Σ^½ Σ′ Σ^½)^½): a lower bound of the squared W2 of any two laws with these
    moments (Gelbrich 1990).
    """
    root, rest = roots(covariance)
    trace = root.square().sum(dim=(1, 2))
    # The singular values of Σ^½ Σ′^½ are the roots of the eigenvalues of Σ^½ Σ′ Σ^½.
    cross = torch.linalg.svdvals(root[one] @ root[other]).sum(dim=1)
    shift = (mean[one] - mean[other]).square().sum(dim=-1) + (rest[one] - rest[other]).square().sum(dim=-1)
    return shift + (trace[one] + trace[other] - 2 * cross).clamp_min(0)
