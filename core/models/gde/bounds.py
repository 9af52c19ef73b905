"""Pixels have bounds: cutting off what lies beyond them must not cost a set its variance."""

from __future__ import annotations

import torch
from torch import Tensor

from core.models.gde.components import PrincipalComponents

ENOUGH = 128  # observations that tell mean and deviation of every component
ROUNDS = 10  # of a fixed-point iteration; more change nothing that can be seen
STRETCH = 3.0  # most by which a component is stretched


def bounded(x: Tensor, reference: Tensor, low: Tensor, high: Tensor, components: PrincipalComponents) -> Tensor:
    """(b, n, *shape) within [low, high], with the mean and variance of every component over a set as before.

    `reference` (b, m, *shape), m large, are observations of the same sets before they are cut, and tell these moments.
    A generated background lies as often below black as above it where every real pixel is just black; cutting it off
    there takes variance and adds to the mean. So x goes through u ↦ cut(c + g (u − μ)) in components, with c and g
    such that mean and deviation come out as μ and σ. Along components, because that keeps strokes what they are;
    pixel by pixel it would make up for them with noise.
    """
    if not bool(((reference < low) | (reference > high)).any()):
        return x
    u, target = components(reference), components(x)
    mean, deviation = _moments(u)
    centred, gain, shift = u - mean, torch.ones_like(mean), mean.clone()
    for _ in range(ROUNDS):
        cut = components.inverse(gain * centred + shift).reshape(reference.shape).clamp(low, high)
        found, spread = _moments(components(cut))
        gain = (gain * (deviation / spread).clamp(0.5, 2.0)).clamp_max(STRETCH)
        shift = shift + mean - found
    # What the kept components do not hold stays as it is.
    moved = components.inverse(gain * (target - mean) + shift) - components.inverse(target)
    return (x + moved.reshape(x.shape)).clamp(low, high)


def _moments(u: Tensor) -> tuple[Tensor, Tensor]:
    mean = u.mean(dim=1, keepdim=True)
    return mean, (u - mean).square().mean(dim=1, keepdim=True).sqrt().clamp_min(1e-6)
