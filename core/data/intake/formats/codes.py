"""The written forms of a call in text tables, and a parser that turns a line of them into int8."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import MISSING, Calls
from core.data.intake.coding import COUNTS, Coding, Tally, remarks, unsure
from core.errors import InputError

_ABSENT = (
    "", "NA", "NaN", "nan", "N/A", "na", ".", "./.", ".|.", "./", "N", "NN", "-", "--", "?", "null", "NULL", "./0",
    "0/.", "./1", "1/.", ".|0", "0|.", ".|1", "1|.",
)  # fmt: skip
WORDS = frozenset(code.encode() for code in _ABSENT)
PAIRS: dict[bytes, int] = {
    **{code.encode(): 0 for code in ("0/0", "0|0")},
    **{code.encode(): 1 for code in ("0/1", "1/0", "0|1", "1|0")},
    **{code.encode(): 2 for code in ("1/1", "1|1")},
}
_NUMBER = re.compile(rb"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_DECIMAL_COMMA = re.compile(rb"[-+]?\d+,\d*")
_NUCLEOTIDES = re.compile(rb"[ACGTacgt][/|:]?[ACGTacgt]|[ACGT]|[RYSWKM]")
_OTHER_ALLELE = re.compile(rb"\d+[/|]\d+")
_INVALID = -128
_CODES_MAX = 100_000  # distinct dosages whose counts are remembered


class LineParser:
    """Lines of `width` calls with one delimiter; keeps a tally of all values for the judgement of the coding.

    A number that is no genotype in `coding` is read as missing: the judgement, which comes after, has seen it.
    """

    def __init__(self, width: int, delimiter: bytes, name: str, coding: Coding = COUNTS) -> None:
        self.width = width
        self.delimiter = delimiter
        self.name = name
        self.coding = coding
        self._tally = Tally()
        self._inexact = self._middle = 0
        self._odd: dict[float, tuple[int, int]] = {}  # numbers that are no counts, and where the first one stands
        self._cells: Counter[bytes] = Counter()  # since the tally was last brought up to date
        self._codes: dict[bytes, int] = dict.fromkeys(WORDS, MISSING) | (PAIRS if coding is COUNTS else {})
        self._by_byte = np.full(256, _INVALID, dtype=np.int8)
        for one in b"0123456789NX-?.":
            if (cell := bytes([one])) in WORDS or cell in (b"0", b"1", b"2", b"9"):
                self._by_byte[one] = self._code(cell, 0, 0)

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
        self._cells.update(cells)
        if len(self._cells) > _CODES_MAX:
            self._sum_up()
        try:
            return np.array([self._codes[cell] for cell in cells], dtype=np.int8)
        except KeyError:
            return self._with_new_codes(cells, number, first_column)

    def tally(self) -> Tally:
        """All values of the lines so far."""
        self._sum_up()
        return self._tally

    def remarks(self) -> list[str]:
        """What is said of rounded dosages."""
        self._sum_up()
        return remarks(self._inexact, self._middle)

    def where(self, value: float) -> str:
        """The first place of a number that is no count."""
        line, column = self._odd.get(value, (0, 0))
        return f"line {line:,}, column {column:,}" if line else "a cell"

    def _sum_up(self) -> None:
        numbers: Counter[float] = Counter()
        for cell, times in self._cells.items():
            plain = _plain(cell)
            if plain in PAIRS:
                self._tally.pairs = True
            elif plain in WORDS:
                self._tally.words += times
            else:
                numbers[float(plain)] += times
        self._cells = Counter()
        for value, times in numbers.items():
            self._tally.count(value, times)
        inexact, middle = unsure(self.coding.counts(np.array(list(numbers), dtype=np.float64))[1])
        cells = np.array(list(numbers.values()), dtype=np.int64)
        self._inexact += int(cells[inexact].sum())
        self._middle += int(cells[middle].sum())

    def _single_characters(self, text: bytes) -> Calls | None:
        """The common case, a digit and a delimiter in turn, without a Python object a call."""
        if len(text) != 2 * self.width - 1:
            return None
        raw: npt.NDArray[Any] = np.frombuffer(text, dtype=np.uint8)
        if (raw[1::2] != self.delimiter[0]).any():
            return None
        calls: Calls = self._by_byte[raw[::2]]
        if calls.min() == _INVALID:
            return None
        self._cells.update({bytes([b]): n for b, n in enumerate(np.bincount(raw[::2]).tolist()) if n})
        return calls

    def _with_new_codes(self, cells: list[bytes], number: int, first_column: int) -> Calls:
        calls = np.empty(len(cells), dtype=np.int8)
        for j, cell in enumerate(cells):
            code = self._codes.get(cell)
            if code is None:
                code = self._code(cell, number, first_column + j)
                if len(self._codes) < _CODES_MAX:
                    self._codes[cell] = code
            calls[j] = code
        return calls

    def _code(self, cell: bytes, number: int, place: int) -> int:
        plain = _plain(cell)
        if plain in WORDS:
            return MISSING
        if plain in PAIRS and self.coding is COUNTS:
            return PAIRS[plain]
        if not _NUMBER.fullmatch(plain):
            shown = plain[:20].decode("utf-8", "replace")
            raise InputError(_refusal(plain, f"{self.name} holds {shown!r} in line {number:,}, column {place:,}"))
        count = int(self.coding.counts(np.array([float(plain)]))[0][0])
        if 0 <= count <= 2:
            return count
        self._odd.setdefault(float(plain), (number, place))
        return MISSING


def is_call(cell: bytes, *, any_number: bool = False) -> bool:
    """Whether a cell can be a call in some coding (an empty one can: it is missing), or is any number at all."""
    plain = _plain(cell)
    if plain in WORDS or plain in PAIRS:
        return True
    return _NUMBER.fullmatch(plain) is not None and (any_number or -1 <= float(plain) <= 3 or abs(float(plain)) == 9)


def _plain(cell: bytes) -> bytes:
    """A cell without quotes and blanks, a decimal comma as a point."""
    plain = cell.strip(b" \"'")
    return plain.replace(b",", b".") if _DECIMAL_COMMA.fullmatch(plain) else plain


def _refusal(cell: bytes, where: str) -> str:
    if _NUCLEOTIDES.fullmatch(cell):
        return f"{where}, nucleotides; counts 0, 1, 2 or 0/1 are expected: recode it, or give a VCF or HapMap file."
    if _OTHER_ALLELE.fullmatch(cell):
        return f"{where}; only the alleles 0 and 1 are read from text: split multi-allelic variants first."
    return f"{where}; counts 0, 1, 2, pairs 0/1, or NA, -9, . for missing are expected: mend that cell."
