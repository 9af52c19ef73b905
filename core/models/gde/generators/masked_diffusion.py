"""Masked discrete diffusion: letters are hidden, and found again from both sides, in any order."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.config.schema import more, setting
from core.modalities.base import Observation
from core.models.gde.base import generators
from core.models.gde.letters import LetterConfig, LetterGenerator, Noise
from core.models.gde.rotary import GatedLayer, Stack, heads_of

DRAWS = 16  # shares of hidden letters at which a bound is evaluated


@dataclass(frozen=True)
class MaskedDiffusionConfig(LetterConfig):
    """Settings of the masked diffusion."""

    width: int = setting(64, "Width of a token.", low=8, high=8192)
    depth: int = setting(2, "Layers.", low=1, high=96)
    rounds: int = setting(
        32,
        "Rounds of sampling: in each, as many hidden letters are drawn at once; at most one a letter.",
        low=1,
        high=4096,
    )
    dropout: float = more(0.0, "Share of activations that a training step leaves out.", low=0.0, high=0.9)


@generators.register(
    "masked_diffusion",
    title="Masked diffusion",
    takes=("sequence",),
    config=MaskedDiffusionConfig,
    help="Letters are drawn in random order, each seen from both sides: for sequences of one length.",
    source="Sahoo et al. 2024 (MDLM), eq. 10; Austin et al. 2021 (absorbing states)",
)
class MaskedDiffusion(LetterGenerator):
    """E_t (1/t) Σ_hidden −log p(x_i | x_seen, z), each letter hidden with probability t: a bound of −log p(x | z).

    Behind the end stands the end again, so that every sequence has l letters.
    """

    def __init__(self, config: MaskedDiffusionConfig, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent)
        width = config.width
        self.embedding = nn.Embedding(self.size + 2, width)  # the letters, the end, hidden
        self.condition = nn.Linear(latent, width)
        layers = [GatedLayer(width, heads_of(width), False, config.dropout) for _ in range(config.depth)]
        self.stack, self.head = Stack(layers, nn.RMSNorm(width)), nn.Linear(width, self.size + 1)
        nn.init.normal_(self.embedding.weight, std=0.5)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    @property
    def hidden(self) -> int:
        """The token of a hidden letter."""
        return self.size + 1

    def targets(self, x: Tensor) -> Tensor:
        return torch.where((x < 0).cumsum(dim=-1) > 0, self.end, x.long())

    def logits(self, targets: Tensor, z: Tensor) -> Tensor:
        """(b, k, l, letters + 1) for tokens (b, k, l), some of them hidden."""
        h = self.embedding(targets) + self.condition(z)[:, None, None]
        said = self.head(self.stack(h.flatten(0, 1))).reshape(*targets.shape, -1)
        return said + self.positions(z)[:, None, : self.length]

    def loss(self, x: Tensor, z: Tensor, weights: Tensor | None = None) -> dict[str, Tensor]:
        targets = self.targets(x)
        b, k, _ = targets.shape
        # Evenly spread shares have less variance than free ones; none is so small that one letter counts for all.
        t = (torch.randperm(b * k, device=x.device) + torch.rand(b * k, device=x.device)).reshape(b, k) / (b * k)
        return self.in_units(
            self._bound(targets, z, t, torch.rand(targets.shape, device=x.device)).mean() / self.length, z
        )

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """A lower bound (b, k): the mean over 16 evenly spread shares of hidden letters, the same at every call."""
        targets = self.targets(x)
        rng = torch.Generator().manual_seed(0)
        total = torch.zeros(targets.shape[:2], dtype=torch.float64, device=x.device)
        for i in range(DRAWS):
            u = torch.rand(targets.shape, generator=rng).to(x.device)
            t = torch.full(targets.shape[:2], (i + 0.5) / DRAWS, device=x.device)
            total -= self._bound(targets, z, t, u).double() / DRAWS
        return total

    def _bound(self, targets: Tensor, z: Tensor, t: Tensor, u: Tensor) -> Tensor:
        """(b, k) nats, at shares t (b, k), hidden where u (b, k, l) is below."""
        t = t.clamp_min(1 / self.length)[..., None]
        hidden = u < t
        said = self.logits(torch.where(hidden, self.hidden, targets), z).log_softmax(dim=-1)
        lost = -said.gather(-1, targets[..., None])[..., 0]
        return (lost * hidden / t).sum(dim=-1)

    def drawn(self, z: Tensor, n: int, noise: Noise) -> Tensor:
        shape = (len(z), n, self.length)
        order = noise(n, self.length).argsort(dim=-1)
        letters = torch.full(shape, self.hidden, device=z.device)
        rounds = min(self.config.rounds, self.length)
        edges = torch.linspace(0, self.length, rounds + 1).round().long().tolist()
        for r in range(rounds):
            now = (order >= edges[r]) & (order < edges[r + 1])
            logits = self.logits(letters, z)
            logits[:, :, 0, self.end] = -torch.inf
            letters[now] = self.chosen(logits[now], noise(int(now.sum()) // len(z)).flatten())
        ended = (letters == self.end).cumsum(dim=-1) > 0
        return letters.masked_fill(ended, -1).to(torch.int8)
