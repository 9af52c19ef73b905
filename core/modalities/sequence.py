"""Sequences: DNA or proteins of up to a common length, one-hot coded."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.errors import InputError
from core.modalities.base import Observation
from core.words import count


class Sequence(Observation):
    """(l,) int8 indices into the alphabet, -1 behind the end."""

    modality = "sequence"
    space = "standardised letters"

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

    def matched(self, other: Observation, x: npt.NDArray[Any], own: list[str], theirs: list[str]) -> npt.NDArray[Any]:
        """Cut or continued to the own length."""
        if other.alphabet != self.alphabet:
            raise InputError(f"The file holds letters of {other.alphabet}; this model was trained on {self.alphabet}.")
        length = self.stored[0]
        fitted = np.full((len(x), length), -1, dtype=np.int8)
        fitted[:, : x.shape[1]] = x[:, :length]
        return self.code(fitted)

    def spelled(self, y: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
        """ "letters" (…,), the likeliest letter of each place up to the first end; "alphabet"; "length", of places."""
        codes = y.reshape(*y.shape[:-1], self.stored[0], len(self.letters)).argmax(axis=-1)
        ended = (codes == len(self.alphabet)).cumsum(axis=-1) > 0
        spelling = np.array([*self.alphabet, ""])[np.where(ended, len(self.alphabet), codes)]
        words = ["".join(one) for one in spelling.reshape(-1, self.stored[0])]
        letters = np.array(words, dtype=np.str_).reshape(y.shape[:-1])
        return {"letters": letters, "alphabet": np.array(self.alphabet), "length": np.array(self.stored[0])}

    def coordinates(self, feature: list[str]) -> list[str]:
        """Letters at positions: "12A"."""
        return [f"{i + 1}{letter}" for i in range(self.stored[0]) for letter in self.letters]

    @property
    def words(self) -> str:
        """ "up to 110 letters"."""
        return f"up to {count(self.stored[0], 'letter')}"
