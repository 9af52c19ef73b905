"""The decoder of Wasserstein Wormhole: a fixed number of points out of a latent, without noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.config.schema import setting
from core.modalities.base import Observation
from core.models.gde.base import Generator, generators
from core.models.gde.divergences import sinkhorn_divergence
from core.models.gde.encoders.set_transformer import AttentionBlock


@dataclass(frozen=True)
class WormholeConfig:
    """Settings of the Wormhole decoder."""

    points: int = setting(64, "Points that a latent is decoded to.", low=2, high=4096)
    width: int = setting(64, "Width of the attention blocks; a multiple of 4.", low=4, high=2048)
    rounds: int = setting(2, "Attention blocks.", low=1, high=24)
    blur: float = setting(0.1, "Blur of the Sinkhorn divergence.", low=0.01, high=10.0)


@generators.register(
    "wormhole",
    title="Wormhole",
    takes=("vector", "image"),
    config=WormholeConfig,
    help="Decodes a latent to a fixed point cloud; more samples repeat its points.",
    source="Haviv et al. 2024, section 3",
)
class WormholeGenerator(Generator):
    """z → `points` tokens → attention blocks → points; minimises the Sinkhorn divergence to the real sample."""

    def __init__(self, config: WormholeConfig, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent)
        self.width = 4 * math.ceil(config.width / 4)
        self.tokens = nn.Linear(latent, config.points * self.width)
        self.blocks = nn.ModuleList(AttentionBlock(self.width, 4) for _ in range(config.rounds))
        self.out = nn.Sequential(nn.LayerNorm(self.width), nn.Linear(self.width, observation.d))

    def decode(self, z: Tensor) -> Tensor:
        """(b, latent) → (b, points, d)."""
        h = self.tokens(z).reshape(len(z), self.config.points, self.width)
        for block in self.blocks:
            h = block(h, None)
        return self.out(h)

    def loss(self, x: Tensor, z: Tensor, weights: Tensor | None = None) -> dict[str, Tensor]:
        loss = sinkhorn_divergence(self.decode(z), x.flatten(2), self.config.blur).mean()
        return {"loss": loss, "divergence": loss.detach()}

    @torch.no_grad()
    def sample(self, z: Tensor, n: int, generator: torch.Generator) -> Tensor:
        points = self.decode(z)
        # Whole copies of the cloud first, then a random part of it: as even as n allows.
        rows = torch.stack([self._rows(n, generator) for _ in range(len(z))]).to(z.device)
        chosen = points.gather(1, rows[..., None].expand(-1, -1, points.shape[-1]))
        return chosen.reshape(len(z), n, *self.shape)

    def _rows(self, n: int, generator: torch.Generator) -> Tensor:
        rounds = math.ceil(n / self.config.points)
        order = [
            torch.randperm(self.config.points, generator=generator, device=generator.device) for _ in range(rounds)
        ]
        return torch.cat(order)[:n]
