r"""From the correlation of genotypes to that of the normal variables beneath them, and to the nearest valid matrix.

A call is a normal variable cut at thresholds, g = Σ_a 1[z > t_a]. For two variants whose latent correlation is ρ,

    cov(g_i, g_j) = Σ_ab [Φ₂(t_ia, t_jb; ρ) − Φ(t_ia) Φ(t_jb)] = Σ_ab ∫_0^ρ φ₂(t_ia, t_jb; r) dr

(Plackett 1954, Biometrika 41:351), and with r = sin θ the integrand is smooth up to ρ = ±1 (Drezner & Wesolowsky 1990):

    φ₂(h, k; sin θ) cos θ = exp(−(h² + k² − 2hk sin θ) / (2 cos² θ)) / 2π

The covariance grows with ρ, so that each pair has one solution: the polychoric correlation by the method of moments.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

# Steps of the midpoint rule over θ in [0, π/2]; 32 keep the error of a solved correlation below 2e-3.
STEPS = 32
# Thresholds of genotypes that never occur: beyond eight standard deviations the tail is below 1e-15.
FARTHEST = 8.0


def thresholds(frequency: Tensor) -> Tensor:
    """(G, m, categories) genotype frequencies to (G, m, categories - 1) cuts of a standard normal variable."""
    below = frequency.cumsum(-1)[..., :-1].clamp(0.0, 1.0)
    cut: Tensor = torch.special.ndtri(below)
    return cut.clamp(-FARTHEST, FARTHEST)


def latent_correlation(covariance: Tensor, first: Tensor, second: Tensor, weight: Tensor) -> Tensor:
    """(a, b) latent correlation that gives the mean within-group covariance of the calls.

    covariance: (a, b), Σ_g weight_g cov_g(g_i, g_j). first: (G, a, c), second: (G, b, c) thresholds in each group;
    weight: (G,) shares that sum to one. Pairs beyond what the thresholds allow get ±1; float64 in, float64 out.
    """
    sign = torch.where(covariance < 0, -1.0, 1.0).to(covariance)
    target = covariance.abs()
    reached = torch.zeros_like(target)
    angle = torch.full_like(target, math.pi / 2)
    width = math.pi / 2 / STEPS
    for step in range(STEPS):
        gain = width * _density((step + 0.5) * width, sign, first, second, weight)
        here = (reached <= target) & (target < reached + gain)
        angle = torch.where(here, (step + (target - reached) / gain.clamp(min=1e-300)) * width, angle)
        reached += gain
    # A variant without variation has no covariance at any angle: call it uncorrelated.
    return sign * torch.where(reached > 1e-12, angle, 0.0).sin()


def _density(angle: float, sign: Tensor, first: Tensor, second: Tensor, weight: Tensor) -> Tensor:
    """The weighted sum over groups and thresholds of φ₂(h, k; ±sin θ) cos θ, (a, b)."""
    half = 0.5 / math.cos(angle) ** 2
    total = torch.zeros_like(sign)
    for share, h, k in zip(weight.tolist(), first, second, strict=True):
        if share == 0:
            continue
        for u in h.unbind(-1):
            for v in k.unbind(-1):
                cross = sign * (2 * math.sin(angle) * half) * torch.outer(u, v)
                total += share * torch.exp(cross - half * u.square()[:, None] - half * v.square()[None, :])
    return total / (2 * math.pi)


def nearest_correlation(matrix: Tensor, rounds: int, floor: float = 1e-6) -> Tensor:
    """The valid correlation matrix near a symmetric `matrix` of unit diagonal; eigenvalues of `floor` or more.

    Higham 2002 (IMA J. Numer. Anal. 22:329), alternating projections with Dykstra's correction, stopped after
    `rounds` and closed by one clip and rescale, which makes the result valid whatever the number of rounds.
    """
    current, correction = matrix, torch.zeros_like(matrix)
    for _ in range(rounds):
        projected = _clipped(current - correction, floor)
        correction = projected - (current - correction)
        current = projected.clone()
        current.fill_diagonal_(1.0)
        if (projected.diagonal() - 1).abs().max() < 1e-4:
            break
    valid = _clipped(current, floor)
    scale = valid.diagonal().rsqrt()
    return valid * scale[:, None] * scale[None, :]


def square_root(covariance: Tensor) -> Tensor:
    """(a, a) factor F with F Fᵀ = covariance, for a positive semi-definite matrix that may be singular."""
    value, vector = torch.linalg.eigh(covariance)
    factor: Tensor = vector * value.clamp(min=0).sqrt()
    return factor


def _clipped(matrix: Tensor, floor: float) -> Tensor:
    value, vector = torch.linalg.eigh(matrix)
    clipped: Tensor = (vector * value.clamp(min=floor)) @ vector.T
    return clipped
