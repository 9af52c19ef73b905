"""A logistic factor model of calls, fitted without iterating over individuals: where a generator may start.

Given factors z ~ N(0, I) and the group a of an individual, its calls are independent with

    log P(g_j = k) = c_ajk + k s_j <l_j, z> + constant,

which for free c is a binomial whose logit is linear in z (Hardy–Weinberg is not imposed). The loadings l are those of
probabilistic PCA within groups (Tipping & Bishop 1999, eq. 7) with the spiked-model shrinkage of Baik & Silverstein
(2006); s_j makes the share of variance that z explains what PCA found; c makes each group's genotype frequencies exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from core.models.gumbel import one_hot

MOST = 4096  # individuals used for the loadings: their Gram matrix is then at most 64 MiB
SHRINK = 1.5  # weight, in individuals, of the overall frequencies in those of a group
CAP = 0.97  # largest share of a variant's variance that the factors may explain; the rest keeps slopes finite
NODES = 32  # points of the mid-quantile rule by which expectations over a normal factor are taken
AXES = 20  # principal components on which latent classes are found
ROUNDS = 60  # fixed-point rounds for slopes and intercepts; errors are then below 1e-3


@dataclass(frozen=True)
class Factors:
    """intercepts (groups, categories, m), row 0 for an unknown group; slopes (m, rank), the unit of k."""

    intercepts: Tensor
    slopes: Tensor


def fit(calls: Tensor, group: Tensor, groups: int, categories: int, rank: int) -> Factors:
    """The factor model of calls (n, m) int8 without missing entries.

    group (n,) int64 in 0..groups-1, where 0 means unknown; `rank` is the largest number of factors, fewer where the
    data shows fewer above its noise (their slopes are zero).
    """
    frequencies = group_frequencies(calls, group, groups, categories)
    loadings = _loadings(calls, group, frequencies, rank)
    share = loadings.square().sum(1)
    capped = share.clamp(max=CAP)
    loadings = loadings * (capped / share.clamp(min=1e-12)).sqrt()[:, None]
    scale = _scales(frequencies[0], capped)
    slopes = loadings / capped.clamp(min=1e-12).sqrt()[:, None] * scale[:, None]
    return Factors(_intercepts(frequencies, scale), slopes)


def group_frequencies(calls: Tensor, group: Tensor, groups: int, categories: int) -> Tensor:
    """(groups, categories, m) genotype frequencies, never zero; row 0 is that of all individuals."""
    n, m = calls.shape
    counts = torch.zeros(groups, categories, m, device=calls.device)
    for first in range(0, n, 1024):
        rows = torch.arange(first, min(first + 1024, n), device=calls.device)
        counts.index_add_(0, group[rows], one_hot(calls[rows], categories))
    overall = (counts.sum(0) + 0.5) / (n + 0.5 * categories)
    members = torch.bincount(group, minlength=groups).to(counts.dtype)[:, None, None]
    frequencies = (counts + SHRINK * overall) / (members + SHRINK)
    frequencies[0] = overall
    return frequencies


def classes(calls: Tensor, number: int) -> Tensor:
    """(n,) int64 in 0..number-1: individuals grouped by k-means on their first principal components.

    A start for data without labels: populations and families show on these axes. Seeded by itself.
    """
    x = _standardised(calls.float())
    pick = _spread(calls)
    scores = x @ _components(x[pick], AXES)[1]
    noise = torch.Generator().manual_seed(0)
    centres = scores[torch.randint(len(scores), (1,), generator=noise).to(scores.device)]
    for _ in range(number - 1):  # k-means++: far individuals are likelier seeds
        nearest = torch.cdist(scores, centres).amin(1).square().cpu().double()
        centres = torch.cat([centres, scores[torch.multinomial(nearest + 1e-12, 1, generator=noise).to(scores.device)]])
    for _ in range(ROUNDS):
        member = torch.cdist(scores, centres).argmin(1)
        sums = torch.zeros_like(centres).index_add_(0, member, scores)
        counts = torch.bincount(member, minlength=number)[:, None]
        centres = torch.where(counts > 0, sums / counts.clamp(min=1), centres)
    return torch.cdist(scores, centres).argmin(1)


def _loadings(calls: Tensor, group: Tensor, frequencies: Tensor, rank: int) -> Tensor:
    """(m, rank) loadings of standardised dosages within groups, eigenvalues freed of what noise adds to them."""
    pick = _spread(calls)
    dose = torch.arange(frequencies.shape[1], device=calls.device, dtype=torch.float32)
    x = _standardised(calls[pick].float() - torch.einsum("akm,k->am", frequencies, dose)[group[pick]])
    n, m = x.shape
    kept = min(rank, n // 2, m)
    values, directions = _components(x, kept)
    noise = _noise(values, x.square().sum() / n, n, m)
    spikes = _unbiased_spikes(values / noise, m / n)
    loadings = x.new_zeros(m, rank)
    loadings[:, :kept] = directions * ((spikes - 1).clamp(min=0) * noise).sqrt()
    return loadings


def _components(x: Tensor, kept: int) -> tuple[Tensor, Tensor]:
    """The largest eigenvalues (kept,) of x'x / n, descending, and unit vectors (m, kept), from the smaller Gram."""
    n, m = x.shape
    values, vectors = torch.linalg.eigh(x.T @ x / n if m <= n else x @ x.T / n)
    values, vectors = values.flip(0)[:kept].clamp(min=1e-9), vectors.flip(1)[:, :kept]
    return values, vectors if m <= n else x.T @ vectors / (n * values).sqrt()


