r"""Latent classes of individuals, and frequencies of classes that drifted apart from one another.

Drift gives the frequencies f of an allele in C classes the covariance p (1 − p) S around the overall frequency p, the
same C × C matrix S for every variant (Nicholson et al. 2002, J. R. Stat. Soc. B 64:695; Coop et al. 2010, Genetics
185:1411). S is what the variants have in common, estimated by moments; given S, the observed share x_c of n_c alleles
has the posterior mean (best linear predictor)

    f = p + S (S + diag(1/n))⁻¹ (x − p),

so that a small class leans on those that it is related to and not only on everybody.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from core.models.principal_components import components, spread, standardised

AXES = 20  # principal components on which k-means finds classes
MEANS_ROUNDS = 60  # of k-means
ROUNDS = 50  # of EM
MEMBERS = 40  # individuals that a latent class should have on average
TAGS = 20  # nearly unlinked variants that a latent class should have: fewer tell individuals apart, not ancestries
LINKED = 0.1  # r² from which a variant repeats one of its neighbours
LEAST = 2e-3  # frequencies are kept off 0 and 1, where one call would be certain evidence


@dataclass(frozen=True)
class Ancestry:
    """member: (n,) int64 class of each individual; frequency: (C, m) of the alternate allele; drift: (C, C), S."""

    member: Tensor
    frequency: Tensor
    drift: Tensor


def known(calls: Tensor, ploidy: int, member: Tensor, number: int) -> Ancestry:
    """Ancestry of individuals (n, m) whose classes are known; those without one (-1) join the likeliest."""
    labelled = member >= 0
    frequency, drift = _fit(_of(calls[labelled], ploidy), _indicator(member[labelled], number), ploidy)
    likeliest = _log_likelihood(_of(calls, ploidy), frequency).argmax(1)
    return Ancestry(torch.where(labelled, member, likeliest), frequency, drift)


def latent(calls: Tensor, ploidy: int, most: int) -> Ancestry:
    """Up to `most` classes: k-means on principal components, then EM of a mixture of unlinked variants.

    Linked variants repeat each other and would make every pair of haplotypes a class: only tags are looked at.
    """
    n = len(calls)
    pick = tags(calls)
    number = max(1, min(most, n // MEMBERS, len(pick) // TAGS))
    share = _of(calls[:, pick], ploidy)
    weight = _indicator(classes(calls[:, pick], number) if number > 1 else torch.zeros_like(calls[:, 0]).long(), number)
    for _ in range(ROUNDS if number > 1 else 0):
        prior = (weight.sum(0) + 0.5) / (n + 0.5 * number)
        logits = ploidy * _log_likelihood(share, _fit(share, weight, ploidy)[0]) + prior.log()
        weight, before = logits.softmax(1), weight
        if float((weight - before).abs().max()) < 1e-3:
            break
    frequency, drift = _fit(_of(calls, ploidy), weight, ploidy)
    return Ancestry(weight.argmax(1), frequency, drift)


def classes(calls: Tensor, number: int) -> Tensor:
    """(n,) int64 in 0..number-1: individuals grouped by k-means on their first principal components.

    A start for data without labels: populations and families show on these axes. Seeded by itself.
    """
    x = standardised(calls)
    some = x[spread(calls)]
    directions = some.T @ components(some)[1][:, :AXES]
    scores = x @ (directions / directions.norm(dim=0).clamp(min=1e-9))
    noise = torch.Generator().manual_seed(0)
    centres = scores[torch.randint(len(scores), (1,), generator=noise).to(scores.device)]
    for _ in range(number - 1):  # k-means++: far individuals are likelier seeds
        nearest = torch.cdist(scores, centres).amin(1).square().cpu().double()
        centres = torch.cat([centres, scores[torch.multinomial(nearest + 1e-12, 1, generator=noise).to(scores.device)]])
    for _ in range(MEANS_ROUNDS):
        member = torch.cdist(scores, centres).argmin(1)
        sums = torch.zeros_like(centres).index_add_(0, member, scores)
        counts = torch.bincount(member, minlength=number)[:, None]
        centres = torch.where(counts > 0, sums / counts.clamp(min=1), centres)
    return torch.cdist(scores, centres).argmin(1)


def tags(calls: Tensor) -> Tensor:
    """(t,) variants none of which has r² above `LINKED` with one of the 64 tags before it."""
    x = calls.float() - calls.float().mean(0)
    x = x / x.norm(dim=0).clamp(min=1e-6)
    kept: list[int] = []
    for j in range(calls.shape[1]):
        before = kept[-64:]
        if not before or float((x[:, before].T @ x[:, j]).square().max()) < LINKED:
            kept.append(j)
    return torch.tensor(kept, dtype=torch.int64, device=calls.device)


def posterior_mean(share: Tensor, size: Tensor, mean: Tensor, drift: Tensor) -> Tensor:
    """(C, m, k) expected frequencies of k states: share (C, m, k) of `size` (C, m) draws, mean (m, k) of all."""
    scale = (mean * (1 - mean)).clamp(min=1e-4).sqrt()
    deviation = ((share - mean) / scale).transpose(0, 1)
    noise = torch.diag_embed((1 / size.clamp(min=1e-2)).T)
    return mean + (drift @ torch.linalg.solve(drift + noise, deviation)).transpose(0, 1) * scale


def _fit(share: Tensor, weight: Tensor, ploidy: int) -> tuple[Tensor, Tensor]:
    """Frequencies (C, m) and S, from shares of alternate alleles (n, m) and weights (n, C)."""
    mean = share.mean(0)
    size = (ploidy * weight.sum(0)).clamp(min=1e-2)
    found = weight.T @ share / weight.sum(0).clamp(min=1e-2)[:, None]
    variance = mean * (1 - mean)
    varies = variance > 0.01
    if not bool(varies.any()):
        return mean.clamp(LEAST, 1 - LEAST).expand(len(size), -1), torch.zeros_like(weight.T @ weight)
    deviation = ((found - mean) / variance.clamp(min=1e-4).sqrt())[:, varies]
    moment = deviation @ deviation.T / deviation.shape[1] - torch.diag(1 / size)
    values, vectors = torch.linalg.eigh(moment)
    drift = (vectors * values.clamp(min=1e-4)) @ vectors.T
    expected = posterior_mean(found[..., None], size[:, None].expand_as(found), mean[:, None], drift)[..., 0]
    return expected.clamp(LEAST, 1 - LEAST), drift


def _log_likelihood(share: Tensor, frequency: Tensor) -> Tensor:
    """(n, C) log probability of an individual's alleles, per allele copy, in each class."""
    return share @ frequency.log().T + (1 - share) @ (1 - frequency).log().T


def _of(calls: Tensor, ploidy: int) -> Tensor:
    return calls.float() / ploidy


def _indicator(member: Tensor, number: int) -> Tensor:
    return torch.nn.functional.one_hot(member, number).float()
