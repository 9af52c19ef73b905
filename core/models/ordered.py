r"""Calls as a normal liability cut at thresholds: ordered probit, its fit for all variants, and its probabilities.

With thresholds t and a liability of mean eta and unit variance,

    P(g <= k) = Phi(t_k - eta),

(McCullagh 1980). Unlike a softmax, noise that variants share may be taken out of the unit variance and put into eta
without changing the frequency of any genotype.
"""

from __future__ import annotations

import torch
from torch import Tensor

RENEWED = 4  # rounds after which the curvature is taken anew
ROUNDS = 16  # quasi-Newton rounds; slopes then differ from the optimum by less than 1 %
WIDTH = 1024  # variants fitted at a time
LARGEST = 0.5  # longest step of a slope or a threshold in one round
SMALLEST = 1e-6  # least probability of a genotype, which keeps its logarithm finite


def density(x: Tensor) -> Tensor:
    """Standard normal density."""
    return torch.exp(-0.5 * x.square()) * 0.3989422804


def cumulative(thresholds: Tensor, liability: Tensor, scale: Tensor | float = 1.0) -> Tensor:
    """P(g <= k), (b, categories - 1, m), of liabilities (b, m) cut at thresholds (categories - 1, m)."""
    below: Tensor = torch.special.ndtr((thresholds - liability[:, None]) / scale)
    return below


def probabilities(thresholds: Tensor, liability: Tensor, scale: Tensor | float = 1.0) -> Tensor:
    """(b, categories, m); `scale` (m,) is the standard deviation of what is left of the noise."""
    below = cumulative(thresholds, liability, scale)
    ends = below.new_zeros(len(below), 1, below.shape[2]), below.new_ones(len(below), 1, below.shape[2])
    return torch.cat([below, ends[1]], 1) - torch.cat([ends[0], below], 1)


def cuts(frequency: Tensor) -> Tensor:
    """Thresholds (categories - 1, m) at which a standard normal liability has genotype frequencies (categories, m)."""
    thresholds: Tensor = torch.special.ndtri(frequency.cumsum(0)[:-1].double().clamp(1e-7, 1 - 1e-7)).float()
    return thresholds


def recut(thresholds: Tensor, liability: Tensor, frequency: Tensor, scale: Tensor | float = 1.0) -> Tensor:
    """Thresholds moved by one Newton step towards mean P(g <= k) over liabilities (n, m) = that of `frequency`."""
    arguments = (thresholds - liability[:, None]) / scale
    miss = torch.special.ndtr(arguments).mean(0) - frequency.cumsum(0)[:-1]
    slope = (density(arguments) / scale).mean(0).clamp(min=1e-4)
    return thresholds - (miss / slope).clamp(-LARGEST, LARGEST)


def fit(calls: Tensor, design: Tensor, precision: Tensor, frequency: Tensor) -> tuple[Tensor, Tensor]:
    """Thresholds (categories - 1, m) and slopes (m, p) of calls (n, m) on design (n, p).

    Slopes: penalised maximum likelihood, with `precision` (p,) of a normal prior. Thresholds: the mean probabilities
    are `frequency` (categories, m) exactly.
    """
    parts = [
        _fit(calls[:, a : a + WIDTH], design, precision, frequency[:, a : a + WIDTH])
        for a in range(0, calls.shape[1], WIDTH)
    ]
    return torch.cat([t for t, _ in parts], 1), torch.cat([s for _, s in parts])


def _fit(calls: Tensor, design: Tensor, precision: Tensor, frequency: Tensor) -> tuple[Tensor, Tensor]:
    thresholds = cuts(frequency)
    slopes = design.new_zeros(calls.shape[1], design.shape[1])
    if design.shape[1] == 0:
        return thresholds, slopes
    gram = design.T @ design
    for step in range(ROUNDS):
        liability = design @ slopes.T
        if step % RENEWED == 0:
            weight = information(thresholds, liability).clamp(min=1e-3)
            inverse = torch.linalg.inv(weight[:, None, None] * gram + torch.diag(precision))
        gradient = expected_noise(calls, thresholds, liability).T @ design - precision * slopes
        slopes = slopes + torch.einsum("mpq,mq->mp", inverse, gradient).clamp(-LARGEST, LARGEST)
        thresholds = recut(thresholds, design @ slopes.T, frequency)
    for _ in range(3):
        thresholds = recut(thresholds, design @ slopes.T, frequency)
    return thresholds, slopes


def expected_noise(calls: Tensor, thresholds: Tensor, liability: Tensor) -> Tensor:
    """(n, m) mean of the standard normal noise given the call: the score of the likelihood in eta."""
    edges = thresholds - liability[:, None]
    slope = density(edges)
    below = torch.special.ndtr(edges)
    noise = torch.zeros_like(liability)
    for k in range(len(thresholds) + 1):
        low, high = (slope[:, k - 1] if k else 0.0), (slope[:, k] if k < len(thresholds) else 0.0)
        under, upto = (below[:, k - 1] if k else 0.0), (below[:, k] if k < len(thresholds) else 1.0)
        noise = torch.where(calls == k, (low - high) / torch.as_tensor(upto - under).clamp(min=SMALLEST), noise)
    return noise


def information(thresholds: Tensor, liability: Tensor) -> Tensor:
    """(m,) Fisher information of one call on its liability, the mean over liabilities (n, m)."""
    slope = density(thresholds - liability[:, None])
    zero = slope.new_zeros(len(slope), 1, slope.shape[2])
    rise = torch.cat([slope, zero], 1) - torch.cat([zero, slope], 1)
    return (rise.square() / probabilities(thresholds, liability).clamp(min=SMALLEST)).sum(1).mean(0)
