"""The networks inside generators: an observation (or noise) and a set's latent in, an observation out.

The latent enters once per set and is broadcast over its observations, by FiLM (scales and shifts) or by plain
concatenation; nothing is repeated to every observation before it must be.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from core.config.schema import more, setting
from core.modalities.base import Observation
from core.modalities.image import Image
from core.models.gde.layers import FiLMBlock, mlp


@dataclass(frozen=True)
class NetConfig:
    """Settings that every generator's network shares."""

    width: int = setting(64, "Width of the hidden layers (vectors) or feature maps (images).", low=4, high=8192)
    depth: int = setting(2, "Residual blocks.", low=1, high=48)
    conditioning: str = setting(
        "film", "How the latent enters: scales and shifts, or plain concatenation.", choices=("film", "concat")
    )
    checkpointing: bool = more(
        False, "Recompute activations in the backward pass: less memory, about a third more time."
    )


class VectorNet(nn.Module):
    """(b, k, d_in) and condition (b, c) → (b, k, d_out): residual blocks modulated by the condition; 0 at the start."""

    def __init__(self, d_in: int, d_out: int, condition: int, config: NetConfig) -> None:
        super().__init__()
        width, self.film, self.checkpointing = config.width, config.conditioning == "film", config.checkpointing
        self.embed = mlp([condition, width, width])
        self.lift = nn.Linear(d_in + (0 if self.film else width), width)
        blocks = [FiLMBlock(width, width) if self.film else ConcatBlock(width) for _ in range(config.depth)]
        self.blocks = nn.ModuleList(blocks)
        self.out = nn.Linear(width, d_out)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        c = self.embed(z)[:, None]
        h = self.lift(x if self.film else torch.cat([x, c.expand(-1, x.shape[1], -1)], dim=-1))
        for block in self.blocks:
            h = checkpoint(block, h, c, use_reentrant=False) if self.checkpointing and self.training else block(h, c)
        return self.out(nn.functional.silu(h))


class ConcatBlock(nn.Module):
    """Residual block that ignores the condition: with plain concatenation it entered with the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, h: Tensor, c: Tensor) -> Tensor:
        return h + self.net(h)


class ImageBlock(nn.Module):
    """Convolutional residual block modulated by the condition: (b·k, c, h, w) maps and (b, e) conditions."""

    def __init__(self, channels: int, out: int, condition: int, film: bool) -> None:
        super().__init__()
        self.film = film
        self.norm = nn.GroupNorm(math.gcd(8, channels), channels)
        self.first = nn.Conv2d(channels, out, 3, padding=1)
        self.second = nn.Conv2d(out, out, 3, padding=1)
        self.shortcut = nn.Conv2d(channels, out, 1) if channels != out else nn.Identity()
        self.modulation = nn.Linear(condition, 2 * out)
        nn.init.zeros_(self.second.weight)
        if self.second.bias is not None:
            nn.init.zeros_(self.second.bias)

    def forward(self, h: Tensor, c: Tensor) -> Tensor:
        inner = self.first(nn.functional.silu(self.norm(h)))
        scale, shift = self.modulation(c).repeat_interleave(len(h) // len(c), dim=0)[..., None, None].chunk(2, dim=1)
        inner = (1 + scale) * inner + shift if self.film else inner + shift
        return self.shortcut(h) + self.second(nn.functional.silu(inner))


class ImageNet(nn.Module):
    """(b, k, c_in, h, w) and condition (b, c) → (b, k, c_out, h, w): a U-Net of two halvings at most."""

    def __init__(self, c_in: int, shape: tuple[int, ...], condition: int, config: NetConfig) -> None:
        super().__init__()
        width, film, self.checkpointing = config.width, config.conditioning == "film", config.checkpointing
        levels, side = 0, min(shape[1:])
        while levels < 2 and side % 2 == 0 and side >= 8 and all(s % 2 == 0 for s in shape[1:]):
            levels, side = levels + 1, side // 2
        sizes = [width * (i + 1) for i in range(levels + 1)]
        self.embed = mlp([condition, 4 * width, 4 * width])
        self.lift = nn.Conv2d(c_in, width, 3, padding=1)
        self.down = nn.ModuleList(ImageBlock(sizes[i], sizes[i], 4 * width, film) for i in range(levels))
        self.shrink = nn.ModuleList(nn.Conv2d(sizes[i], sizes[i + 1], 3, 2, 1) for i in range(levels))
        self.middle = nn.ModuleList(ImageBlock(sizes[-1], sizes[-1], 4 * width, film) for _ in range(config.depth))
        self.up = nn.ModuleList(
            ImageBlock(sizes[i + 1] + sizes[i], sizes[i], 4 * width, film) for i in reversed(range(levels))
        )
        self.out = nn.Conv2d(width, shape[0], 3, padding=1)
        nn.init.zeros_(self.out.weight)
        if self.out.bias is not None:
            nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        c, h = self.embed(z), self.lift(x.flatten(0, 1))
        skips: list[Tensor] = []
        for block, shrink in zip(self.down, self.shrink, strict=True):
            h = self._run(block, h, c)
            skips.append(h)
            h = shrink(h)
        for block in self.middle:
            h = self._run(block, h, c)
        for block in self.up:
            skip = skips.pop()
            h = nn.functional.interpolate(h, size=skip.shape[2:], mode="nearest")
            h = self._run(block, torch.cat([h, skip], dim=1), c)
        out: Tensor = self.out(nn.functional.silu(h))
        return out.reshape(*x.shape[:2], *out.shape[1:])

    def _run(self, block: nn.Module, h: Tensor, c: Tensor) -> Tensor:
        return checkpoint(block, h, c, use_reentrant=False) if self.checkpointing and self.training else block(h, c)


def network(observation: Observation, more: int, condition: int, config: NetConfig) -> nn.Module:
    """The backbone from an observation with `more` features (channels of an image) beside its own to an observation."""
    features = observation.shape[0]
    if isinstance(observation, Image):
        return ImageNet(features + more, observation.shape, condition, config)
    return VectorNet(features + more, features, condition, config)
