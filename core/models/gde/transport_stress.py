"""The term that makes latent distances equal optimal-transport distances: what they should be, from samples."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from core.models.gde.divergences import random_projections
from core.models.gde.gaussian_moments import FULL_UP_TO, gaussian_transport, moments

PARTNERS = 4  # pairs per set and step: more say little that is new, and each costs a small singular value problem


def stress(z: Tensor, first: Tensor, second: Tensor, projections: int) -> Tensor:
    """E(‖z_i − z_j‖ − W2_ij)² / E W2² over pairs of the latents z (b, latent) of b sets, b ≥ 2.

    `first`, `second`: (b, k, d) each, independent observations of the same sets. Where the sets differ by less than
    finite samples of one set do, the error is a share of the latter: nothing can be said to be near zero.
    """
    one, other = _pairs(len(z), z.device)
    squared, noise = _estimated(first, second, one, other, projections)
    target = squared.sqrt()
    distance = ((z[one] - z[other]).square().sum(dim=1) + 1e-12).sqrt()
    return (distance - target).square().mean() / torch.maximum(squared.mean(), noise).clamp_min(1e-6)


@torch.no_grad()
def transport(first: Tensor, second: Tensor, one: Tensor, other: Tensor, projections: int) -> Tensor:
    """Estimated W2 of pairs of sets, (p,) and (p,) indices → (p,).

    On a line W2² = (m − m′)² + (s − s′)² + 2 s s′ (1 − ρ) with means m, deviations s, and ρ the correlation of the
    quantile functions. So in space: W2² of the Gaussians with the sets' moments, plus d E_θ 2 s s′ (1 − ρ) over random
    lines θ, the part that a Gaussian does not have. Exact for Gaussians and in one dimension. With many features the
    lines lie among the leading ones: a random line through hundreds of features meets no shape.

    Finite samples of one law lie apart: a quarter of the squared distance between the two halves of a set
    estimates by how much, and is taken off for each side.
    """
    return _estimated(first, second, one, other, projections)[0].sqrt()


@torch.no_grad()
def _estimated(first: Tensor, second: Tensor, one: Tensor, other: Tensor, projections: int) -> tuple[Tensor, Tensor]:
    """Squared distances (p,) as of `transport`, and what was taken off for the size of the samples, on average."""
    whole = torch.cat([first, second], dim=1)
    directions = random_projections(min(whole.shape[-1], FULL_UP_TO), projections, whole)
    squared = _squared(whole, one, other, directions)
    k = len(first)
    halves, mine = torch.cat([first, second]), torch.arange(k, device=first.device)
    noise = _squared(halves, mine, mine + k, directions) / 4
    taken = noise[one] + noise[other]
    return (squared - taken).clamp_min(0), taken.mean()


def _squared(x: Tensor, one: Tensor, other: Tensor, directions: Tensor) -> Tensor:
    gaussian, f = gaussian_transport(*moments(x), one, other), len(directions)
    ordered = _sorted((x[..., :f] @ directions).mT.contiguous())
    centred = ordered - ordered.mean(dim=-1, keepdim=True)
    deviation = centred.square().mean(dim=-1).sqrt()
    # All b² products of a line in one matrix product: cheaper than gathering both sides of a few pairs.
    lines = centred.transpose(0, 1)
    shared = (lines @ lines.mT)[:, one, other].mT / x.shape[1]
    shape = 2 * (deviation[one] * deviation[other] - shared).clamp_min(0).mean(dim=1)
    return gaussian + f * shape


def _sorted(x: Tensor) -> Tensor:
    if x.device.type == "cpu":
        # NumPy sorts with vector instructions: thirty times as fast as torch on a CPU, and no gradient is asked for.
        return torch.from_numpy(np.sort(x.numpy(), axis=-1))
    return x.sort(dim=-1).values


def _pairs(b: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Each set with `PARTNERS` others, found by turning the batch by distinct random numbers of places."""
    turns = 1 + torch.randperm(b - 1, device=device)[:PARTNERS]
    one = torch.arange(b, device=device).repeat(len(turns))
    return one, (one + turns.repeat_interleave(b)) % b
