"""Convolutions on each image, with the set's mean feature maps as a second input at every scale."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.config.schema import setting
from core.modalities.base import Observation
from core.models.gde.base import encoders
from core.models.gde.components import MomentSkip, PrincipalComponents, halves
from core.models.gde.gaussian_moments import FULL_UP_TO
from core.models.gde.layers import full_precision, mlp
from core.models.gde.pooled import Parts, PooledEncoder, mean_and_deviation, squared_too


@dataclass(frozen=True)
class ImageGNNConfig:
    """Settings of the image encoder."""

    channels: int = setting(32, "Feature maps at full resolution; doubled at each halving.", low=4, high=1024)
    rounds: int = setting(2, "Rounds of convolution, exchange with the set's mean maps, and halving.", low=1, high=6)
    width: int = setting(128, "Width of the last network.", low=4, high=8192)


class ImageRound(nn.Module):
    """h ← halve(SiLU(GN(conv(h) + conv1x1(mean maps)))) + shortcut.

    Group norm, because batch norm would tie the sets of a batch together.
    """

    def __init__(self, channels: int, out: int, halve: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, 3, padding=1)
        self.context = nn.Conv2d(channels, out, 1)
        self.shortcut = nn.Conv2d(channels, out, 1)
        self.norm = nn.GroupNorm(min(8, out), out)
        self.pool = nn.AvgPool2d(2) if halve else nn.Identity()

    def forward(self, h: Tensor, context: Tensor) -> Tensor:
        """h: (b, k, c, height, width); context: (b, 1, c, height, width)."""
        b, k = h.shape[:2]
        flat = h.flatten(0, 1)
        met = self.conv(flat) + self.context(context[:, 0]).repeat_interleave(k, dim=0)
        out: Tensor = self.pool(nn.functional.silu(self.norm(met)) + self.shortcut(flat))
        return out.reshape(b, k, *out.shape[1:])


@encoders.register(
    "image_gnn",
    title="Image GNN",
    takes=("image",),
    config=ImageGNNConfig,
    help="2-D convolutions with set pooling at every scale: the default for images.",
    source="Fishman et al. 2025, appendix C (conv GNN); residual, down-sampling, group norm and moments are ours",
)
class ImageGNNEncoder(PooledEncoder):
    """z = V c + MLP([mean h, sd h, c]): h from rounds of convolution with the mean feature maps of the set, c the mean
    and the deviation of the leading principal components.
    """

    raw = True

    def __init__(self, config: ImageGNNConfig, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent)
        self.rounds = config.rounds
        side, channels = min(self.shape[1:]), config.channels
        # A first halving without convolutions at full resolution, where an image is large enough to bear it.
        stride = 2 if side >= 32 else 1
        side //= stride
        self.first = nn.Conv2d(self.shape[0], channels, 2 + stride, stride=stride, padding=1)
        layers = []
        for _ in range(config.rounds):
            halve = side >= 4
            layers.append(ImageRound(channels, 2 * channels if halve else channels, halve))
            channels, side = (2 * channels, side // 2) if halve else (channels, side)
        self.layers = nn.ModuleList(layers)
        self.feature = nn.Linear(2 * channels, config.width)
        self.components = PrincipalComponents(observation.d, FULL_UP_TO)
        # Deviations, not covariances: sets of images are small.
        moments = 2 * self.components.r
        self.last = mlp([2 * config.width + moments, config.width, latent])
        nn.init.zeros_(self.last[-1].weight)  # type: ignore[arg-type]
        self.moment_skip = MomentSkip(moments, latent)

    @torch.no_grad()
    def prepare(self, x: Tensor) -> None:
        self.components.fit(x.flatten(0, 1).flatten(1))
        first, second = (
            mean_and_deviation(half.mean(dim=1)) for half in halves(torch.cat(squared_too(self.components(x)), -1))
        )
        self.moment_skip.start(first, second)

    def embed(self, x: Tensor) -> Tensor:
        h: Tensor = self.first(x.flatten(0, 1))
        return h.reshape(*x.shape[:2], *h.shape[1:])

    def update(self, r: int, h: Tensor, context: Tensor, x: Tensor) -> Tensor:
        return self.layers[r](h, context)

    def summary(self, h: Tensor, x: Tensor) -> Parts:
        # Mean and maximum over space say how much and how strongly a feature is present in an image.
        maps = h.flatten(3)
        image = nn.functional.silu(self.feature(torch.cat([maps.mean(dim=3), maps.amax(dim=3)], dim=-1)))
        u = self.components(x)
        return *squared_too(image), *squared_too(u)

    def head(self, pooled: Tensor) -> Tensor:
        features = mean_and_deviation(pooled[:, : 2 * self.config.width])
        with full_precision(pooled):
            c = mean_and_deviation(pooled[:, 2 * self.config.width :])
            return self.moment_skip(c) + self.last(torch.cat([features, c], dim=-1))
