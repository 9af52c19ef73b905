"""Graph networks on the complete graph of a set: each observation meets the mean of all."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.config.schema import more, setting
from core.modalities.base import Observation
from core.models.gde.base import Chunks, Encoder, encoders
from core.models.gde.layers import mlp
from core.models.gde.pooled import Parts, PooledEncoder


@dataclass(frozen=True)
class GNNConfig:
    """Settings of the graph encoders."""

    width: int = setting(128, "Width of the hidden layers.", low=4, high=8192)
    depth: int = setting(2, "Hidden layers of each network.", low=1, high=12)
    rounds: int = setting(2, "Rounds in which each observation meets the mean of the set.", low=1, high=12)
    lipschitz: bool = more(False, "Spectral normalisation of every layer (bounds the Lipschitz constant).")


@encoders.register(
    "gnn",
    title="GNN",
    config=GNNConfig,
    help="Each observation meets the mean of the set in every round (mean-pooled graph network).",
    source="Fishman et al. 2025, appendix C (GNN)",
)
class GNNEncoder(PooledEncoder):
    """h ← MLP([h, mean h]) for each round; z = linear(mean h)."""

    def __init__(self, config: GNNConfig, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent)
        self.rounds = config.rounds
        hidden = [config.width] * (config.depth + 1)
        self.first = mlp([observation.d, *hidden], config.lipschitz)
        self.layers = nn.ModuleList(mlp([2 * config.width, *hidden], config.lipschitz) for _ in range(config.rounds))
        self.last = nn.Linear(config.width, latent)

    def embed(self, x: Tensor) -> Tensor:
        return self.first(x.flatten(2))

    def update(self, r: int, h: Tensor, context: Tensor, x: Tensor) -> Tensor:
        return self.layers[r](torch.cat([h, context.expand_as(h)], dim=-1))

    def head(self, pooled: Tensor) -> Tensor:
        return self.last(pooled)


@encoders.register(
    "median_gnn",
    title="Median GNN",
    config=GNNConfig,
    help="Each observation meets the median of the set in every round (robust to outliers).",
    source="Fishman et al. 2025, appendix C (median GNN)",
)
class MedianGNNEncoder(GNNEncoder):
    """As the graph encoder, pooled by the lower median of each feature.

    The lower median, not the midpoint of the middle two, is what repeating the observations leaves unchanged.
    """

    def pool(self, parts: Parts, weights: Tensor | None) -> Tensor:
        h = torch.cat(parts, dim=-1)
        if weights is None:
            return h.median(dim=1).values
        order = h.argsort(dim=1)
        ordered = h.gather(1, order)
        share = (weights / weights.sum(dim=1, keepdim=True))[..., None].expand_as(h).gather(1, order)
        # A hair below one half, so that rounding of equal weights does not pass over the lower median.
        reached = share.cumsum(dim=1) >= 0.5 - 1e-6
        return ordered.gather(1, reached.int().argmax(dim=1, keepdim=True))[:, 0]

    @torch.no_grad()
    def encode_stream(self, chunks: Chunks) -> Tensor:
        # A median has no exact one-pass form: fall back to the mean of the chunks' latents.
        return Encoder.encode_stream(self, chunks)
