"""The published conditional VAE, kept as it is: mean-reduced terms, no decoder noise, and so too little variance."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from core.config.schema import setting
from core.modalities.base import Observation
from core.models.gde.base import Generator, generators
from core.models.gde.layers import mlp


@dataclass(frozen=True)
class PublishedCVAEConfig:
    """Settings of the published conditional VAE."""

    width: int = setting(128, "Width of the hidden layers.", low=4, high=8192)
    depth: int = setting(4, "Hidden layers of encoder and decoder.", low=1, high=48)
    beta: float = setting(1.0, "Weight of the divergence.", low=0.0, high=1e4)


@generators.register(
    "cvae_published",
    title="CVAE (published)",
    takes=("vector", "image"),
    config=PublishedCVAEConfig,
    help="Conditional VAE as published; its variance collapses, which the Geometry page shows.",
    source="Fishman et al. 2025, appendix C (CVAE)",
)
class PublishedCVAEGenerator(Generator):
    """mean (x − x̂)² + β mean KL: an ELBO with decoder variance β d/2L that sampling then leaves out.

    With d features and a code of the latent's width L, directions whose variance is below β d/2L are dropped.
    """

    raw = True  # as published

    def __init__(self, config: PublishedCVAEConfig, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent)
        d, hidden = observation.d, [config.width] * config.depth
        self.encoder = mlp([d + latent, *hidden, 2 * latent])
        self.decoder = mlp([2 * latent, *hidden, d])

    def loss(self, x: Tensor, z: Tensor, weights: Tensor | None = None) -> dict[str, Tensor]:
        flat = x.flatten(2)
        repeated = z[:, None].expand(-1, flat.shape[1], -1)
        centre, log_variance = self.encoder(torch.cat([flat, repeated], dim=-1)).chunk(2, dim=-1)
        code = centre + (0.5 * log_variance).exp() * torch.randn_like(centre)
        error = (self.decoder(torch.cat([code, repeated], dim=-1)) - flat).square().mean()
        divergence = 0.5 * (centre.square() + log_variance.exp() - 1 - log_variance).mean()
        parts = {"reconstruction": error.detach(), "divergence": divergence.detach()}
        return {"loss": error + self.config.beta * divergence, **parts}

    @torch.no_grad()
    def sample(self, z: Tensor, n: int, generator: torch.Generator) -> Tensor:
        code = torch.randn(len(z), n, self.latent, generator=generator, device=generator.device).to(z.device)
        x: Tensor = self.decoder(torch.cat([code, z[:, None].expand(-1, n, -1)], dim=-1))
        return x.reshape(len(z), n, *self.shape)