def _noise(values: Tensor, total: Tensor, n: int, m: int) -> Tensor:
    """The eigenvalue of pure noise: the mean of all that lie below its own upper edge, found by iteration.

    values: the largest eigenvalues, descending; total: the sum of all of them. The mean of those left out alone would
    be too small, because noise has its large eigenvalues too.
    """
    left = (total - values.sum()).clamp(min=0)
    noise = left / max(min(n, m) - len(values), 1)
    for _ in range(ROUNDS):
        below = values < noise * (1 + (m / n) ** 0.5) ** 2
        noise = (left + (values * below).sum()) / (m - len(values) + below.sum()).clamp(min=1)
    return noise.clamp(min=1e-6)


def _spread(calls: Tensor) -> Tensor:
    """Up to MOST individuals, evenly spread over the file."""
    return torch.linspace(0, len(calls) - 1, min(MOST, len(calls)), device=calls.device).long()


def _standardised(x: Tensor) -> Tensor:
    """Columns with mean 0 and variance 1; a column that hardly varies becomes 0."""
    deviation = x.std(0, correction=0)
    return (x - x.mean(0)) / torch.where(deviation > 1e-2, deviation, torch.inf)


def _unbiased_spikes(values: Tensor, ratio: float) -> Tensor:
    """The eigenvalue l behind a sample eigenvalue v = l + ratio l / (l - 1), in units of noise; 1 below its edge."""
    half = (values + 1 - ratio) / 2
    spikes = half + (half.square() - values).clamp(min=0).sqrt()
    return torch.where(values > (1 + ratio**0.5) ** 2, spikes, torch.ones_like(values))


def _normal_nodes(like: Tensor) -> Tensor:
    """Equally likely values of a standard normal, scaled to unit variance."""
    quantiles = (torch.arange(NODES, device=like.device, dtype=like.dtype) + 0.5) / NODES
    nodes = torch.special.ndtri(quantiles)
    return nodes / nodes.square().mean().sqrt()


def _expected(intercepts: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """Frequencies (…, categories, m) averaged over the factor, and the variance (…, m) of the expected dosage."""
    dose = torch.arange(intercepts.shape[-2], device=scale.device, dtype=scale.dtype)[:, None]
    mean, first, second = torch.zeros_like(intercepts), 0.0, 0.0
    for node in _normal_nodes(scale):
        p = (intercepts + dose * scale * node).softmax(-2)
        dosage = (dose * p).sum(-2)
        mean += p / NODES
        first, second = first + dosage / NODES, second + dosage.square() / NODES
    return mean, torch.as_tensor(second - torch.as_tensor(first) ** 2)


def _scales(frequency: Tensor, share: Tensor) -> Tensor:
    """(m,) slopes on a unit factor at which it explains `share` of the variance of the dosage."""
    dose = torch.arange(len(frequency), device=share.device, dtype=share.dtype)[:, None]
    variance = (dose**2 * frequency).sum(0) - (dose * frequency).sum(0) ** 2
    scale = (2 * share / (1 - share)).sqrt()
    intercepts = frequency.log()
    for _ in range(ROUNDS):
        mean, explained = _expected(intercepts, scale)
        intercepts = intercepts + frequency.log() - mean.log()
        scale = (scale * (share * variance / explained.clamp(min=1e-9)).clamp(0.25, 4).sqrt()).clamp(max=30.0)
    return torch.where(share > 1e-6, scale, torch.zeros_like(scale))


def _intercepts(frequencies: Tensor, scale: Tensor) -> Tensor:
    """(groups, categories, m) intercepts at which every group has its genotype frequencies, first category 0."""
    intercepts = frequencies.log()
    for _ in range(ROUNDS):
        intercepts = intercepts + frequencies.log() - _expected(intercepts, scale)[0].log()
    return intercepts - intercepts[:, :1]
