"""Sequences: letters of an alphabet, up to a common length; measured by the shares of their k-mers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.errors import InputError
from core.modalities import kmers
from core.modalities.base import Array, Observation
from core.words import count


class Sequence(Observation):
    """(l,) int8 places in the alphabet, −1 behind the end."""

    modality = "sequence"
    made = np.int8
    space = "shares of k-mers"
    plain = 0  # shares of words that overlap: always rotated

    @property
    def shape(self) -> tuple[int, ...]:
        """(1, words): the shares of its k-mers, which have one unit."""
        return (1, len(kmers.names(self.alphabet)))

    def code(self, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Roots of the shares of k-mers, (k, 1, words) float32: sequences of any length are compared by them."""
        return kmers.shares(x, len(self.alphabet))[:, None]

    def between(self, x: npt.NDArray[Any], y: npt.NDArray[Any], t: float) -> npt.NDArray[Any]:
        """A share t of the places where the two differ has the letter of y: letters change one after the other."""
        turn = np.random.default_rng(0).random(x.shape)
        return np.where(turn < t, y, x).astype(np.int8)

    def matched(self, other: Observation, x: npt.NDArray[Any], own: list[str], theirs: list[str]) -> npt.NDArray[Any]:
        """Cut or continued to the own length."""
        if other.alphabet != self.alphabet:
            raise InputError(f"The file holds letters of {other.alphabet}; this model was trained on {self.alphabet}.")
        length = self.stored[0]
        fitted = np.full((len(x), length), -1, dtype=np.int8)
        fitted[:, : x.shape[1]] = x[:, :length]
        return fitted

    def generated(self, y: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return y.astype(np.int8)

    def spelled(self, y: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
        """ "letters" (…,), each sequence up to its end; "alphabet"; "length", of places."""
        words = spell(y.reshape(-1, self.stored[0]), self.alphabet)
        letters = np.array(words, dtype=np.str_).reshape(y.shape[:-1])
        return {"letters": letters, "alphabet": np.array(self.alphabet), "length": np.array(self.stored[0])}

    def scale(self, deviation: Array) -> Array:
        """One unit for all words keeps rare ones from counting as much as common ones."""
        return np.full_like(deviation, max(float(np.sqrt(np.square(deviation).mean())), 1e-8))

    def coordinates(self, feature: list[str]) -> list[str]:
        """The k-mers: "A", …, "TTTT"."""
        return kmers.names(self.alphabet)

    @property
    def words(self) -> str:
        """ "up to 110 letters"."""
        return f"up to {count(self.stored[0], 'letter')}"


def spell(x: npt.NDArray[Any], alphabet: str) -> list[str]:
    """(n, l) places in the alphabet as text; what stands behind the first −1 of a sequence does not count."""
    table = np.frombuffer(f"{alphabet}\0".encode("utf-32-le"), dtype=np.uint32)
    codes = np.where((np.asarray(x) < 0).cumsum(axis=1) > 0, len(alphabet), x)
    rows = np.ascontiguousarray(table[codes])
    return [row.tobytes().decode("utf-32-le").rstrip("\0") for row in rows]
