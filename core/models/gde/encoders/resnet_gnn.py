"""The published best encoder: a graph network with skip connections from the features and the input."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from core.models.gde.base import encoders
from core.models.gde.encoders.gnn import GNNConfig
from core.models.gde.layers import mlp
from core.models.gde.pooled import PooledEncoder, mean_and_deviation, squared_too


@encoders.register(
    "resnet_gnn",
    kind="sets",
    config=GNNConfig,
    help="Graph network with skip connections and second-moment pooling: the default for vectors.",
    source="Fishman et al. 2025, appendix C (ResNet-GNN); second-moment pooling and linear head are ours",
)
class ResNetGNNEncoder(PooledEncoder):
    """h ← LN(h + MLP([h, mean h, sd h]) + W x); z = MLP([mean h, sd h]), linear at the end.

    Second moments in the message and in the summary let it see a covariance at once, where means alone
    learn it slowly; each is still a functional of the empirical distribution.
    """

    def __init__(self, config: GNNConfig, shape: tuple[int, ...], latent: int) -> None:
        super().__init__(config, shape, latent)
        self.rounds = config.rounds
        width, d = config.width, math.prod(shape)
        hidden = [width] * (config.depth + 1)
        self.first = mlp([d, *hidden], config.lipschitz)
        self.layers = nn.ModuleList(mlp([3 * width, *hidden], config.lipschitz) for _ in range(config.rounds))
        self.skips = nn.ModuleList(nn.Linear(d, width) for _ in range(config.rounds + 1))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(config.rounds + 1))
        self.last = mlp([2 * width, width, latent], config.lipschitz)

    def embed(self, x: Tensor) -> Tensor:
        flat = x.flatten(2)
        h: Tensor = self.norms[-1](self.first(flat) + self.skips[-1](flat))
        return h

    def message(self, r: int, h: Tensor) -> Tensor:
        return squared_too(h)

    def update(self, r: int, h: Tensor, context: Tensor, x: Tensor) -> Tensor:
        moments = mean_and_deviation(context).expand(*h.shape[:2], -1)
        updated = self.layers[r](torch.cat([h, moments], dim=-1))
        out: Tensor = self.norms[r](h + updated + self.skips[r](x.flatten(2)))
        return out

    def summary(self, h: Tensor) -> Tensor:
        return squared_too(h)

    def head(self, pooled: Tensor) -> Tensor:
        z: Tensor = self.last(mean_and_deviation(pooled))
        return z
