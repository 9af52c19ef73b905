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

    plain: ClassVar[int] = 8
    """Features up to which models take it in its own coordinates; more are rotated to principal components."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape as numbers, which is what networks and distances see."""
        return self.stored

    @property
    def d(self) -> int:
        """How many numbers it is."""
        return math.prod(self.shape)

    @classmethod
    def of_shape(cls, shape: tuple[int, ...], alphabet: str = "") -> Observation:
        """The observation whose numbers have `shape`."""
        return cls(tuple(shape), alphabet)

    def code(self, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Stored observations (k, *stored) as numbers (k, *shape)."""
        return x

    @abstractmethod
    def matched(self, other: Observation, x: npt.NDArray[Any], own: list[str], theirs: list[str]) -> npt.NDArray[Any]:
        """Stored observations x (k, *stored) of another collection of the modality as numbers (k, *shape) of this one.

        `own` and `theirs` are the names of the features. Raises InputError where they are not the same things.
        """

    def generated(self, y: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Numbers (k, *shape) from a model in the type of those that `code` gives."""
        return y.astype(np.float32)

    def spelled(self, y: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
        """What an export holds beside the numbers y (…, *shape) for a reader: nothing, unless they code something."""
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
