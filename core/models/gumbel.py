"""Discrete calls with gradients: one-hot coding and the Gumbel-Softmax, in planes of one category each."""

from __future__ import annotations

import torch
from torch import Tensor


def one_hot(calls: Tensor, categories: int) -> Tensor:
    """int8 (b, m) to float32 (b, categories, m)."""
    return torch.stack([(calls == k).float() for k in range(categories)], dim=1)


def gumbel_softmax(logits: Tensor, uniform: Tensor, temperature: Tensor | float, hard: bool) -> Tensor:
    """y = softmax((logits + g) / temperature) over dim 1, g = -log(-log u) (Jang et al. 2017, eq. 1).

    logits and u (b, categories, m), u uniform in [0, 1). As the temperature falls y tends to a draw from
    softmax(logits). With `hard` the value is that draw, one-hot, and the gradient is that of y (straight-through).
    """
    y = planes_softmax((logits - (-uniform.log()).log()) / temperature)
    if not hard:
        return y
    fixed = y.detach()
    return (fixed == fixed.amax(dim=1, keepdim=True)).to(y.dtype) - fixed + y


def draw(logits: Tensor, uniform: Tensor) -> Tensor:
    """int8 (b, m): calls drawn from softmax(logits) over dim 1; the argmax does not depend on any temperature."""
    best, *others = (logits - (-uniform.log()).log()).unbind(1)
    call = torch.zeros(best.shape, dtype=torch.int8, device=best.device)
    for k, plane in enumerate(others, start=1):  # plane by plane, six times as fast as argmax over dim 1
        call = call.masked_fill(plane > best, k)
        best = torch.maximum(best, plane)
    return call


def planes_softmax(x: Tensor) -> Tensor:
    """Softmax over dim 1 of (b, categories, m), written out: three planes are too few for the general kernel."""
    planes = x.unbind(1)
    top = planes[0].detach()
    for plane in planes[1:]:
        top = torch.maximum(top, plane.detach())
    powers = [(plane - top).exp() for plane in planes]
    share = 1 / sum(powers[1:], powers[0])
    return torch.stack([power * share for power in powers], dim=1)
