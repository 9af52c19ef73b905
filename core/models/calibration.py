"""Exact genotype frequencies from a generator that has them nearly right."""

from __future__ import annotations

import torch
from torch import Tensor

from core.models.gumbel import planes_softmax

SAMPLES = 2048  # individuals whose mean frequencies are corrected; their own sampling error stays, about 1 %
ROUNDS = 20


def bias_correction(logits: Tensor, frequency: Tensor) -> Tensor:
    """(categories, m) to add to logits (n, categories, m) so that their mean softmax is `frequency` (categories, m)."""
    correction = torch.zeros_like(frequency)
    for _ in range(ROUNDS):
        mean = planes_softmax(logits + correction).mean(0)
        correction += frequency.log() - mean.clamp(min=1e-6).log()
    return correction
