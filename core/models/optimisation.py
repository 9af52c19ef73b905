"""What models that learn by steps have in common: the course of the learning rate, and averaged weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

WARMING = 1e-3  # share of training by which the rate is ahead in a warm-up, so that the first step counts too
FIRST = 9.0  # updates after which a new one moves the average by half


def cosine_rate(progress: Tensor, floor: float, warm_up: float = 0.0) -> Tensor:
    """The learning rate as a share of its largest: up to 1 in a line, then along a cosine down to `floor`.

    `progress` (0-d, 0 to 1) is how much of training is over, `warm_up` the share of it in which the rate rises. A
    tensor, which a CUDA graph reads anew at every replay.
    """
    phase = ((progress - warm_up) / (1 - warm_up)).clamp(min=0.0)
    rise = ((progress + WARMING) / (warm_up + WARMING)).clamp(max=1.0)
    return rise * (floor + 0.5 * (1 - floor) * (1 + torch.cos(torch.pi * phase)))


@torch.no_grad()
def average(averaged: nn.Module, present: nn.Module, updates: Tensor, decay: float) -> None:
    """w̄ ← w̄ + s (w − w̄) with s = max(1 − decay, 9 / (9 + updates)); buffers are those of `present`.

    `updates` (0-d) is counted up. The first weights, which are the untrained ones, are soon forgotten; with `decay` 0
    the average is the present.
    """
    updates += 1
    share = torch.clamp(FIRST / (FIRST + updates), min=1.0 - decay)
    for mean, weight in zip(averaged.parameters(), present.parameters(), strict=True):
        mean.lerp_(weight, share)
    for kept, buffer in zip(averaged.buffers(), present.buffers(), strict=True):
        kept.copy_(buffer)
