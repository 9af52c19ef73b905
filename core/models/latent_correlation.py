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
# Pairs of variants solved at a time: small enough that the processor's cache holds their sums.
PAIRS = 1 << 15
# Exponents below this add nothing to a float32 sum, and exp is several times slower where its result underflows.
NEGLIGIBLE = -80.0
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
    height = max(1, PAIRS // max(1, covariance.shape[1]))
    solved = [
        _solved(rows, cut, second, weight)
        for rows, cut in zip(torch.split(covariance, height), torch.split(first, height, dim=1), strict=True)
    ]
    return torch.cat(solved) if solved else covariance


def _solved(covariance: Tensor, first: Tensor, second: Tensor, weight: Tensor) -> Tensor:
    """`latent_correlation` of a few rows: integrate up to ±π/2, then look up where the target is reached."""
    sign = torch.where(covariance < 0, -1.0, 1.0)
    target = covariance.abs()
    gain = _gains(sign.float(), first.float(), second.float(), weight).double()
    reached = gain.cumsum(0)
    step = (reached <= target).sum(0)
    within = step.clamp(max=STEPS - 1)[None]
    missing = target - (reached - gain).gather(0, within)[0]
    part = missing / gain.gather(0, within)[0].clamp(min=1e-300)
    angle = torch.where(step < STEPS, step + part, float(STEPS)) * (math.pi / 2 / STEPS)
    # A variant without variation has no covariance at any angle: call it uncorrelated.
    return sign * torch.where(reached[-1] > 1e-12, angle, 0.0).sin()


def _gains(sign: Tensor, first: Tensor, second: Tensor, weight: Tensor) -> Tensor:
    """(STEPS, a, b) what each step of θ adds to the covariance, for latent correlations of the given sign.

    The exponent is written −(h − k)² / (2 cos² θ) − h k / (1 + sin θ), where nothing cancels as θ nears π/2.
    """
    width = math.pi / 2 / STEPS
    gain = torch.zeros(STEPS, *sign.shape, device=sign.device)
    for share, h, k in zip(weight.tolist(), first, second, strict=True):
        for u in h.unbind(-1) if share > 0 else ():
            for v in k.unbind(-1):
                other = sign * v[None, :]
                apart, product = (u[:, None] - other).square(), u[:, None] * other
                for step in range(STEPS):
                    angle = (step + 0.5) * width
                    exponent = apart * (-0.5 / math.cos(angle) ** 2) - product / (1 + math.sin(angle))
                    gain[step].add_(exponent.clamp_(min=NEGLIGIBLE).exp_(), alpha=share * width / (2 * math.pi))
    return gain


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
    return vector * value.clamp(min=0).sqrt()


def _clipped(matrix: Tensor, floor: float) -> Tensor:
    value, vector = torch.linalg.eigh(matrix)
    return (vector * value.clamp(min=floor)) @ vector.T
