"""Where a generator may start: a factor model of calls with no more parameters than the individuals can support.

A call is a liability cut at thresholds (`core.models.ordered`). That of variant j in an individual of group a is

    s_j . h + e_j . c + d_aj + sum_k w_jk noise_k + what is left of a unit normal,   h ~ N(mean_a, root_a root_a'),

with few factors h (`core.models.spectrum`), the condition c, what is peculiar to a population, and noise that
neighbours share (`core.models.local_linkage`). Fitted in closed form or by convex steps; every estimate that could
remember single individuals is shrunk by what it owes to chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from core.models import local_linkage, ordered, spectrum
from core.models.ancestry import classes
from core.models.base import TrainData
from core.models.gumbel import one_hot
from core.models.principal_components import spread, standardised


@dataclass(frozen=True)
class FactorModel:
    """thresholds (categories - 1, m); slopes (m, rank) and effects (m, P) of factors and phenotypes.

    offsets (groups, m); mean (groups, rank) and root (groups, rank, rank) of the factors; kernels (m, 2 reach + 1).
    Group 0 is that of an individual of unknown group. Factors beyond those that the data show are zero.
    """

    thresholds: Tensor
    slopes: Tensor
    effects: Tensor
    offsets: Tensor
    mean: Tensor
    root: Tensor
    kernels: Tensor


def frequencies(calls: Tensor, categories: int) -> Tensor:
    """(categories, m) genotype frequencies of calls (n, m), never zero."""
    count = torch.zeros(categories, calls.shape[1], device=calls.device)
    for part in torch.split(calls, 1024):
        count += one_hot(part, categories).sum(0)
    return (count + 0.5) / (len(calls) + 0.5 * categories)


def fit(data: TrainData, labels: Tensor | None, groups: int, room: int, reach: int) -> tuple[FactorModel, Tensor]:
    """The model of complete calls, and how many individuals each group has (groups,).

    labels (n,) in 0..groups-1, 0 unknown, or None: groups 1 and more are then latent classes. room: the number of
    factors that there is place for; reach: neighbours on each side that share noise with a variant.
    """
    pick = spread(data.calls).to(data.condition.labels.device)
    some = data.index(pick)
    calls, traits = some.calls, some.condition.phenotypes.nan_to_num(0.0)
    n, m = calls.shape
    frequency = frequencies(calls, data.spec.categories)
    x = standardised(calls)
    found = spectrum.factors(x, room)
    rank = found.scores.shape[1]
    design = torch.cat([found.scores, traits], 1)
    shrinkage = torch.cat([found.shrinkage, _heritable(x, traits)]).clamp(0.02, 1.0)
    # A call tells of its liability as much as 0.6 exact observations of it would.
    thresholds, slopes = ordered.fit(calls, design, 0.6 * n * (1 - shrinkage) / shrinkage, frequency)
    liability = design @ slopes.T
    noise = ordered.expected_noise(calls, thresholds, liability)
    group = classes(calls, groups - 1) + 1 if labels is None else labels[pick]
    member = torch.bincount(group, minlength=groups)
    offsets = torch.zeros(groups, m, device=calls.device)
    if labels is not None:
        offsets = _offsets(noise, group, member, ordered.information(thresholds, liability))
        noise = noise - torch.zeros_like(offsets).index_add_(0, group, noise)[group] / member[group, None]
    mean, root = _mixture(found.scores, group, member)
    model = FactorModel(
        thresholds,
        _wide(slopes[:, :rank], 1, room),
        slopes[:, rank:],
        offsets,
        _wide(mean, 1, room),
        _wide(_wide(root, 1, room), 2, room),
        local_linkage.kernels(noise, torch.from_numpy(data.spec.contig).to(calls.device), reach),
    )
    return model, member


def _mixture(scores: Tensor, group: Tensor, member: Tensor) -> tuple[Tensor, Tensor]:
    """Means (groups, k) and triangular roots (groups, k, k) of normal scores; small groups borrow from all of them."""
    n, k = scores.shape
    size = member.clamp(min=1)[:, None]
    between = torch.zeros(len(member), k, device=scores.device).index_add_(0, group, scores) / size
    within = scores - between[group]
    pooled = within.T @ within / n
    signal = (between.square() * member[:, None]).sum(0) / n - pooled.diagonal() * (member > 0).sum() / n
    mean = between * signal.clamp(min=0) / (signal.clamp(min=0) + pooled.diagonal() / size).clamp(min=1e-9)
    roots = []
    for a in range(len(member)):
        own = within[group == a]
        spread = (own.T @ own + (k + 1) * pooled) / (len(own) + k + 1) if a else scores.T @ scores / n
        roots.append(torch.linalg.cholesky(spread + 1e-4 * torch.eye(k, device=scores.device)))
    return mean, torch.stack(roots)


def _heritable(x: Tensor, traits: Tensor) -> Tensor:
    """(P,) share of the squared correlations of phenotypes (n, P) with variants that is more than chance."""
    n = len(x)
    squared = (traits.T @ x / n).square().mean(1)
    return (1 - 1 / (n * squared).clamp(min=1.0)).sqrt()


def _offsets(noise: Tensor, group: Tensor, member: Tensor, information: Tensor) -> Tensor:
    """(groups, m) what is peculiar to each population, as random effects of a variance that the data give."""
    total = torch.zeros(len(member), noise.shape[1], device=noise.device).index_add_(0, group, noise)
    weight = member[:, None] * information
    known = (weight > 0) & (torch.arange(len(member), device=noise.device)[:, None] > 0)
    excess = torch.where(known, total.square() - weight, 0.0).sum(1)
    variance = (excess / torch.where(known, weight.square(), 0.0).sum(1).clamp(min=1e-9)).clamp(min=0)[:, None]
    return torch.where(known, total * variance / (1 + weight * variance), 0.0)


def _wide(x: Tensor, axis: int, size: int) -> Tensor:
    """`x` with zeros up to `size` along `axis`."""
    shape = list(x.shape)
    shape[axis] = size - x.shape[axis]
    return torch.cat([x, x.new_zeros(shape)], axis)
