"""The trivial generator of sequences: every position draws its letter by itself."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from core.models.gde.base import generators
from core.models.gde.letters import LetterConfig, LetterGenerator, Noise


@dataclass(frozen=True)
class PositionWeightsConfig(LetterConfig):
    """Settings of the position-weight model."""


@generators.register(
    "position_weights",
    title="Position weights",
    takes=("sequence",),
    config=PositionWeightsConfig,
    help="Letter frequencies at each position, moved by the latent; no letter knows of another: the baseline.",
    source="Stormo et al. 1982 (position-weight matrix), conditioned on the latent",
)
class PositionWeights(LetterGenerator):
    """p(x | z) = ∏ p_t(x_t | z)."""

    def logits(self, targets: Tensor, z: Tensor) -> Tensor:
        return self.positions(z)[:, None].expand(-1, targets.shape[1], -1, -1)

    def drawn(self, z: Tensor, n: int, noise: Noise) -> Tensor:
        logits = self._possible(self.positions(z)[:, None])[:, 0, :-1]
        flat = logits.repeat_interleave(n, dim=0).flatten(0, 1)
        letters = self.chosen(flat, noise(n, self.length).flatten()).reshape(len(z), n, -1)
        ended = (letters == self.end).cumsum(dim=-1) > 0
        return letters.masked_fill(ended, -1).to(torch.int8)
