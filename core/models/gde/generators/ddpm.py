"""The published generator: a denoising diffusion model with the latent concatenated to the input."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from core.config.schema import setting
from core.modalities.base import Observation
from core.models.gde.backbones import NetConfig, network
from core.models.gde.base import Generator, generators


@dataclass(frozen=True)
class DDPMConfig(NetConfig):
    """Settings of the diffusion generator."""

    conditioning: str = setting("concat", "How the latent enters.", choices=("film", "concat"))
    depth: int = setting(4, "Residual blocks.", low=1, high=48)
    diffusion_steps: int = setting(400, "Steps of the forward noise.", low=10, high=4000)
    schedule: str = setting(
        "linear", "Noise schedule: the published linear one, or cosine.", choices=("linear", "cosine")
    )
    sampling_steps: int = setting(
        0, "Network calls in sampling by DDIM; 0 is ancestral sampling over every step, as published.", low=0, high=4000
    )


@generators.register(
    "ddpm",
    title="DDPM",
    takes=("vector", "image"),
    config=DDPMConfig,
    help="Denoising diffusion as published: 400 steps, concatenated latent; slow to sample.",
    source="Ho et al. 2020, algorithms 1 and 2; Fishman et al. 2025, appendix C; DDIM: Song et al. 2021, eq. 12",
)
class DDPMGenerator(Generator):
    """x_t = √ᾱ_t x + √(1−ᾱ_t) ε; minimise ‖ε − ε_θ(x_t, z, t/T)‖²."""

    alpha_bar: Tensor

    raw = True  # as published

    def __init__(self, config: DDPMConfig, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent)
        steps = torch.arange(config.diffusion_steps + 1, dtype=torch.float64) / config.diffusion_steps
        if config.schedule == "linear":
            beta = 1e-4 + (0.02 - 1e-4) * steps
            alpha_bar = torch.cumprod(1 - beta, dim=0)
        else:
            # Nichol & Dhariwal 2021, eq. 17.
            alpha_bar = torch.cos((steps + 0.008) / 1.008 * math.pi / 2).square().clamp_min(1e-5)
        self.register_buffer("alpha_bar", alpha_bar.float())
        self.net = network(observation, 1, latent, config)

    def noise_of(self, x: Tensor, t: Tensor, z: Tensor) -> Tensor:
        """The predicted noise in x (b, k, *shape) at steps t (b, k)."""
        time = (t.float() / self.config.diffusion_steps).reshape(*t.shape, *[1] * len(self.shape))
        time = time.expand(*t.shape, 1, *self.shape[1:])
        return self.net(torch.cat([x, time], dim=2), z)

    def loss(self, x: Tensor, z: Tensor, weights: Tensor | None = None) -> dict[str, Tensor]:
        t = torch.randint(1, self.config.diffusion_steps + 1, x.shape[:2], device=x.device)
        noise = torch.randn_like(x)
        signal = self.alpha_bar[t].reshape(*t.shape, *[1] * len(self.shape))
        x_t = signal.sqrt() * x + (1 - signal).sqrt() * noise
        loss = (self.noise_of(x_t, t, z) - noise).square().mean()
        return {"loss": loss, "denoising": loss.detach()}

    @torch.no_grad()
    def sample(self, z: Tensor, n: int, generator: torch.Generator) -> Tensor:
        total, calls = self.config.diffusion_steps, self.config.sampling_steps
        x = self._normal((len(z), n, *self.shape), z, generator)
        steps = torch.linspace(total, 0, (calls or total) + 1).round().long().tolist()
        for now, then in pairwise(steps):
            t = torch.full((len(z), n), now, device=z.device)
            noise = self.noise_of(x, t, z)
            a_now, a_then = self.alpha_bar[now], self.alpha_bar[then] if then else torch.ones_like(self.alpha_bar[0])
            if calls:
                clean = (x - (1 - a_now).sqrt() * noise) / a_now.sqrt()
                x = a_then.sqrt() * clean + (1 - a_then).sqrt() * noise
            else:
                beta = 1 - a_now / a_then
                x = (x - beta / (1 - a_now).sqrt() * noise) / (1 - beta).sqrt()
                if then:
                    x = x + beta.sqrt() * self._normal(tuple(x.shape), z, generator)
        return x

    @staticmethod
    def _normal(shape: tuple[int, ...], z: Tensor, generator: torch.Generator) -> Tensor:
        return torch.randn(shape, generator=generator, device=generator.device).to(z.device)
