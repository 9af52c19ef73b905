"""The two halves of a Generative Distribution Embedding: what an encoder and a generator are to each other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from core.modalities.base import Observation
from core.registry import Registry

Chunks = Callable[[], Iterator[Tensor]]


class Encoder(nn.Module, ABC):
    """A distributionally invariant map of a set to a latent: it depends on the empirical distribution alone.

    Permuting the observations, or repeating every one of them the same number of times, leaves the latent
    unchanged (Fishman et al. 2025, definition 1), and a set's latent never depends on its batch.
    """

    raw: ClassVar[bool] = False
    """Whether it takes observations of many features as they are, not their principal components."""

    letters: ClassVar[bool] = False
    """Whether it takes sequences as letters (b, k, l), places in the alphabet and −1 behind the end."""

    def __init__(self, config: Any, observation: Observation, latent: int) -> None:
        """`observation` is what it takes: that of the data for the `raw` and those of `letters`, else a vector;
        `latent` the width of the latent."""
        super().__init__()
        self.config = config
        self.shape = observation.shape
        self.latent = latent

    @abstractmethod
    def forward(self, x: Tensor, weights: Tensor | None = None) -> Tensor:
        """(b, k, *shape) observations and optional (b, k) non-negative weights → (b, latent)."""

    def prepare(self, x: Tensor) -> None:
        """Called once before training with some standardised sets (s, k, *shape): bandwidths, principal axes."""

    @torch.no_grad()
    def encode_stream(self, chunks: Chunks) -> Tensor:
        """The latent (latent,) of one set that does not fit in memory; `chunks()` starts a new pass over it.

        Here: the mean of the chunks' latents weighted by their sizes, which converges to the set's latent
        as the chunks grow (the central limit theorem of the embedding). Encoders that pool by means
        override it with an exact multi-pass version.
        """
        total = torch.zeros(self.latent)
        count = 0
        for chunk in chunks():
            total += len(chunk) * self(chunk[None])[0].cpu()
            count += len(chunk)
        return total / count


class Generator(nn.Module, ABC):
    """A conditional generator: a latent goes in, independent observations of the distribution come out."""

    raw: ClassVar[bool] = False
    """Whether it takes and gives observations of many features as they are, not their principal components."""

    letters: ClassVar[bool] = False
    """Whether it takes and gives sequences as letters (b, k, l), places in the alphabet and −1 behind the end."""

    tractable: ClassVar[bool] = False
    """Whether it has a `log_likelihood`."""

    def __init__(self, config: Any, observation: Observation, latent: int) -> None:
        """As of an encoder."""
        super().__init__()
        self.config = config
        self.shape = observation.shape
        self.latent = latent

    def prepare(self, x: Tensor, z: Tensor) -> None:
        """Called once before training with some sets x (s, k, *shape) and their untrained latents z (s, latent)."""

    def observe(self, x: Tensor) -> None:
        """Called once before training with up to 50,000 training observations (k, *stored), those of all sets alike."""

    def remember(self, sets: list[Tensor], z: Tensor, group: Tensor) -> None:
        """Called once before training with the observations (k_i, d) of training sets, the exact part of their latents
        (s, latent), 0 elsewhere, and which of them belong together (s,), for generators that draw on them."""

    @abstractmethod
    def loss(self, x: Tensor, z: Tensor, weights: Tensor | None = None) -> dict[str, Tensor]:
        """The training loss of observations x (b, k, *shape) given latents z (b, latent).

        `weights` (k,), of mean 1, say how much each observation counts where mean and covariance are fitted.
        The entry "loss" is minimised; further entries are recorded.
        """

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """Log-likelihood (b, k), in nats, of observations x (b, k, *shape) given latents z (b, latent)."""
        raise TypeError(f"{type(self).__name__} has no likelihood")

    @abstractmethod
    def sample(self, z: Tensor, n: int, generator: torch.Generator) -> Tensor:
        """n observations for each latent: (b, latent) → (b, n, *shape), in standardised units."""


encoders: Registry[type[Encoder]] = Registry("encoder", "core.models.gde.encoders", kind="sets")
generators: Registry[type[Generator]] = Registry("generator", "core.models.gde.generators", kind="sets")
