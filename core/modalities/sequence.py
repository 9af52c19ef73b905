"""Sequences: DNA or proteins of up to a common length, one-hot coded."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.modalities.base import Observation
from core.words import count


class Sequence(Observation):
    """(l,) int8 indices into the alphabet, -1 behind the end."""

    modality = "sequence"

    @property
    def letters(self) -> list[str]:
        """The alphabet, and one letter more for "behind the end"."""
        return [*self.alphabet, "end"]

    @property
    def shape(self) -> tuple[int, ...]:
        """One place a letter and position: (l · letters,)."""
        return (self.stored[0] * len(self.letters),)

    @classmethod
    def of_shape(cls, shape: tuple[int, ...], alphabet: str = "") -> Sequence:
        return cls((shape[0] // (len(alphabet) + 1),), alphabet)

    def code(self, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """One-hot, uint8."""
        end = len(self.alphabet)
        return np.eye(end + 1, dtype=np.uint8)[np.where(x < 0, end, x)].reshape(len(x), -1)

    def coordinates(self, feature: list[str]) -> list[str]:
        """Letters at positions: "12A"."""
        return [f"{i + 1}{letter}" for i in range(self.stored[0]) for letter in self.letters]

    @property
    def words(self) -> str:
        """ "110 letters"."""
        return count(self.stored[0], "letter")
