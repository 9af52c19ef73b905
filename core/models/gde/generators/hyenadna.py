"""HyenaDNA: long convolutions whose filters are functions of the position, in place of attention."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.utils.checkpoint import checkpoint

from core.config.schema import more, setting
from core.modalities.base import Observation
from core.models.gde.base import generators
from core.models.gde.cross_attention import CrossAttentions, Seen
from core.models.gde.letters import Autoregressive, AutoregressiveConfig
from core.models.gde.rotary import heads_of

SHORT = 3  # letters of the convolution before the gates
FASTEST, SLOWEST, REST = 0.3, 1.5, 1e-2  # of the decay of a filter, as published


@dataclass(frozen=True)
class HyenaDNAConfig(AutoregressiveConfig):
    """Settings of HyenaDNA."""

    filter_width: int = more(64, "Width of the network that makes the filters.", low=4, high=1024)
    bands: int = more(2, "Sines and cosines of the position that it sees.", low=1, high=64)
    use_checkpointing: bool = setting(
        False, "Work activations out again on the way back: less memory for long sequences, a third more time."
    )


class Filter(nn.Module):
    """k_t = MLP(t) e^{−α t}: a filter of each channel, as long as a sequence, from few weights (Poli et al. 2023).

    The sines of the network let a filter oscillate; the decays run from fast to slow over the channels.
    """

    def __init__(self, width: int, length: int, config: HyenaDNAConfig) -> None:
        super().__init__()
        t = torch.linspace(0, 1, length)[:, None]
        angle = (
            2 * math.pi * torch.arange(length)[:, None] / length * torch.linspace(1e-4, config.bands - 1, config.bands)
        )
        self.register_buffer("places", torch.cat([t, angle.cos(), -angle.sin()], dim=1), persistent=False)
        inner = config.filter_width
        self.layers = nn.ModuleList(
            nn.Linear(a, b) for a, b in [(1 + 2 * config.bands, inner), (inner, inner), (inner, inner)]
        )
        self.frequency = nn.Parameter(torch.full((inner,), 10.0))
        self.last = nn.Linear(inner, width, bias=False)
        decay = torch.linspace(math.log(REST) / FASTEST, math.log(REST) / SLOWEST, width).abs()
        self.register_buffer("decay", (-t * decay).exp() + 0.05, persistent=False)

    def forward(self, length: int) -> Tensor:
        """(length, width)."""
        h: Tensor = self.places[:length]  # type: ignore[index]
        for layer in self.layers:
            h = (self.frequency * layer(h)).sin()
        return self.last(h) * self.decay[:length]  # type: ignore[index]


class Hyena(nn.Module):
    """y = x₀ ⊙ (k ∗ (x₁ ⊙ v)): gates around a causal convolution, by Fourier transforms (Poli et al. 2023, order 2)."""

    def __init__(self, width: int, length: int, config: HyenaDNAConfig) -> None:
        super().__init__()
        self.inside, self.outside = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.short = nn.Conv1d(3 * width, 3 * width, SHORT, groups=3 * width)
        self.filter = Filter(width, length, config)
        self.bias = nn.Parameter(torch.randn(width))

    def forward(self, h: Tensor) -> Tensor:
        """(n, t, width) → (n, t, width)."""
        t = h.shape[1]
        u = self.short(pad(self.inside(h).transpose(1, 2), (SHORT - 1, 0)))
        x0, x1, v = u.chunk(3, dim=1)
        v = v * x1
        with torch.autocast(h.device.type, enabled=False):
            # Twice as long, so that nothing wraps around from the end to the beginning.
            k = torch.fft.rfft(self.filter(t).T.float(), n=2 * t)
            long = torch.fft.irfft(torch.fft.rfft(v.float(), n=2 * t) * k, n=2 * t)[..., :t]
        y = (long.to(v.dtype) + v * self.bias[:, None]) * x0
        return self.outside(y.transpose(1, 2))

    def step(self, h: Tensor, place: int, kept: State) -> Tensor:
        """(n, width) at `place`: a sum over the kept gated values instead of a transform."""
        recent = torch.cat([kept.recent, self.inside(h)[..., None]], dim=2)
        kept.recent = recent[..., 1:]
        u = nn.functional.conv1d(recent, self.short.weight, self.short.bias, groups=len(self.short.weight))[..., 0]
        x0, x1, v = u.chunk(3, dim=1)
        v = v * x1
        kept.gated[:, place] = v
        if kept.filter is None:
            kept.filter = self.filter(kept.gated.shape[1]).flip(0)
        k = kept.filter[len(kept.filter) - 1 - place :]
        return self.outside((torch.einsum("ntw,tw->nw", kept.gated[:, : place + 1], k) + v * self.bias) * x0)


@dataclass
class State:
    """What a layer keeps: the last inputs (n, 3 width, 2) of the short convolution, the gated values (n, length, width)
    of the long one, and its filter (length, width), turned round."""

    recent: Tensor
    gated: Tensor
    filter: Tensor | None = None


class HyenaLayer(nn.Module):
    """h ← h + Hyena(norm h); h ← h + MLP(norm h)."""

    def __init__(self, width: int, length: int, config: HyenaDNAConfig) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mixer = Hyena(width, length, config)
        self.net = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, h: Tensor) -> Tensor:
        h = h + self.dropout(self.mixer(self.first(h)))
        return h + self.dropout(self.net(self.second(h)))

    def step(self, h: Tensor, place: int, kept: State) -> Tensor:
        """One token (n, width)."""
        h = h + self.mixer.step(self.first(h), place, kept)
        return h + self.net(self.second(h))


@generators.register(
    "hyenadna",
    title="HyenaDNA",
    takes=("sequence",),
    config=HyenaDNAConfig,
    help="HyenaDNA's implicit long convolutions, trained from nothing: cost grows almost linearly with the length.",
    source="Nguyen et al. 2023 (HyenaDNA); Poli et al. 2023 (Hyena), eq. 7; Fishman et al. 2025, appendix A.2",
)
class HyenaDNA(Autoregressive):
    """Layers of Hyena between our letters and our head."""

    def __init__(self, config: HyenaDNAConfig, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent)
        self.layers = nn.ModuleList(HyenaLayer(config.width, self.length + 1, config) for _ in range(config.depth))
        self.crossings = CrossAttentions(config.width, heads_of(config.width), config.depth if self.crossed else 0)
        self.norm = nn.LayerNorm(config.width)

    def hidden(self, tokens: Tensor, memory: Tensor | None) -> Tensor:
        h, seen = tokens, self.crossings.seen(memory)
        for i, layer in enumerate(self.layers):
            h = self.crossings(h, i, seen)
            again = self.config.use_checkpointing and self.training
            h = checkpoint(layer, h, use_reentrant=False) if again else layer(h)
        return self.norm(h)

    def begin(self, n: int, memory: Tensor | None) -> tuple[list[State], list[Seen]]:
        w, like = self.config.width, self.head.weight
        states = [
            State(like.new_zeros(n, 3 * w, SHORT - 1), like.new_zeros(n, self.length + 1, w)) for _ in self.layers
        ]
        return states, self.crossings.seen(memory)

    def step(self, token: Tensor, place: int, kept: tuple[list[State], list[Seen]]) -> Tensor:
        h, (states, seen) = token, kept
        for i, (layer, state) in enumerate(zip(self.layers, states, strict=True)):
            h = self.crossings(h[:, None], i, seen)[:, 0]
            h = layer.step(h, place, state)  # type: ignore[operator]
        return self.norm(h)
