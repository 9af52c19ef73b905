"""Deep Sets with means for sums, and standard deviations of the features beside their means."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from core.config.schema import more, setting
from core.modalities.base import Observation
from core.models.gde.base import encoders
from core.models.gde.layers import mlp
from core.models.gde.pooled import Parts, PooledEncoder, mean_and_deviation, squared_too


@dataclass(frozen=True)
class DeepSetsConfig:
    """Settings of the Deep Sets encoder."""

    width: int = setting(128, "Width of the hidden layers.", low=4, high=8192)
    depth: int = setting(2, "Hidden layers before the pooling, and as many after it.", low=1, high=12)
    deviation: bool = setting(True, "Pool the standard deviation of each feature beside its mean.")
    lipschitz: bool = more(False, "Spectral normalisation of every layer (bounds the Lipschitz constant).")


@encoders.register(
    "deep_sets",
    title="Deep sets",
    config=DeepSetsConfig,
    help="A network on each observation, then the mean (and deviation) of its features, then a network.",
    source="Zaheer et al. 2017, theorem 2, mean-pooled: a sum depends on the set size",
)
class DeepSetsEncoder(PooledEncoder):
    """z = ρ([mean φ(x), sd φ(x)]) with a linear last layer, so that no saturation bends the latent geometry."""

    def __init__(self, config: DeepSetsConfig, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent)
        width, pooled = config.width, config.width * (2 if config.deviation else 1)
        self.phi = mlp([observation.d, *[width] * (config.depth + 1)], config.lipschitz)
        self.rho = mlp([pooled, *[width] * config.depth, latent], config.lipschitz)

    def embed(self, x: Tensor) -> Tensor:
        return self.phi(x.flatten(2))

    def summary(self, h: Tensor, x: Tensor) -> Parts:
        return squared_too(h) if self.config.deviation else (h,)

    def head(self, pooled: Tensor) -> Tensor:
        return self.rho(mean_and_deviation(pooled) if self.config.deviation else pooled)
