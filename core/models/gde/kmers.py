"""The shares of k-mers on a device, for parts of a model that take numbers and not letters."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from core.modalities.kmers import orders


class Kmers(nn.Module):
    """Letters (…, l), −1 behind the end → (…, 1, words): the numbers of `core.modalities.kmers.shares`."""

    def __init__(self, letters: int) -> None:
        super().__init__()
        self.letters, self.top = letters, orders(letters)

    def forward(self, x: Tensor) -> Tensor:
        flat = x.long().reshape(-1, x.shape[-1])
        word, whole = torch.zeros_like(flat), torch.ones_like(flat, dtype=torch.bool)
        blocks = []
        for k in range(1, self.top + 1):
            counts = torch.zeros(len(flat), self.letters**k, device=x.device)
            if k <= flat.shape[1]:
                last = flat[:, k - 1 :]
                word = word[:, : last.shape[1]] * self.letters + last.clamp_min(0)
                whole = whole[:, : last.shape[1]] & (last >= 0)
                counts.scatter_add_(1, word, whole.float())
            blocks.append((counts / counts.sum(dim=1, keepdim=True).clamp_min(1)).sqrt())
        shares = torch.cat(blocks, dim=1) / math.sqrt(self.top)
        return shares.reshape(*x.shape[:-1], 1, -1)
