"""Convolutions over the letters of each sequence, pooled over the set; and the same with attention over positions."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.functional import scaled_dot_product_attention

from core.config.schema import more, setting
from core.modalities.base import Observation
from core.models.gde.base import encoders
from core.models.gde.components import MomentSkip, halves
from core.models.gde.kmers import Kmers
from core.models.gde.layers import full_precision, mlp
from core.models.gde.pooled import Parts, PooledEncoder, mean_and_deviation, squared_too

STRIDE = 4  # letters of a stretch: attention costs the square of how many there are


@dataclass(frozen=True)
class SequenceCNNConfig:
    """Settings of the convolutional encoders of sequences."""

    channels: int = setting(48, "Feature maps over the letters.", low=4, high=2048)
    rounds: int = setting(2, "Rounds of convolution, each meeting the mean maps of the set.", low=1, high=12)
    kernel: int = setting(
        9, "Letters that a convolution sees; it also doubles its reach with each round.", low=3, high=63
    )
    width: int = setting(64, "Width of the last network.", low=4, high=8192)
    kmers: bool = more(True, "Start from the mean shares of k-mers; the network adds what they miss.")


class Round(nn.Module):
    """h ← h + SiLU(norm(conv h + W (mean maps of the set))), maps of masked places 0."""

    def __init__(self, channels: int, kernel: int, dilation: int) -> None:
        super().__init__()
        padding = dilation * (kernel // 2)
        self.conv = nn.Conv1d(channels, channels, kernel | 1, padding=padding, dilation=dilation)
        self.shared = nn.Linear(channels, channels)
        self.norm = nn.GroupNorm(1, channels)

    def forward(self, h: Tensor, context: Tensor, there: Tensor) -> Tensor:
        """h (b, k, c, l); context (b, 1, c); there (b, k, 1, l), 1 at letters."""
        b, k, c, length = h.shape
        met = self.conv(h.flatten(0, 1)).reshape(b, k, c, length) + self.shared(context)[..., None]
        met = self.norm(met.flatten(0, 1)).reshape(b, k, c, length)
        return (h + functional.silu(met)) * there


class PositionAttention(nn.Module):
    """h ← h + attention over the positions of each sequence, in stretches of `STRIDE` letters that hold some."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.heads = next(n for n in range(max(1, channels // 16), 0, -1) if channels % n == 0)
        self.norm = nn.LayerNorm(channels)
        self.qkv, self.out = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, h: Tensor, there: Tensor) -> Tensor:
        """h (b, k, c, t); there (b, k, 1, t)."""
        b, k, c, length = h.shape
        tokens = self.norm(h.flatten(0, 1).transpose(1, 2))
        q, key, v = self.qkv(tokens).reshape(b * k, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mask = there.flatten(0, 1).bool()[:, None].expand(-1, 1, length, -1)
        seen = scaled_dot_product_attention(q, key, v, attn_mask=mask | ~mask.any(dim=-1, keepdim=True))
        moved = self.out(seen.transpose(1, 2).reshape(b * k, length, c)).transpose(1, 2)
        return h + moved.reshape(b, k, c, length) * there


def _stretches(h: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
    """The means of h (b, k, c, l) over the letters of every `STRIDE` places, (b, k, c, t), and where there are some."""
    short = -h.shape[3] % STRIDE
    sums, counts = (functional.pad(x, (0, short)).reshape(*x.shape[:3], -1, STRIDE).sum(dim=4) for x in (h, there))
    return sums / counts.clamp_min(1), (counts > 0).float()


@encoders.register(
    "sequence_cnn",
    title="Sequence CNN",
    takes=("sequence",),
    config=SequenceCNNConfig,
    help="1-D convolutions over letters with set pooling: the default for DNA and reads.",
    source="Fishman et al. 2025, appendix C (DNA conv GNN); dilation, masks, k-mer start and the linear head are ours",
)
class SequenceCNNEncoder(PooledEncoder):
    """z = V c + MLP([mean f, sd f, c]): f from convolutions with the mean maps of the set, c the mean shares of k-mers.

    A sequence is its mean and its strongest feature over positions: how much of a motif there is, and whether.
    """

    letters = True
    attentive = False

    def __init__(self, config: SequenceCNNConfig, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent)
        self.size, self.rounds = len(observation.alphabet), config.rounds
        c = config.channels
        self.embedding = nn.Embedding(self.size, c)
        self.layers = nn.ModuleList(Round(c, config.kernel, 2**r) for r in range(config.rounds))
        self.attention = PositionAttention(c) if self.attentive else None
        self.feature = nn.Linear(2 * c, config.width)
        self.kmers = Kmers(self.size) if config.kmers else None
        words = observation.d if config.kmers else 0
        self.last = mlp([2 * config.width + words, config.width, latent])
        if words:
            nn.init.zeros_(self.last[-1].weight)  # type: ignore[arg-type]
            self.moment_skip = MomentSkip(words, latent)
            self.register_buffer("unit", torch.ones(()))

    @torch.no_grad()
    def prepare(self, x: Tensor) -> None:
        if self.kmers is not None:
            words = self.kmers(x).flatten(2)
            # One unit for all words, so that latents are of the size of what they differ in.
            self.unit = words.flatten(0, 1).var(dim=0).mean().sqrt().clamp_min(1e-6)
            self.moment_skip.start(*((h / self.unit).mean(dim=1) for h in halves(words)))

    def embed(self, x: Tensor) -> Tensor:
        return self.embedding(x.long().clamp_min(0)).transpose(2, 3) * self._there(x)

    def message(self, r: int, h: Tensor) -> Parts:
        return (h.mean(dim=3),)

    def update(self, r: int, h: Tensor, context: Tensor, x: Tensor) -> Tensor:
        return self.layers[r](h, context, self._there(x))

    def summary(self, h: Tensor, x: Tensor) -> Parts:
        there = self._there(x)
        if self.attention is not None:
            h, there = _stretches(h, there)
            h = self.attention(h, there)
        mean = h.sum(dim=3) / there.sum(dim=3).clamp_min(1)
        most = h.masked_fill(there == 0, -1e4).amax(dim=3).clamp_min(-1e4)
        most = torch.where(there.any(dim=3), most, 0.0)
        features = squared_too(functional.silu(self.feature(torch.cat([mean, most], dim=2))))
        return features if self.kmers is None else (*features, self.kmers(x).flatten(2) / self.unit)

    def head(self, pooled: Tensor) -> Tensor:
        features = mean_and_deviation(pooled[:, : 2 * self.config.width])
        if self.kmers is None:
            return self.last(features)
        c = pooled[:, 2 * self.config.width :]
        with full_precision(pooled):
            return self.moment_skip(c) + self.last(torch.cat([features, c], dim=-1))

    def _there(self, x: Tensor) -> Tensor:
        """(b, k, 1, l): 1 where there is a letter."""
        return (x >= 0)[:, :, None].float()


@encoders.register(
    "sequence_attention",
    title="Sequence CNN + self-attention",
    takes=("sequence",),
    config=SequenceCNNConfig,
    help="1-D convolutions, then self-attention over the positions of each sequence, then set pooling: sees pairs of "
    "distant letters.",
    source="what the first description of GDE recommends for bio-sequences; the published code has no attention here",
)
class SequenceAttentionEncoder(SequenceCNNEncoder):
    """As the CNN, with one layer of attention before the pooling."""

    attentive = True
