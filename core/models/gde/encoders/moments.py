"""Mean and second moments of the observations, linearly projected."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.config.schema import more
from core.modalities.base import Observation
from core.models.gde.base import encoders
from core.models.gde.pooled import Parts, PooledEncoder


@dataclass(frozen=True)
class MomentsConfig:
    """Settings of the moment encoder."""

    pairs: int = more(4096, "Most products of two features that are averaged; beyond it a fixed random choice.", low=1)


@encoders.register(
    "moments",
    title="Moments",
    config=MomentsConfig,
    help="Mean and second moments of the observations, linearly projected: exact for Gaussians.",
    source="the sufficient statistic of the Gaussian family",
)
class MomentsEncoder(PooledEncoder):
    """z = W [mean(x), mean(x_i x_j) − mean(x_i) mean(x_j) for i ≤ j] + b."""

    first: Tensor
    second: Tensor

    def __init__(self, config: MomentsConfig, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent)
        self.width = observation.d
        first, second = torch.triu_indices(self.width, self.width)
        if len(first) > config.pairs:
            # Keep all variances, then a seeded choice of covariances, so that two runs see the same products.
            order = torch.randperm(len(first), generator=torch.Generator().manual_seed(0))
            order = order[torch.argsort((first != second)[order].int(), stable=True)][: config.pairs]
            first, second = first[order], second[order]
        self.register_buffer("first", first)
        self.register_buffer("second", second)
        self.project = nn.Linear(self.width + len(first), latent)

    def summary(self, h: Tensor, x: Tensor) -> Parts:
        return h, h[..., self.first] * h[..., self.second]

    def head(self, pooled: Tensor) -> Tensor:
        mean, product = pooled[:, : self.width], pooled[:, self.width :]
        covariance = product - mean[:, self.first] * mean[:, self.second]
        return self.project(torch.cat([mean, covariance], dim=-1))
