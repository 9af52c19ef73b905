"""Encoders that meet the set only through means: exact for sets of any size, streamed or not."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from core.models.gde.base import Chunks, Encoder
from core.models.gde.layers import weighted_mean

# What is averaged over a set, in parts that are joined only once they are small: each (b, k, …).
Parts = tuple[Tensor, ...]


class PooledEncoder(Encoder):
    """h = embed(x); `rounds` times c = mean(message(h)), h = update(h, c, x); z = head(mean(summary(h, x))).

    Every interaction between observations goes through a mean, a functional of the empirical distribution:
    hence distributional invariance, and hence an exact pass over chunks, one pass a round.
    """

    rounds = 0

    def embed(self, x: Tensor) -> Tensor:
        """(b, k, *shape) → the first features of each observation; here its own."""
        return x.flatten(2)

    def message(self, r: int, h: Tensor) -> Parts:
        """What of the features h is averaged over the set in round r."""
        return (h,)

    def update(self, r: int, h: Tensor, context: Tensor, x: Tensor) -> Tensor:
        """The features after round r, given the mean message `context` (b, 1, …); an encoder of no rounds has none."""
        return h

    def summary(self, h: Tensor, x: Tensor) -> Parts:
        """(b, k, f) what is averaged last."""
        return (h,)

    def head(self, pooled: Tensor) -> Tensor:
        """(b, f) → (b, latent)."""
        return pooled

    def pool(self, parts: Parts, weights: Tensor | None) -> Tensor:
        """Means over axis 1 of (b, k, …), weighted if weights are given, one behind the other along axis 2."""
        pooled = [weighted_mean(h.flatten(2), weights).reshape(len(h), *h.shape[2:]) for h in parts]
        return torch.cat(pooled, dim=1)

    def forward(self, x: Tensor, weights: Tensor | None = None) -> Tensor:
        h = self.embed(x)
        for r in range(self.rounds):
            h = self.update(r, h, self.pool(self.message(r, h), weights)[:, None], x)
        return self.head(self.pool(self.summary(h, x), weights))

    @torch.no_grad()
    def encode_stream(self, chunks: Chunks) -> Tensor:
        contexts: list[Tensor] = []
        for r in range(self.rounds + 1):
            total: Any = 0.0
            count = 0
            for chunk in chunks():
                x = chunk[None]
                h = self.embed(x)
                for past, context in enumerate(contexts):
                    h = self.update(past, h, context, x)
                value = self.summary(h, x) if r == self.rounds else self.message(r, h)
                # Float64: a float32 sum of a million terms loses the last digits of the mean.
                total = total + torch.cat([part.sum(dim=1, dtype=torch.float64) for part in value], dim=1)
                count += len(chunk)
            mean = (total / count).float()
            contexts.append(mean[:, None])
        return self.head(contexts[-1][:, 0])[0]


def squared_too(h: Tensor) -> Parts:
    """(b, k, f) → the features and their squares, whose means give mean and variance."""
    h = h.float() if h.dtype == torch.bfloat16 else h  # a variance is a small difference of two means
    return h, h.square()


def mean_and_deviation(pooled: Tensor, floor: float = 1e-4) -> Tensor:
    """(b, 2f) mean of `squared_too` → (b, 2f) means and standard deviations.

    The floor keeps the square root's gradient finite for a set of one observation.
    """
    mean, square = pooled.chunk(2, dim=-1)
    return torch.cat([mean, (square - mean.square()).clamp_min(0).add(floor).sqrt()], dim=-1)
