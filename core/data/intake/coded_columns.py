"""Columns of very long tables: each distinct word is kept once, and each row as the number of its word."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Strings
from core.data.intake.formats.observations import Column
from core.data.intake.typed_columns import typed_column

DISTINCT_MAX = 300_000  # words of a column; one with more names the rows, or holds measurements
_LONG = 1_000_000  # rows from which a column of words shares them, instead of four bytes a letter in every row


class CodedColumn:
    """A column that grows by blocks of rows.

    A column of more than `DISTINCT_MAX` distinct words is `lost`, unless they are numbers: then these are kept alone.
    """

    def __init__(self, rows: int = 0) -> None:
        """`rows` rows without a word stand before the first that is added."""
        self._number: dict[str, int] = {"": 0}
        self._codes = array("i", bytes(4 * rows))
        self._measured: array[float] | None = None
        self.lost = False

    def __len__(self) -> int:
        return len(self._codes if self._measured is None else self._measured)

    def add(self, cells: Sequence[str]) -> None:
        """Rows behind those that are there."""
        if self.lost:
            return
        if self._measured is not None:
            self._add_numbers(cells)
            return
        number = self._number
        self._codes.extend([number.setdefault(cell, len(number)) for cell in cells])
        if len(number) > DISTINCT_MAX:
            self._settle()

    def values(self, keep: npt.NDArray[np.bool_]) -> tuple[Column, Strings | None]:
        """The rows at `keep` as words, or as float64 beside how they are written (None where that was not kept)."""
        if self._measured is not None:
            return np.frombuffer(self._measured, dtype=np.float64)[keep], None
        codes = np.frombuffer(self._codes, dtype=np.int32)[keep]
        used = np.bincount(codes, minlength=len(self._number)) > 0
        place = np.cumsum(used) - 1
        words = [word for word, some in zip(self._number, used.tolist(), strict=True) if some]
        typed = typed_column(words)
        codes = place[codes]
        texts = _spread(typed.strings(), codes)
        return (texts, None) if typed.numbers is None else (typed.numbers[codes], texts)

    def _settle(self) -> None:
        """Numbers instead of words where all are numbers; nothing otherwise."""
        words = list(self._number)
        codes, self._codes, self._number = self._codes, array("i"), {}
        typed = typed_column(words)
        if typed.numbers is None:
            self.lost = True
            return
        self._measured = array("d", typed.numbers[np.frombuffer(codes, dtype=np.int32)].tobytes())

    def _add_numbers(self, cells: Sequence[str]) -> None:
        typed = typed_column(cells)
        if typed.numbers is None and any(typed.text):
            self.lost, self._measured = True, None
            return
        numbers = np.full(len(cells), np.nan) if typed.numbers is None else typed.numbers
        if self._measured is not None:
            self._measured.frombytes(numbers.astype(np.float64).tobytes())


def coded(columns: dict[str, list[str]]) -> dict[str, CodedColumn]:
    """Whole columns as coded ones."""
    every = {}
    for name, cells in columns.items():
        every[name] = CodedColumn()
        every[name].add(cells)
    return every


def _spread(words: Strings, codes: npt.NDArray[Any]) -> Strings:
    """The word of each row; of very many rows an array of objects, in which equal words are one."""
    if len(codes) < _LONG:
        return words[codes]
    shared: Strings = np.array(words.tolist(), dtype=object)[codes]
    return shared
