"""The body that generator and critic share: a condition, and residual blocks of dense layers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

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


class Leaky(nn.Module):
    """LeakyReLU with the published slope 0.05, as a product with a constant mask.

    Autograd then knows that the slope does not depend on x, and the gradient penalty's second backward pass skips the
    whole forward path, which it would otherwise fill with zeros.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Any shape."""
        return x * torch.where(x.detach() > 0, 1.0, 0.05).to(x.dtype)


def block(width: int, norm: type[nn.Module] | None) -> nn.Sequential:
    """What a residual block adds to its input: Linear, norm, LeakyReLU, Linear, norm."""
    norms = [[norm(width)] if norm else [] for _ in range(2)]
    return nn.Sequential(nn.Linear(width, width), *norms[0], Leaky(), nn.Linear(width, width), *norms[1])


class Trunk(nn.Module):
    """Linear, norm, LeakyReLU; then a residual block and a resizing layer for each further width.

    The condition is concatenated to the input and again before every block, as published.
    """

    def __init__(self, inputs: int, widths: Sequence[int], condition: int, norm: type[nn.Module] | None = None) -> None:
        super().__init__()
        self.first = nn.Linear(inputs + condition, widths[0])
        self.norm = norm(widths[0]) if norm else nn.Identity()
        self.blocks = nn.ModuleList(block(width + condition, norm) for width in widths[:-1])
        self.resize = nn.ModuleList(nn.Linear(a + condition, b) for a, b in pairwise(widths))
        self.leaky = Leaky()

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """(b, inputs) and (b, condition) to (b, last width)."""
        x = self.leaky(self.norm(self.first(torch.cat([x, condition], dim=1))))
        for residual, resize in zip(self.blocks, self.resize, strict=True):
            x = torch.cat([x, condition], dim=1)
            x = self.leaky(resize(self.leaky(x + residual(x))))
        return x
