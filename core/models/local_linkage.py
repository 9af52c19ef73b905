"""Noise that neighbouring variants share: what is left of linkage once the factors of individuals are known."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

CORE, HALO = 128, 96  # variants whose kernels are found together, and those looked at on each side
DOUBT = 4.0  # squared correlations below this many of their sampling variances are taken for chance
CAP = 0.97  # largest share of a call's noise that it may have in common with others
ROUNDS = 4  # of principal-axis factoring


def spread(kernels: Tensor, noise: Tensor) -> Tensor:
    """Sums of neighbouring noise: (b, m) from noise (b, m) and kernels (m, 2 reach + 1), the middle one its own."""
    reach = kernels.shape[1] // 2
    m = noise.shape[1]
    wide = pad(noise, (reach, reach))
    total = kernels[:, 0] * wide[:, :m]
    for offset in range(1, kernels.shape[1]):
        total = torch.addcmul(total, kernels[:, offset], wide[:, offset : offset + m])
    return total


def kernels(noise: Tensor, contig: Tensor, reach: int) -> Tensor:
    """(m, 2 reach + 1) kernels whose sums correlate like the noise (n, m) that the calls tell of.

    noise: the mean of each call's normal noise given the call; a call tells a share of it, so its correlations are too
    small by that share. contig (m,): no linkage is looked for across.
    """
    n, m = noise.shape
    share = noise.square().mean(0).clamp(min=1e-3)
    x = (noise - noise.mean(0)) / noise.std(0, correction=0).clamp(min=1e-3)
    found = noise.new_zeros(m, 2 * reach + 1)
    for first in range(0, m, CORE):
        low, high = max(0, first - HALO), min(m, first + CORE + HALO)
        r = x[:, low:high].T @ x[:, low:high] / n
        r = r * (1 - DOUBT / (n * r.square()).clamp(min=1e-9)).clamp(min=0)
        r = r / (share[low:high, None] * share[None, low:high]).sqrt()
        place = torch.arange(low, high, device=noise.device)
        apart = (place[:, None] - place[None]).abs()
        taper = 1 - (apart / (reach + 1)).clamp(max=1) ** 4
        r = r * taper * (contig[low:high, None] == contig[None, low:high])
        root = _root(r.clamp(-CAP, CAP))
        rows = torch.arange(first, min(first + CORE, m), device=noise.device)
        for offset in range(-reach, reach + 1):
            column = rows + offset
            inside = (column >= low) & (column < high)
            found[rows[inside], offset + reach] = root[rows[inside] - low, column[inside] - low]
    size = found.square().sum(1)
    return found * (CAP / size.clamp(min=CAP)).sqrt()[:, None]


def _root(r: Tensor) -> Tensor:
    """Symmetric root of the part of r that variants have in common (principal-axis factoring)."""
    own = r.abs().fill_diagonal_(0).amax(1)
    for _ in range(ROUNDS):
        values, vectors = torch.linalg.eigh(r.diagonal_scatter(own))
        common = (vectors * values.clamp(min=0)) @ vectors.T
        own = common.diagonal().clamp(max=CAP)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T
