"""Divergences between two samples that a direct generator minimises; all batched over sets, all differentiable.

Scales: the sliced and the Sinkhorn divergence estimate W2² (not W2, not W2²/2 as some libraries do).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def sliced_wasserstein(x: Tensor, y: Tensor, projections: Tensor) -> Tensor:
    """d · E_θ mean_i |sort(θ·x)_i − sort(θ·y)_i|²: (b, k, d), (b, l, d), unit projections (d, p) → (b,).

    The factor d makes it W2² for point masses (Bonneel et al. 2015). Unequal sizes: both quantile functions
    are read at the midpoints of the finer grid.
    """
    a, b = (x @ projections).sort(dim=1).values, (y @ projections).sort(dim=1).values
    n = max(a.shape[1], b.shape[1])
    gap = (_quantiles(a, n) - _quantiles(b, n)).square().mean(dim=(1, 2))
    return gap * x.shape[-1]


def random_projections(d: int, count: int, like: Tensor) -> Tensor:
    """(d, count) directions uniform on the sphere, on the device of `like`."""
    directions = torch.randn(d, count, device=like.device, dtype=like.dtype)
    return directions / directions.norm(dim=0, keepdim=True)


def energy_distance(x: Tensor, y: Tensor) -> Tensor:
    """2 E‖x−y‖ − E‖x−x′‖ − E‖y−y′‖ with unbiased self terms: (b, k, d), (b, l, d) → (b,) (Székely & Rizzo 2013)."""
    return 2 * _distance(x, y).mean(dim=(1, 2)) - _off_diagonal(_distance(x, x)) - _off_diagonal(_distance(y, y))


def mmd(x: Tensor, y: Tensor, scales: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0, 4.0)) -> Tensor:
    """Unbiased MMD² with a sum of Gaussian kernels: (b, k, d), (b, l, d) → (b,) (Gretton et al. 2012, eq. 3).

    Bandwidths are multiples of the median distance of the pooled sample; the median is a constant of the
    step, not differentiated through.
    """
    xx, yy, xy = _distance(x, x).square(), _distance(y, y).square(), _distance(x, y).square()
    median = xy.detach().flatten(1).median(dim=1).values.clamp_min(1e-8)[:, None, None]
    total = torch.zeros(len(x), device=x.device, dtype=x.dtype)
    for scale in scales:
        k_xx, k_yy, k_xy = (torch.exp(-d / (2 * scale**2 * median)) for d in (xx, yy, xy))
        total = total + _off_diagonal(k_xx) + _off_diagonal(k_yy) - 2 * k_xy.mean(dim=(1, 2))
    return total


def sinkhorn_divergence(x: Tensor, y: Tensor, blur: float = 0.05, steps_per_scale: int = 2) -> Tensor:
    """Debiased entropic OT, S = OT(x,y) − ½ OT(x,x) − ½ OT(y,y), cost ‖·‖², ε = 2 blur²: → (b,) (Feydy et al. 2019).

    ε is annealed from the squared diameter by halves of the blur; the potentials are found without gradient,
    and the gradient is that of the dual at the optimum (envelope theorem).
    """
    return _entropic(x, y, blur, steps_per_scale) - 0.5 * (
        _entropic(x, x, blur, steps_per_scale) + _entropic(y, y, blur, steps_per_scale)
    )


def _entropic(x: Tensor, y: Tensor, blur: float, steps: int) -> Tensor:
    with torch.no_grad():
        cost = torch.cdist(x, y).square()
        f, g = torch.zeros_like(cost[:, :, 0]), torch.zeros_like(cost[:, 0, :])
        epsilon, last = max(float(cost.max()), 1e-12), 2 * blur**2
        while True:
            for _ in range(steps):
                # Averaged (symmetric) updates: Feydy 2020, algorithm 3.3; they converge for x = y too.
                f_new, g_new = _soft_min(cost, g, epsilon), _soft_min(cost.mT, f, epsilon)
                f, g = 0.5 * (f + f_new), 0.5 * (g + g_new)
            if epsilon <= last:
                break
            epsilon = max(epsilon / 4, last)
        f = _soft_min(cost, g, last)
        g = _soft_min(cost.mT, f, last)
    return _dual((x[:, :, None] - y[:, None, :]).square().sum(dim=-1), f, g, last)


def _dual(cost: Tensor, f: Tensor, g: Tensor, epsilon: float) -> Tensor:
    """The dual value at fixed potentials, differentiable in the cost."""
    n, m = cost.shape[1:]
    plan = torch.exp((f[:, :, None] + g[:, None, :] - cost) / epsilon) / (n * m)
    return f.mean(dim=1) + g.mean(dim=1) - epsilon * (plan.sum(dim=(1, 2)) - 1)


def _soft_min(cost: Tensor, g: Tensor, epsilon: float) -> Tensor:
    """−ε log mean_j exp((g_j − c_ij)/ε)."""
    return -epsilon * (torch.logsumexp((g[:, None, :] - cost) / epsilon, dim=2) - math.log(cost.shape[2]))


def _distance(x: Tensor, y: Tensor) -> Tensor:
    # The floor keeps the gradient of the square root finite where two observations coincide.
    return (torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist").square() + 1e-12).sqrt()


def _off_diagonal(k: Tensor) -> Tensor:
    n = k.shape[1]
    if n < 2:
        return k.sum(dim=(1, 2)) * 0
    return (k.sum(dim=(1, 2)) - k.diagonal(dim1=1, dim2=2).sum(dim=1)) / (n * (n - 1))


def _quantiles(ordered: Tensor, n: int) -> Tensor:
    """The quantile function of (b, k, p) order statistics at n midpoints, linearly interpolated."""
    k = ordered.shape[1]
    if k == n:
        return ordered
    at = ((torch.arange(n, device=ordered.device) + 0.5) / n * k - 0.5).clamp(0, k - 1)
    low = at.floor().long().clamp_max(k - 2) if k > 1 else torch.zeros_like(at).long()
    part = (at - low)[None, :, None].to(ordered.dtype)
    return ordered[:, low] * (1 - part) + ordered[:, (low + 1).clamp_max(k - 1)] * part
