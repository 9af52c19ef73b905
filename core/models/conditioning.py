"""What individuals are asked to be, as a vector that a network can read."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from core.models.base import UNKNOWN, Condition, DataSpec


class Conditioning(nn.Module):
    """Labels as learned vectors (one more for "unknown"), phenotypes as standardised values (unknown: the mean, 0)."""

    def __init__(self, spec: DataSpec, embedding: int) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(len(v) + 1, embedding) for v in spec.label_columns.values())
        self.width = embedding * len(self.tables) + len(spec.phenotypes)

    def forward(self, condition: Condition) -> Tensor:
        """(b, width) float32."""
        parts = [table(condition.labels[:, i] - UNKNOWN) for i, table in enumerate(self.tables)]
        return torch.cat([*parts, condition.phenotypes.nan_to_num(0.0)], dim=1)
