"""The axes along which observations are drawn: features, or principal components where there are many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.modalities.base import Observation

Array = npt.NDArray[Any]

FEW = 3  # up to so many features one looks at the features themselves
COMPONENTS = 4
LEADING = 8  # features whose densities are drawn


@dataclass(frozen=True)
class Axes:
    """Names of axes and where an observation lies along each.

    Attributes:
        observation: what is drawn.
        features: (d,) names of its numbers.
        mean, scale: (d,) of the observations that the components were fitted to.
        components: (d, c) principal axes of the standardised observations; c is 0 for few features.
        explained: (c,) share of the variance along each.
    """

    observation: Observation
    features: tuple[str, ...]
    mean: Array
    scale: Array
    components: Array
    explained: Array

    @property
    def names(self) -> list[str]:
        """Components first, then features."""
        return [*(f"PC{i + 1}" for i in range(self.components.shape[1])), *self.features]

    def title(self, name: str) -> str:
        """The axis title: a component with its share of the variance."""
        i = self.names.index(name)
        return f"{name} ({self.explained[i]:.0%} of the variance)" if i < len(self.explained) else name

    def plane(self, x: Array, horizontal: str, vertical: str) -> Array:
        """(n, *stored) observations → (n, 2) coordinates along two named axes."""
        flat = self.numbers(x)
        return np.stack([self._along(flat, name) for name in (horizontal, vertical)], axis=1)

    def numbers(self, x: Array) -> Array:
        """(n, *stored) observations → (n, d) float64 numbers."""
        return np.asarray(self.observation.code(np.asarray(x)), dtype=np.float64).reshape(len(x), -1)

    def leading(self, flat: Array) -> list[int]:
        """Places of the features that vary most over numbers (n, d), in units of `scale`; eight at most."""
        return sorted(np.argsort(-flat.std(axis=0) / self.scale, kind="stable")[:LEADING].tolist())

    def _along(self, flat: Array, name: str) -> Array:
        i, c = self.names.index(name), self.components.shape[1]
        if i >= c:
            return np.asarray(flat[:, i - c])
        return np.asarray((flat - self.mean) / self.scale @ self.components[:, i])


def fit_axes(x: Array, observation: Observation, features: Sequence[str]) -> Axes:
    """Axes for observations like x (n, *stored), whose numbers are called `features`."""
    flat = np.asarray(observation.code(x), dtype=np.float64).reshape(len(x), -1)
    mean, deviation = flat.mean(axis=0), flat.std(axis=0)
    scale = np.where(deviation > 1e-8, deviation, 1.0)
    if flat.shape[1] <= FEW:
        nothing = np.zeros((flat.shape[1], 0))
        return Axes(observation, tuple(features), mean, scale, nothing, np.zeros(0))
    _, singular, axes = np.linalg.svd((flat - mean) / scale, full_matrices=False)
    share = np.square(singular) / max(float(np.square(singular).sum()), 1e-12)
    return Axes(observation, tuple(features), mean, scale, axes[:COMPONENTS].T, share[:COMPONENTS])
