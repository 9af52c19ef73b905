"""The written forms of a call in text tables, and a parser that turns a line of them into int8."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import MISSING, Calls
from core.errors import InputError

_ABSENT = (
    "", "NA", "NaN", "nan", "N/A", "na", "-9", "-1", "-1.0", ".", "./.", ".|.", "./", "N", "NN", "-", "--", "?", "9",
)  # fmt: skip
CODES: dict[bytes, int] = {
    **{code.encode(): MISSING for code in (*_ABSENT, "-9.0", "null", "NULL", "./0", "0/.", "./1", "1/.", ".|0", "0|.")},
    **{code.encode(): MISSING for code in (".|1", "1|.")},
    **{code.encode(): 0 for code in ("0", "0.0", "0.", "0/0", "0|0", "+0", "00.0")},
    **{code.encode(): 1 for code in ("1", "1.0", "1.", "0/1", "1/0", "0|1", "1|0", "+1")},
    **{code.encode(): 2 for code in ("2", "2.0", "2.", "1/1", "1|1", "+2")},
}
_DECIMAL = re.compile(rb"[0-2](\.\d+)?([eE][-+]?\d+)?|\.\d+|\d(\.\d+)?[eE]-\d+")
_NUCLEOTIDES = re.compile(rb"[ACGTacgt][/|]?[ACGTacgt]")
_OTHER_ALLELE = re.compile(rb"\d+[/|]\d+")
_INVALID = -128

_BY_BYTE = np.full(256, _INVALID, dtype=np.int8)
for _code, _count in CODES.items():
    if len(_code) == 1:
        _BY_BYTE[_code[0]] = _count


class LineParser:
    """Lines of `width` calls with one delimiter; keeps count of dosages that had to be rounded."""

    def __init__(self, width: int, delimiter: bytes, name: str) -> None:
        self.width = width
        self.delimiter = delimiter
        self.name = name
        self.rounded = 0
        self._codes = dict(CODES)

    def parse(self, text: bytes, number: int, first_column: int) -> Calls:
        """(width,) calls of one line; `number` and `first_column` (both from 1) are for the message.

        Raises InputError naming line and column for anything that is no call, and for another number of calls.
        """
        quick = self._single_characters(text)
        if quick is not None:
            return quick
        cells = text.split() if self.delimiter == b" " else text.split(self.delimiter)
        if len(cells) != self.width:
            raise InputError(
                f"{self.name} has {len(cells) + first_column - 1:,} columns in line {number:,} where "
                f"{self.width + first_column - 1:,} are expected; check the delimiter and empty cells."
            )
        try:
            return np.array([self._codes[cell] for cell in cells], dtype=np.int8)
        except KeyError:
            return self._with_new_codes(cells, number, first_column)

    def _single_characters(self, text: bytes) -> Calls | None:
        """The common case, a digit and a delimiter in turn, without a Python object a call."""
        if len(text) != 2 * self.width - 1:
            return None
        raw: npt.NDArray[Any] = np.frombuffer(text, dtype=np.uint8)
        if (raw[1::2] != self.delimiter[0]).any():
            return None
        calls: Calls = _BY_BYTE[raw[::2]]
        return None if calls.min() == _INVALID else calls

    def _with_new_codes(self, cells: list[bytes], number: int, first_column: int) -> Calls:
        calls = np.empty(len(cells), dtype=np.int8)
        for j, cell in enumerate(cells):
            code = self._codes.get(cell)
            if code is None:
                code = self._learn(cell.strip(b" \"'"), number, first_column + j)
                if len(self._codes) < 100_000:
                    self._codes[cell] = code
            if cell not in CODES and _is_inexact(cell):
                self.rounded += 1
            calls[j] = code
        return calls

    def _learn(self, cell: bytes, number: int, place: int) -> int:
        if cell in CODES:
            return CODES[cell]
        if _DECIMAL.fullmatch(cell) and float(cell) <= 2:
            return int(np.rint(float(cell)))
        shown = cell[:20].decode("utf-8", "replace")
        where = f"{self.name} holds {shown!r} in line {number:,}, column {place:,}"
        if _NUCLEOTIDES.fullmatch(cell):
            raise InputError(
                f"{where}, a pair of nucleotides; counts 0, 1, 2 or 0/1 are expected: recode it, or give a VCF."
            )
        if _OTHER_ALLELE.fullmatch(cell):
            raise InputError(
                f"{where}; only the alleles 0 and 1 are read from text: split multi-allelic variants first."
            )
        raise InputError(f"{where}; counts 0, 1, 2, pairs 0/1, or NA, -9, . for missing are expected: mend that cell.")


def is_call(cell: bytes) -> bool:
    """Whether a cell can be a call (an empty one can: it is missing)."""
    return cell in CODES or (_DECIMAL.fullmatch(cell) is not None and float(cell) <= 2)


def _is_inexact(cell: bytes) -> bool:
    try:
        value = float(cell.strip(b" \"'"))
    except ValueError:
        return False
    return abs(value - round(value)) > 1e-6
