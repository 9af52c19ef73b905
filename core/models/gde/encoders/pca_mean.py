"""The mean of the observations on the principal axes of the training observations."""

from __future__ import annotations

import torch
from torch import Tensor

from core.config.schema import NoSettings
from core.modalities.base import Observation
from core.models.gde.base import encoders
from core.models.gde.pooled import PooledEncoder


@encoders.register(
    "pca_mean",
    title="PCA mean",
    config=NoSettings,
    help="Mean of the observations on the first principal axes of the training data; nothing is learned.",
    source="Fishman et al. 2025, appendix C (PCA mean)",
)
class PCAMeanEncoder(PooledEncoder):
    """z = Vᵀ (mean(x) − μ), V the first `latent` right singular vectors of the centred training observations."""

    centre: Tensor
    axes: Tensor

    def __init__(self, config: NoSettings, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent)
        self.register_buffer("centre", torch.zeros(observation.d))
        self.register_buffer("axes", torch.zeros(observation.d, latent))

    def prepare(self, x: Tensor) -> None:
        flat = x.flatten(2).flatten(0, 1)
        self.centre = flat.mean(dim=0)
        # Fewer features than latents leave the last latents at zero.
        rank = min(self.latent, *flat.shape)
        _, _, v = torch.linalg.svd(flat[:20_000] - self.centre, full_matrices=False)
        self.axes = torch.zeros_like(self.axes)
        self.axes[:, :rank] = v[:rank].T

    def head(self, pooled: Tensor) -> Tensor:
        return (pooled - self.centre) @ self.axes
