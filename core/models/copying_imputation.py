r"""Imputation by the copying process of Li & Stephens 2003: missing calls from those of donors.

Both haplotypes of an individual copy haplotypes of a panel (`core.models.copying`), so that its hidden state at a
variant is a pair of donors. Given the known calls, the forward–backward algorithm over all pairs is exact. With K
donors a switch goes to any of them alike, which makes a step from one variant to the next cost K² and not K⁴:

    (1 − r)² x + (1 − r) r / K (row sums + column sums) + r² / K² (sum).

Each individual copies the donors that contradict it least often where its calls are known (Howie et al. 2009, PLoS
Genetics 5:e1000529). Memory is bounded: the forward pass keeps one of √m variants, and what lies between is made again.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

ENTRIES = 1 << 23  # largest tensor, in float32 numbers: 32 MiB


def copied_probabilities(
    calls: Tensor, panel: Tensor, switch: Tensor, miscopy: float, *, ploidy: int, donors: int
) -> Tensor:
    """(n, m, ploidy + 1) float32 probability of each genotype given the known calls; a known call has probability 1.

    calls: (n, m) int8, -1 missing; panel: (h, m) int8 haplotypes; switch: (m,) probability of a switch before each
    variant; donors: how many haplotypes of the panel each individual copies.
    """
    n, m = calls.shape
    k = min(donors, len(panel))
    result = torch.empty(n, m, ploidy + 1, device=panel.device)
    height = max(1, ENTRIES // max(k * m, k**ploidy * (2 * math.isqrt(m) + 4)))
    for start in range(0, n, height):
        some = calls[start : start + height].to(panel.device)
        alleles = panel[nearest(some, panel, ploidy, k)].permute(2, 0, 1)
        result[start : start + height] = _posterior(some, alleles, switch.float().to(panel.device), miscopy, ploidy)
    known = torch.nn.functional.one_hot(calls.long().clamp(min=0), ploidy + 1).float().to(panel.device)
    return torch.where((calls >= 0).to(panel.device)[..., None], known, result)


def nearest(calls: Tensor, panel: Tensor, ploidy: int, count: int) -> Tensor:
    """(n, count) haplotypes of the panel with the fewest alleles that a homozygous call (n, m) rules out."""
    alternate, reference = (calls == ploidy).float(), (calls == 0).float()
    wrong = alternate @ (1 - panel.float()).T + reference @ panel.float().T
    return wrong.topk(count, largest=False).indices


def _posterior(calls: Tensor, alleles: Tensor, switch: Tensor, miscopy: float, ploidy: int) -> Tensor:
    """(b, m, ploidy + 1) probabilities; alleles (m, b, k) of the donors of each individual."""
    m, b, k = alleles.shape
    chance = torch.where(alleles == 1, 1 - miscopy, miscopy)
    block = max(1, math.isqrt(m))
    starts = range(0, m, block)
    state = torch.full((b, *(k,) * ploidy), float(k) ** -ploidy, device=alleles.device)
    before = []  # the state before the first variant of each block
    for start in starts:
        before.append(state)
        for j in range(start, min(m, start + block)):
            state = _scaled(_step(state, switch[j]) * _emitted(calls[:, j], chance[j], ploidy))
    result = alleles.new_empty(b, m, ploidy + 1, dtype=torch.float32)
    after = torch.ones_like(state)
    for start, begun in zip(reversed(starts), reversed(before), strict=True):
        state, priors = begun, []
        for j in range(start, min(m, start + block)):
            priors.append(_step(state, switch[j]))
            state = _scaled(priors[-1] * _emitted(calls[:, j], chance[j], ploidy))
        for j in reversed(range(start, min(m, start + block))):
            # Without the call at j itself: where it is missing, this is the posterior of the pair.
            result[:, j] = _genotypes(priors[j - start] * after, chance[j], ploidy)
            after = _scaled(_step(after * _emitted(calls[:, j], chance[j], ploidy), switch[j]))
    return result


def _step(x: Tensor, switch: Tensor) -> Tensor:
    """x (b, k) or (b, k, k) carried past a place where each strand may switch; the same in both directions."""
    for axis in range(1, x.dim()):
        x = (1 - switch) * x + switch * x.mean(axis, keepdim=True)
    return x


def _emitted(calls: Tensor, chance: Tensor, ploidy: int) -> Tensor:
    """Probability of calls (b,) for donors whose copies carry the alternate allele with chance (b, k)."""
    g = calls.reshape(-1, *(1,) * ploidy)
    if ploidy == 1:
        return torch.where(g < 0, 1.0, torch.where(g == 1, chance, 1 - chance))
    a, b = chance[:, :, None], chance[:, None, :]
    both = a * b
    one = a + b - 2 * both
    return torch.where(g < 0, 1.0, torch.where(g == 0, 1 - one - both, torch.where(g == 1, one, both)))


def _genotypes(weight: Tensor, chance: Tensor, ploidy: int) -> Tensor:
    """(b, ploidy + 1) probabilities of the genotypes for weights of the (pairs of) donors."""
    total = weight.flatten(1).sum(1)
    if ploidy == 1:
        alternate = (weight * chance).sum(1) / total
        return torch.stack([1 - alternate, alternate], 1)
    first = torch.einsum("bkl,bk->bl", weight, chance)
    both = (first * chance).sum(1) / total
    dosage = (first.sum(1) + torch.einsum("bkl,bl->b", weight, chance)) / total
    return torch.stack([1 - dosage + both, dosage - 2 * both, both], 1).clamp(0, 1)


def _scaled(x: Tensor) -> Tensor:
    return x / x.flatten(1).sum(1).reshape(-1, *(1,) * (x.dim() - 1))
