"""The published best encoder: a graph network with skip connections from the features and the input."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.config.schema import setting
from core.modalities.base import Observation
from core.models.gde.base import encoders
from core.models.gde.components import MomentSkip, halves
from core.models.gde.encoders.gnn import GNNConfig
from core.models.gde.gaussian_moments import FULL_UP_TO, coordinates, count, products
from core.models.gde.layers import full_precision, linear, mlp
from core.models.gde.pooled import Parts, PooledEncoder, mean_and_deviation, squared_too


@dataclass(frozen=True)
class ResNetGNNConfig(GNNConfig):
    """Settings of the residual graph encoder."""

    width: int = setting(64, "Width of the hidden layers.", low=4, high=8192)
    depth: int = setting(1, "Hidden layers of each network.", low=1, high=12)
    moments: bool = setting(
        True, "Start from the mean and the root of the covariance, in which Gaussian transport is nearly Euclidean."
    )
    covariances: int = setting(
        8,
        "Leading features (principal components) whose covariances are among these moments; of the others only the "
        "deviations. Few observations say nothing of many covariances, and their errors depend on the set size.",
        low=0,
        high=FULL_UP_TO,
    )


class Meeting(nn.Module):
    """MLP([h, mean h, sd h]); the part of its first layer that a whole set shares is computed once per set."""

    def __init__(self, width: int, depth: int, lipschitz: bool) -> None:
        super().__init__()
        self.own = linear(width, width, lipschitz)
        self.shared = linear(2 * width, width, lipschitz)
        self.rest = mlp([width] * (depth + 1), lipschitz)

    def forward(self, h: Tensor, moments: Tensor) -> Tensor:
        """h: (b, k, width); moments: (b, 1, 2 width)."""
        return self.rest(nn.functional.silu(self.own(h) + self.shared(moments)))


@encoders.register(
    "resnet_gnn",
    title="ResNet GNN",
    config=ResNetGNNConfig,
    help="Graph network with skip connections and second-moment pooling: the default for vectors.",
    source="Fishman et al. 2025, appendix C (ResNet-GNN); second moments, their skip and the linear head are ours",
)
class ResNetGNNEncoder(PooledEncoder):
    """h ← LN(h + MLP([h, mean h, sd h]) + W x); z = V c + MLP([mean h, sd h, c]), c = (mean x, root of cov x).

    Second moments in the message and in the summary let it see a covariance at once, where means alone
    learn it slowly. V starts as an isometry (with fewer latents than moments: at the principal axes of the sets) and
    the network beside it at zero: untrained, latent distances are those of Gaussian transport but for rotations;
    training adds what a Gaussian does not have. Every part is a functional of the empirical distribution.
    """

    def __init__(self, config: ResNetGNNConfig, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent)
        self.rounds = config.rounds
        width, d = config.width, observation.d
        self.d, self.moments = d, count(d, config.covariances) if config.moments else 0
        self.first = mlp([d, *[width] * (config.depth + 1)], config.lipschitz)
        self.layers = nn.ModuleList(Meeting(width, config.depth, config.lipschitz) for _ in range(config.rounds))
        self.skips = nn.ModuleList(nn.Linear(d, width) for _ in range(config.rounds + 1))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(config.rounds + 1))
        self.last = mlp([2 * width + self.moments, width, width, latent], config.lipschitz)
        if self.moments:
            if not config.lipschitz:  # a weight that is divided by its largest singular value cannot be zero
                nn.init.zeros_(self.last[-1].weight)  # type: ignore[arg-type]
            self.moment_skip = MomentSkip(self.moments, latent)

    @torch.no_grad()
    def prepare(self, x: Tensor) -> None:
        if self.moments:
            parts = halves(x.flatten(2))
            self.moment_skip.start(*(self._coordinates(h.mean(dim=1), self._products(h).mean(dim=1)) for h in parts))

    def embed(self, x: Tensor) -> Tensor:
        flat = x.flatten(2)
        return self.norms[-1](self.first(flat) + self.skips[-1](flat))

    def message(self, r: int, h: Tensor) -> Parts:
        return squared_too(h)

    def update(self, r: int, h: Tensor, context: Tensor, x: Tensor) -> Tensor:
        return self.norms[r](h + self.layers[r](h, mean_and_deviation(context)) + self.skips[r](x.flatten(2)))

    def summary(self, h: Tensor, x: Tensor) -> Parts:
        if not self.moments:
            return squared_too(h)
        flat = x.flatten(2)
        return *squared_too(h), flat, self._products(flat)

    def head(self, pooled: Tensor) -> Tensor:
        features = mean_and_deviation(pooled[:, : 2 * self.config.width])
        if not self.moments:
            return self.last(features)
        raw = pooled[:, 2 * self.config.width :]
        mean, product = raw[:, : self.d], raw[:, self.d :]
        with full_precision(pooled):
            c = self._coordinates(mean, product)
            return self.moment_skip(c) + self.last(torch.cat([features, c], dim=-1))

    def _products(self, x: Tensor) -> Tensor:
        return products(x, self.config.covariances)

    def _coordinates(self, mean: Tensor, product: Tensor) -> Tensor:
        return coordinates(mean, product, self.config.covariances)
