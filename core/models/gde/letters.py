"""Sequences as tokens: what the generators of letters share, from the loss to the sampling."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from collections.abc import Generator as Coroutine
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.config.schema import more, setting
from core.modalities.base import Observation
from core.models.gde.base import Generator
from core.models.gde.reference import Reference

Noise = Callable[..., Tensor]  # sizes → uniform numbers (latents, *sizes)
Writer = Coroutine[Tensor, Tensor, None]  # letters (r,) in, hidden vectors (r, width) or logits out

IGNORED = -100
PSEUDO = 0.5  # observations at each position beside those that were seen: a long protein must not be full of chance
COUNTED = 4096  # sequences whose letters are counted at once
UNIT = 1e-3  # nats a letter: less is said of letters that nobody ever sees vary
PRIOR = 1e-3  # weight of the squared length of a latent
MEMORY = 8  # tokens as which the latent enters by cross-attention: of one alone there is nothing to choose
TOKENS = 400_000  # that are generated at once: caches hold two vectors of each token in each layer


@dataclass(frozen=True)
class LetterConfig:
    """Settings of every generator of letters."""

    rank: int = more(
        16,
        "Ways in which the latent moves the frequencies of letters at positions; 0: they are the same for all.",
        low=0,
    )
    temperature: float = more(1.0, "Of sampling: below 1 the likelier letters become likelier.", low=0.05, high=5.0)
    top_p: float = more(
        1.0, "Sample among the likeliest letters that hold this share of the probability.", low=0.05, high=1.0
    )


@dataclass(frozen=True)
class AutoregressiveConfig(LetterConfig):
    """Settings of every network that writes letters one after the other."""

    width: int = setting(64, "Width of a token.", low=8, high=8192)
    depth: int = setting(2, "Layers.", low=1, high=96)
    conditioning: str = setting(
        "addition",
        "How the latent enters: added to every token, as the token before the first letter, or as eight tokens that "
        "every letter looks at in front of each layer.",
        choices=("addition", "prefix", "cross_attention"),
    )
    align: bool = setting(
        False,
        "Follow every sequence along the commonest one, so that behind an insertion or a deletion letters keep their "
        "places: for variants of one protein or gene.",
    )
    dropout: float = more(0.0, "Share of activations that a training step leaves out.", low=0.0, high=0.9)


class PositionLogits(nn.Module):
    """b + V(W z): the logits of each letter at each position, from their frequencies in training and the latent.

    V starts at zero, so that untrained they are the frequencies of all training sequences. The last of the letters is
    the end of a sequence.
    """

    frequency: Tensor

    def __init__(self, length: int, letters: int, latent: int, rank: int) -> None:
        super().__init__()
        self.register_buffer("frequency", torch.zeros(length + 1, letters + 1))
        self.first = nn.Linear(latent, rank) if rank else None
        self.second = nn.Linear(rank, (length + 1) * (letters + 1), bias=False) if rank else None
        if self.second is not None:
            nn.init.zeros_(self.second.weight)

    @torch.no_grad()
    def fit(self, counts: Tensor) -> None:
        """From how often each letter stands at each position (l + 1, letters + 1)."""
        # A position that few sequences reach leans on the letters of all positions.
        everywhere = counts.sum(dim=0) + 1
        counts = counts + PSEUDO * everywhere / everywhere.sum()
        self.frequency = (counts / counts.sum(dim=1, keepdim=True)).log()

    def forward(self, z: Tensor) -> Tensor:
        """z (b, latent) → (b, l + 1, letters + 1)."""
        if self.first is None or self.second is None:
            return self.frequency.expand(len(z), -1, -1)
        return self.frequency + self.second(self.first(z)).reshape(len(z), *self.frequency.shape)


class LetterGenerator(Generator):
    """p(x | z) of whole sequences; the end of a sequence is a letter of its own."""

    letters: ClassVar[bool] = True
    tractable: ClassVar[bool] = True

    def __init__(self, config: Any, observation: Observation, latent: int) -> None:
        super().__init__(config, observation, latent)
        self.length, self.size = observation.stored[0], len(observation.alphabet)
        self.positions = PositionLogits(self.length, self.size, latent, config.rank)

    @property
    def end(self) -> int:
        """The letter that ends a sequence."""
        return self.size

    def observe(self, x: Tensor) -> None:
        counts = torch.zeros((self.length + 1) * (self.size + 1), device=x.device)
        for rows in torch.split(x, COUNTED):
            targets = self.targets(rows)
            # Behind its end a sequence of `masked_diffusion` goes on ending; others count for nothing there.
            cell = (self.places_of(targets) * (self.size + 1) + targets)[targets >= 0]
            counts += torch.bincount(cell, minlength=len(counts))
        self.positions.fit(counts.reshape(self.length + 1, -1))

    def places_of(self, targets: Tensor) -> Tensor:
        """At which place each of targets (n, t) stands, of the same shape: as many letters as are before it."""
        return torch.arange(targets.shape[1], device=targets.device).expand_as(targets)

    def targets(self, x: Tensor) -> Tensor:
        """Letters (n, l), −1 behind the end → (n, l + 1) int64: the letters, the end, `IGNORED` behind it."""
        x = functional.pad(x.long(), (0, 1), value=-1)
        ended = (x < 0).cumsum(dim=1)
        return torch.where(ended == 0, x, torch.where((ended == 1) & (x < 0), self.end, IGNORED))

    @abstractmethod
    def logits(self, targets: Tensor, z: Tensor) -> Tensor:
        """(b, k, l + 1, letters + 1) logits of every letter of targets (b, k, l + 1), given those before it and z
        (b, latent)."""

    def loss(self, x: Tensor, z: Tensor, weights: Tensor | None = None) -> dict[str, Tensor]:
        targets = self.targets(x.flatten(0, 1)).reshape(*x.shape[:2], -1)
        loss = functional.cross_entropy(self._possible(self.logits(targets, z)).flatten(0, 2), targets.flatten())
        return self.in_units(loss, z)

    def in_units(self, nats: Tensor, z: Tensor) -> dict[str, Tensor]:
        """What a training step records of its nats a letter; it minimises them in units of the frequencies' own.

        Beside them stands a weak prior of the latents: distances alone leave them free to wander off together, and what
        is far from the origin hardly tells one set from another.

        Of a protein of which 99 % never varies a letter costs a hundredth of a nat. Gradients would be as small: less
        than what the distance of sets beside them leaves room for, and than what Adam tells from nothing.
        """
        p = self.positions.frequency.exp()
        reached = torch.cat([p.new_ones(1), (1 - p[:-1, self.end]).cumprod(dim=0)])
        entropy = -(p * self.positions.frequency).sum(dim=1)
        unit = ((entropy * reached).sum() / reached.sum()).clamp(UNIT, 1.0)
        return {"loss": nats / unit + PRIOR * z.square().sum(dim=1).mean(), "letter": nats.detach()}

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        targets = self.targets(x.flatten(0, 1)).reshape(*x.shape[:2], -1)
        logits = self._possible(self.logits(targets, z))
        said = logits.log_softmax(dim=-1).gather(-1, targets.clamp_min(0)[..., None])[..., 0]
        return torch.where(targets >= 0, said, 0.0).double().sum(dim=-1)

    def _possible(self, logits: Tensor) -> Tensor:
        """The same logits (b, k, l + 1, letters + 1), but that no sequence ends before it begins, or goes on behind
        its last position."""
        mask = torch.zeros_like(logits[0, 0])
        mask[0, self.end] = -math.inf
        mask[-1, : self.end] = -math.inf
        return logits + mask

    @torch.no_grad()
    def sample(self, z: Tensor, n: int, generator: torch.Generator, *, alike: bool = False) -> Tensor:
        """n sequences for each latent: (b, latent) → (b, n, l) int8 letters, −1 behind the end.

        `alike`: the same noise for each latent.
        """

        def noise(*shape: int) -> Tensor:
            u = torch.rand(1 if alike else len(z), *shape, generator=generator, device=generator.device)
            return u.to(z.device).expand(len(z), *shape)

        per = max(1, TOKENS // ((self.length + 1) * max(len(z), 1)))
        parts = [self.drawn(z, min(per, n - i), noise) for i in range(0, n, per)]
        return torch.cat(parts, dim=1) if parts else torch.zeros(len(z), 0, self.length, dtype=torch.int8)

    @abstractmethod
    def drawn(self, z: Tensor, n: int, noise: Noise) -> Tensor:
        """As `sample`, all at once; `noise` gives uniform numbers of a shape, for each latent."""

    def chosen(self, logits: Tensor, u: Tensor) -> Tensor:
        """(n,) letters by the uniform numbers u (n,): the inverse of the distribution function of the logits
        (n, letters + 1), at the temperature and among the likeliest of the configuration."""
        p = (logits.double() / self.config.temperature).softmax(dim=-1)
        if self.config.top_p < 1:
            ordered, order = p.sort(dim=-1, descending=True)
            before = ordered.cumsum(dim=-1) - ordered
            p = p.masked_fill((before >= self.config.top_p).gather(-1, order.argsort(dim=-1)), 0.0)
            p = p / p.sum(dim=-1, keepdim=True)
        inside = p.cumsum(dim=-1) > u.double()[:, None]
        return torch.where(inside.any(dim=-1), inside.int().argmax(dim=-1), p.argmax(dim=-1))


class Autoregressive(LetterGenerator):
    """p(x | z) = ∏ p(x_t | x_<t, z): a causal network adds to the logits of each position.

    `hidden` gives a hidden vector for each token; `begin` and `step` give the same ones letter by letter from what the
    network keeps of those before.
    """

    def __init__(self, config: Any, observation: Observation, latent: int, width: int | None = None) -> None:
        super().__init__(config, observation, latent)
        width = width or config.width
        self.embedding = nn.Embedding(self.size + 1, width)  # the letters, and the start
        self.condition = nn.Linear(latent, MEMORY * width if self.crossed else width)
        self.head = nn.Linear(width, self.size + 1)
        self.reference = Reference(self.length, self.size) if config.align else None
        nn.init.normal_(self.embedding.weight, std=0.5)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    @property
    def crossed(self) -> bool:
        """Whether the latent enters by cross-attention."""
        crossed: bool = self.config.conditioning == "cross_attention"
        return crossed

    @abstractmethod
    def hidden(self, tokens: Tensor, memory: Tensor | None) -> Tensor:
        """Embedded tokens (n, t, width) → (n, t, width); place i depends on tokens 0 to i alone, and on the tokens of
        the latent (n, MEMORY, width) where these are looked at."""

    @abstractmethod
    def begin(self, n: int, memory: Tensor | None) -> Any:
        """What the network keeps of no tokens yet, for n sequences, and of the memory."""

    @abstractmethod
    def step(self, token: Tensor, place: int, kept: Any) -> Tensor:
        """The hidden vector (n, width) of the embedded token (n, width) at `place`; `kept` is brought up to it."""

    def observe(self, x: Tensor) -> None:
        if self.reference is not None:
            self.reference.places.fit(x)
        super().observe(x)
        if self.reference is not None:
            self.reference.linkage.fit(self.positions.frequency)

    def places_of(self, targets: Tensor) -> Tensor:
        return super().places_of(targets) if self.reference is None else self.reference.places(targets[:, :-1])

    def logits(self, targets: Tensor, z: Tensor) -> Tensor:
        k, before = targets.shape[1], targets[..., :-1].clamp(0, self.size)
        said = self.head(self._read(before.flatten(0, 1), z.repeat_interleave(k, dim=0))).unflatten(0, (-1, k))
        base = self.positions(z)
        return said + (base[:, None] if self.reference is None else self.reference(base, before))

    def _read(self, before: Tensor, z: Tensor) -> Tensor:
        """Letters (n, t) that came before and latents z (n, latent) → hidden vectors (n, t + 1, width)."""
        start = before.new_full((len(before), 1), self.size)
        return self.hidden(self._tokens(torch.cat([start, before], dim=1), z), self._memory(z))

    def _tokens(self, letters: Tensor, z: Tensor) -> Tensor:
        """Letters (n, t), the start among them → embedded tokens (n, t, width)."""
        tokens = self.embedding(letters)
        if self.config.conditioning == "prefix":
            return torch.where((letters == self.size)[..., None], self.condition(z)[:, None], tokens)
        return tokens if self.crossed else tokens + self.condition(z)[:, None]

    def _memory(self, z: Tensor) -> Tensor | None:
        """The tokens of the latent (n, MEMORY, width), where they are looked at."""
        return self.condition(z).unflatten(1, (MEMORY, -1)) if self.crossed else None

    def drawn(self, z: Tensor, n: int, noise: Noise) -> Tensor:
        u = noise(n, self.length + 1).flatten(0, 1)
        rows = z.repeat_interleave(n, dim=0)
        return self._written(rows, u, self._cached(rows)).reshape(len(z), n, -1)

    @torch.no_grad()
    def sample_plainly(self, z: Tensor, n: int, generator: torch.Generator) -> Tensor:
        """As `sample` where all fit at once, with the whole beginning run again for each letter, as published."""
        u = torch.rand(len(z) * n, self.length + 1, generator=generator, device=generator.device).to(z.device)
        rows = z.repeat_interleave(n, dim=0)
        return self._written(rows, u, self._again(rows)).reshape(len(z), n, -1)

    def _written(self, rows: Tensor, u: Tensor, network: Writer) -> Tensor:
        """(r, l) int8 letters, one after the other; the network is sent each and gives what it makes of all so far."""
        letters = torch.full((len(rows), self.length), -1, dtype=torch.int8, device=rows.device)
        going = torch.ones(len(rows), dtype=torch.bool, device=rows.device)
        base = self._base(self.positions(rows))
        hidden, expected = next(network), next(base)
        for t in range(self.length):
            logits = self.head(hidden) + expected
            if t == 0:
                logits[:, self.end] = -math.inf
            letter = self.chosen(logits, u[:, t])
            going = going & (letter != self.end)
            if not bool(going.any()):
                break
            letters[:, t] = torch.where(going, letter, -1).to(torch.int8)
            if t + 1 < self.length:
                hidden, expected = network.send(letter), base.send(letter)
        return letters

    def _base(self, logits: Tensor) -> Writer:
        """What is added to the network's word on each letter: logits at positions (r, l + 1, letters + 1)."""
        if self.reference is None:
            for place in range(logits.shape[1]):
                yield logits[:, place]
        else:
            yield from self.reference.followed(logits)

    def _cached(self, z: Tensor) -> Writer:
        kept = self.begin(len(z), self._memory(z))
        letter, at = torch.full((len(z),), self.size, device=z.device), 0
        while True:
            letter = yield self.step(self._tokens(letter[:, None], z)[:, 0], at, kept)
            at += 1

    def _again(self, z: Tensor) -> Writer:
        before = torch.zeros(len(z), 0, dtype=torch.int64, device=z.device)
        while True:
            letter = yield self._read(before, z)[:, -1]
            before = torch.cat([before, letter[:, None]], dim=1)
