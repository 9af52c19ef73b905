"""What an observation is to those who code, measure, bound and name it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from core.words import count

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Observation(ABC):
    """One observation of a collection of sets.

    Attributes:
        stored: its shape in a `SetCollection`: (d,) features, (c, h, w) pixels or (l,) letters.
        alphabet: the letters of a sequence, "" otherwise.
    """

    stored: tuple[int, ...]
    alphabet: str = ""

    modality: ClassVar[str]
    """Its name, and the noun for one of them."""

    bounds: ClassVar[tuple[float, float] | None] = None
    """The smallest and the largest value that its numbers can take, None where they are unbounded."""

    space: ClassVar[str] = "standardised features"
    """What `scale` makes of its numbers, in words."""

    made: ClassVar[type] = np.float32
    """The type of what a model generates."""

    plain: ClassVar[int] = 8
    """Features up to which models take it in its own coordinates; more are rotated to principal components."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape as numbers, which is what distances and most networks see."""
        return self.stored

    @property
    def d(self) -> int:
        """How many numbers it is."""
        return math.prod(self.shape)

    def code(self, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Stored observations (k, *stored) as numbers (k, *shape)."""
        return x

    def between(self, x: npt.NDArray[Any], y: npt.NDArray[Any], t: float) -> npt.NDArray[Any]:
        """(k, *stored) what lies at t from 0 to 1 on the straight way from each of x to its partner in y."""
        return ((1 - t) * x + t * y).astype(np.float32)

    @abstractmethod
    def matched(self, other: Observation, x: npt.NDArray[Any], own: list[str], theirs: list[str]) -> npt.NDArray[Any]:
        """Observations x of another collection of the modality as this one stores them: (k, *stored).

        `own` and `theirs` are the names of the features. Raises InputError where they are not the same things.
        """

    def generated(self, y: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Observations (k, *stored) from a model in the type in which a collection stores them."""
        return y.astype(np.float32)

    def spelled(self, y: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
        """What an export holds beside the observations y (…, *stored) for a reader: nothing, unless they are a code."""
        return {}

    def scale(self, deviation: Array) -> Array:
        """(d,) units in which distances are measured, from the deviation (d,) of each number: by default its own."""
        return np.where(deviation > 1e-8, deviation, 1.0)

    def coordinates(self, feature: list[str]) -> list[str]:
        """The names of its d numbers; `feature` are the names that the collection has for them, if any."""
        return feature or [f"x{i + 1}" for i in range(self.d)]

    @property
    @abstractmethod
    def words(self) -> str:
        """Its size for a reader."""

    def many(self, k: int) -> str:
        """k observations for a reader: "240 images of 32 × 32 pixels"."""
        return f"{count(k, self.modality)} of {self.words}"
