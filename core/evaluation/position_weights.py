"""Position weights: each letter drawn by itself, by its frequency at its position. The trivial model of sequences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.modalities.profiles import ended

Array = npt.NDArray[np.float64]

PSEUDO = 0.5  # of a letter at each position, beside those that were seen


@dataclass(frozen=True)
class PositionWeights:
    """p(x) = ∏ p_t(x_t); the last letter of `probability` (l + 1, letters + 1) is the end of a sequence."""

    probability: Array

    def sample(self, n: int, rng: np.random.Generator) -> npt.NDArray[np.int8]:
        """(n, l) int8 letters, −1 behind the end."""
        cumulative = self.probability.cumsum(axis=1)
        u = rng.random((n, len(cumulative)))
        x = np.stack([np.searchsorted(row, u[:, t] * row[-1], "right") for t, row in enumerate(cumulative)], axis=1)
        x = np.minimum(x, self.probability.shape[1] - 1)
        return ended(np.where(x == self.probability.shape[1] - 1, -1, x)[:, :-1])

    def log_likelihood(self, x: npt.NDArray[Any]) -> Array:
        """(n,) nats of sequences (n, l), their ends included."""
        target = _targets(x, self.probability.shape[1] - 1)
        log = np.log(np.maximum(self.probability, 1e-300))
        said = log[np.arange(target.shape[1]), np.maximum(target, 0)]
        return np.asarray(np.where(target >= 0, said, 0.0).sum(axis=1))


def fit_position_weights(x: npt.NDArray[Any], letters: int, prior: PositionWeights | None = None) -> PositionWeights:
    """Frequencies of sequences x (n, l), with half of a count of each letter, shared out as all positions have them,
    or as the `prior` has them at the position: of a few sequences those of one set alone would say little."""
    target = _targets(x, letters)
    counts = np.stack([(target == letter).sum(axis=0) for letter in range(letters + 1)], axis=1).astype(np.float64)
    everywhere = counts.sum(axis=0) + PSEUDO
    share = everywhere / everywhere.sum() if prior is None else prior.probability
    counts += PSEUDO * (letters + 1) * share
    counts[0, letters] = 0  # no sequence is empty,
    counts[-1, :letters] = 0  # and none is longer than the longest
    return PositionWeights(counts / counts.sum(axis=1, keepdims=True))


def _targets(x: npt.NDArray[Any], letters: int) -> npt.NDArray[np.int64]:
    """(n, l + 1): the letters, then `letters` once for the end, −1 behind it."""
    x = np.concatenate([ended(x), np.full((len(x), 1), -1, dtype=np.int8)], axis=1).astype(np.int64)
    first = (x < 0) & ((x < 0).cumsum(axis=1) == 1)
    return np.where(first, letters, x)
