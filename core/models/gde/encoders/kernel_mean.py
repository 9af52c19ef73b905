"""The kernel mean embedding by random Fourier features, with the bandwidth set by the median heuristic."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from core.config.schema import setting
from core.modalities.base import Observation
from core.models.gde.base import encoders
from core.models.gde.pooled import PooledEncoder


@dataclass(frozen=True)
class KernelMeanConfig:
    """Settings of the kernel mean encoder."""

    bandwidth: float = setting(
        1.0, "Bandwidth as a multiple of the median distance between two training observations.", low=1e-3, high=1e3
    )


@encoders.register(
    "kernel_mean",
    title="Kernel mean",
    config=KernelMeanConfig,
    help="Mean of random Fourier features of a Gaussian kernel (median bandwidth); nothing is learned.",
    source="Rahimi & Recht 2007; Muandet et al. 2017, section 3",
)
class KernelMeanEncoder(PooledEncoder):
    """z = √(2/L) mean([cos ωx, sin ωx]), ω ~ N(0, 1/σ²); ‖z − z′‖ estimates the kernel MMD of two sets.

    A bandwidth far below the distances in the data makes all phases uniform and z carries nothing; the median
    distance is the usual cure.
    """

    frequency: Tensor

    def __init__(self, config: KernelMeanConfig, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent)
        self.register_buffer("frequency", torch.randn(observation.d, (latent + 1) // 2))

    def prepare(self, x: Tensor) -> None:
        flat = x.flatten(2).flatten(0, 1)
        flat = flat[torch.randperm(len(flat), device=x.device)[:1000]]
        sigma = torch.pdist(flat).median() * self.config.bandwidth if len(flat) > 1 else torch.tensor(1.0)
        self.frequency = self.frequency / sigma.clamp_min(1e-6).to(self.frequency.device)

    def embed(self, x: Tensor) -> Tensor:
        phase = x.flatten(2) @ self.frequency
        waves = torch.cat([phase.cos(), phase.sin()], dim=-1)[..., : self.latent]
        return waves * math.sqrt(2 / self.latent)
