r"""The copying process of Li & Stephens 2003 (Genetics 165:2213): its likelihood, and its rates from data.

A haplotype is an imperfect mosaic of K others. Along the genome it copies one of them; over d base pairs it switches,
to any of the K with equal chance, with probability 1 − exp(−ρ d / K) (their eq. A2), and an allele is copied wrongly
with probability θ / (2 (K + θ)) (their eq. A3; they set θ = 1 / Σ_{i<K} 1/i). ρ and θ belong to the population, so
that rates found with a small panel serve a large one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

# What the rates are estimated from: enough for a standard error of a few percent, little enough for seconds.
TARGETS, PANEL, VARIANTS, GROUPS = 24, 200, 1500, 5
GRID = 24


@dataclass(frozen=True)
class CopyingRates:
    """ρ, switches per unit of distance times the size of the panel, and θ, the mutation parameter."""

    rho: float
    theta: float


def miscopy_probability(theta: float, panel: Tensor) -> Tensor:
    """θ / (2 (K + θ)) for panels of K haplotypes."""
    return 0.5 * theta / (panel + theta)


def watterson_theta(panel: int) -> float:
    """Li and Stephens' choice of θ for a panel of K haplotypes, 1 / Σ_{i<K} 1/i."""
    return 1.0 / max(1.0, sum(1.0 / i for i in range(1, panel)))


def log_likelihood(targets: Tensor, panel: Tensor, switch: Tensor, miscopy: Tensor) -> Tensor:
    """(R,) log probability of the targets for each of R settings, summed over targets; the forward algorithm.

    targets: (T, m) and panel: (K, m) int8 alleles; switch: (R, m) probability of a switch before each variant (the
    first column is not used); miscopy: (R,).
    """
    size = len(panel)
    wrong = miscopy.double()[:, None, None]
    weight = torch.full((len(miscopy), len(targets), size), 1.0 / size, dtype=torch.float64, device=panel.device)
    total = torch.zeros(len(miscopy), dtype=torch.float64, device=panel.device)
    for j in range(panel.shape[1]):
        if j:
            jump = switch[:, j, None, None].double()
            weight = (1 - jump) * weight + jump / size
        same = targets[:, j, None] == panel[None, :, j]
        weight = weight * torch.where(same, 1 - wrong, wrong)
        norm = weight.sum(-1, keepdim=True)
        weight = weight / norm
        total += norm.log().sum((1, 2))
    return total


def estimate(haplotypes: Tensor, group: Tensor, individual: Tensor, gap: Tensor) -> CopyingRates:
    """ρ and θ of greatest likelihood on a grid, from a few held-out haplotypes of the largest groups.

    haplotypes: (h, m) int8; group: (h,) code of the population that each copies from, -1 to leave out; individual:
    (h,) code of its owner; gap: (m,) distance from the variant before, infinite at the start of a contig. Panels are
    drawn with torch's global generator. Without a group of eight haplotypes ρ is 0: whole haplotypes are copied.
    """
    samples = [_held_out(haplotypes, group, individual, code) for code in _largest(group)]
    if not samples:
        return CopyingRates(0.0, watterson_theta(len(haplotypes)))
    gap = gap[:VARIANTS].double()
    typical = gap[torch.isfinite(gap) & (gap > 0)]
    unit = float(typical.mean()) if len(typical) else 1.0
    rho_grid = torch.logspace(-5, 1, GRID, dtype=torch.float64) * len(samples[0][1]) / unit
    theta_grid = torch.logspace(-3, 2, GRID, dtype=torch.float64)
    rho, theta = 0.0, watterson_theta(len(samples[0][1]))
    for _ in range(2):
        rho = _best(samples, gap, rho_grid, torch.full_like(rho_grid, theta), rho_grid)
        theta = _best(samples, gap, torch.full_like(theta_grid, rho), theta_grid, theta_grid)
    return CopyingRates(rho, theta)


def gaps(position: npt.NDArray[np.int64], contig: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """(m,) base pairs from the variant before, infinite at the start of a contig; 1 throughout without positions."""
    gap = np.full(len(position), np.inf)
    same = contig[1:] == contig[:-1]
    known = bool((position > 0).all())
    distance = np.abs(np.diff(position)).astype(np.float64) if known else np.ones(max(0, len(position) - 1))
    gap[1:][same] = distance[same]
    return gap


def switch_probability(rho: Tensor, gap: Tensor) -> Tensor:
    """1 − exp(−ρ d / K) for rates (R, 1) that are already divided by K; certain at the start of a contig."""
    return torch.where(torch.isfinite(gap), -torch.expm1(-rho * gap.nan_to_num(posinf=0.0)), 1.0)


def _best(samples: list[tuple[Tensor, Tensor]], gap: Tensor, rho: Tensor, theta: Tensor, grid: Tensor) -> float:
    total = torch.zeros(len(grid), dtype=torch.float64, device=gap.device)
    for targets, panel in samples:
        size = len(panel)
        switch = switch_probability(rho.to(gap.device)[:, None] / size, gap[None, :])
        wrong = 0.5 * theta / (size + theta)
        total += log_likelihood(targets, panel, switch, wrong.to(gap.device))
    return float(grid[int(total.argmax())])


def _largest(group: Tensor) -> list[int]:
    codes, counts = torch.unique(group[group >= 0], return_counts=True)
    order = counts.argsort(descending=True, stable=True)[:GROUPS]
    return [int(codes[k]) for k in order if int(counts[k]) >= 8]


def _held_out(haplotypes: Tensor, group: Tensor, individual: Tensor, code: int) -> tuple[Tensor, Tensor]:
    """Targets and a panel of one group that share no individual."""
    member = torch.nonzero(group == code)[:, 0]
    member = member[torch.randperm(len(member)).to(member.device)]
    few = max(1, min(TARGETS // 2, len(member) // 4))
    apart = torch.isin(individual[member], individual[member[:few]])
    return haplotypes[member[apart], :VARIANTS], haplotypes[member[~apart][:PANEL], :VARIANTS]
