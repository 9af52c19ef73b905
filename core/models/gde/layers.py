"""Small networks that encoders and generators share."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


def mlp(widths: list[int], lipschitz: bool = False) -> nn.Sequential:
    """Linear layers of the given widths with SiLU between them; the last layer is linear.

    `lipschitz` divides each weight by its largest singular value (Miyato et al. 2018), so that the
    network's Lipschitz constant is at most 1.1 per hidden layer (SiLU's own).
    """
    layers: list[nn.Module] = []
    for i, (a, b) in enumerate(pairwise(widths)):
        layers.append(linear(a, b, lipschitz))
        if i < len(widths) - 2:
            layers.append(nn.SiLU())
    return nn.Sequential(*layers)


def linear(a: int, b: int, lipschitz: bool = False) -> nn.Module:
    """A linear layer that keeps the scale of its input, with its largest singular value at 1 if `lipschitz`."""
    layer = nn.Linear(a, b)
    # PyTorch's default shrinks the signal by about three a layer; nine of them would leave a latent of noise.
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)
    return spectral_norm(layer) if lipschitz else layer


def full_precision(like: Tensor) -> AbstractContextManager[None]:
    """A stretch of fp32 within mixed precision: means, covariances and likelihoods need more than eight bits."""
    return torch.autocast(like.device.type, enabled=False)


def weighted_mean(h: Tensor, weights: Tensor | None) -> Tensor:
    """Mean over the observations of each set: (b, k, f) and optional (b, k) weights → (b, f), fp32.

    Weights are normalised within the set, so that duplicating every observation changes nothing.
    """
    if weights is None:
        return h.float().mean(dim=1) if h.dtype == torch.bfloat16 else h.mean(dim=1)
    w = weights / weights.sum(dim=1, keepdim=True)
    with full_precision(h):
        return torch.einsum("bkf,bk->bf", h.to(w.dtype), w)


class FourierTime(nn.Module):
    """Time in [0, 1] as sines and cosines of geometric frequencies: (…,) → (…, width)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("frequency", 2 * math.pi * torch.logspace(-1, 2, width // 2, base=4.0))

    def forward(self, t: Tensor) -> Tensor:
        angle = t[..., None] * self.frequency  # type: ignore[operator]
        return torch.cat([angle.sin(), angle.cos()], dim=-1)


class FiLMBlock(nn.Module):
    """Residual block whose normalised activations are scaled and shifted by the condition (AdaLN-zero).

    h ← h + gate(c) ⊙ MLP((1 + scale(c)) ⊙ LN(h) + shift(c)); Perez et al. 2018, Peebles & Xie 2023, eq. (AdaLN-zero).
    The condition enters multiplicatively, which a latent that stands for a covariance needs.
    """

    def __init__(self, width: int, condition: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.modulation = nn.Linear(condition, 3 * width)
        self.net = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, h: Tensor, c: Tensor) -> Tensor:
        """h: (…, width); c: (…, condition), broadcast against h."""
        scale, shift, gate = self.modulation(c).chunk(3, dim=-1)
        update: Tensor = self.net((1 + scale) * self.norm(h) + shift)
        return h + (1 + gate) * update
