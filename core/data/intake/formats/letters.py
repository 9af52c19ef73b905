"""Genotypes in letters (A G, AG, A/G, R, or numbers of alleles) to counts of one allele of each variant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core.data.genotypes import MISSING, Calls
from core.data.intake.tables import decode
from core.errors import InputError

Codes = npt.NDArray[np.uint16]

RARER = "Letters do not say which allele is the reference: of each variant the rarer one is counted."
_ALLELES_MAX = 65_000
SIGN, TWO, ONE, NUMBERED = "A/G", "AG", "A", "1/2"
_NUMBERED_PAIR = re.compile(rb"\d{1,3}[/|:]\d{1,3}")
_ABSENT = (b"", b"0", b"N", b"-", b".", b"?", b"X", b"NA")
# H is the heterozygote beside A and B (R/qtl), and no base of two in IUPAC either.
_IUPAC = {b"R": b"AG", b"Y": b"CT", b"S": b"CG", b"W": b"AT", b"K": b"GT", b"M": b"AC", b"H": b"AB"}
_ABSENT_PAIRS = frozenset((b"", b"NN", b"N", b"--", b"-", b"00", b"0", b"NA", b"??", b"?", b".", b"./.", b"NC", b"XX"))


class Alleles:
    """Numbers for the spellings of alleles, in order of appearance: 0 is missing, and case does not matter."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._number: dict[bytes, int] = dict.fromkeys(_ABSENT, 0)
        self.spelling: list[str] = [""]
        self._by_byte = np.full(256, _ALLELES_MAX + 1, dtype=np.uint16)

    def number(self, cell: bytes) -> int:
        """The number of one spelling."""
        known = self._number.get(cell)
        if known is not None:
            return known
        plain = cell.strip(b' "').upper()
        if plain not in self._number:
            if len(self.spelling) > _ALLELES_MAX:
                raise InputError(
                    f"{self._name} has more than {_ALLELES_MAX:,} spellings of alleles; letters such as A and G are "
                    "expected: check the columns, or convert it to PLINK bed."
                )
            self._number[plain] = len(self.spelling)
            self.spelling.append(decode(plain))
        self._number[cell] = self._number[plain]
        return self._number[plain]

    def numbers(self, cells: Sequence[bytes]) -> Codes:
        """The numbers of many spellings."""
        return np.fromiter(map(self.number, cells), dtype=np.uint16, count=len(cells))

    def line(self, text: bytes) -> Codes:
        """The numbers of the cells of a line, which blanks or tabs separate."""
        raw: npt.NDArray[np.uint8] = np.frombuffer(text, dtype=np.uint8)
        if len(raw) % 2 and ((raw[1::2] == 32) | (raw[1::2] == 9)).all() and (raw[::2] > 32).all():
            for one in np.flatnonzero(np.bincount(raw[::2], minlength=256)).tolist():
                self._by_byte[one] = self.number(bytes([one]))
            return self._by_byte[raw[::2]]
        return self.numbers(text.split())


class LetterCells:
    """Numbers for the spellings of genotypes in one cell each (AG, A/G, R), and the two alleles of each number.

    Attributes:
        first, second: (distinct cells,) numbers of the two alleles, 0 where missing.
    """

    def __init__(self, name: str) -> None:
        self.alleles = Alleles(name)
        self._name = name
        self._number: dict[bytes, int] = {}
        self._pairs: list[tuple[int, int]] = []
        self._single = self._paired = self._mixed = False
        self._letter = ""
        self.first: Codes = np.zeros(0, dtype=np.uint16)
        self.second: Codes = np.zeros(0, dtype=np.uint16)

    def line(self, cells: Sequence[bytes], number: int, first_column: int) -> Codes:
        """The numbers of the cells of a line; `number` and `first_column` (both from 1) are for the message."""
        known = self._number
        try:
            return np.array([known[cell] for cell in cells], dtype=np.uint16)
        except KeyError:
            for place, cell in enumerate(cells, first_column):
                if cell not in known:
                    self._add(cell, number, place)
            self.first, self.second = np.array(self._pairs, dtype=np.uint16).T
            return np.array([known[cell] for cell in cells], dtype=np.uint16)

    def remarks(self) -> list[str]:
        """What is said of genotypes in one letter beside pairs, or where none is a heterozygote."""
        if self._letter and self._paired:
            return [f"One letter beside pairs (such as {self._letter}) is read as a homozygote."]
        if not self.only_homozygotes:
            return []
        return ["One letter is read as a homozygote, though the file has no heterozygote; individuals may be haploid."]

    @property
    def only_homozygotes(self) -> bool:
        """Whether every genotype was one letter, and none of them a heterozygote."""
        return self._single and not self._mixed

    def _add(self, cell: bytes, number: int, place: int) -> None:
        halves = halves_of(cell)
        if halves is None or len(self._pairs) >= _ALLELES_MAX:
            raise InputError(
                f"{self._name} holds {decode(cell)[:20]!r} in line {number:,}, column {place:,}; letters of alleles "
                "such as A/G, AG or R, or N for missing are expected: mend that cell."
            )
        pair = (self.alleles.number(halves[0]), self.alleles.number(halves[1]))
        one_letter = spelling_of(cell) == ONE
        self._single = self._single or one_letter
        self._paired = self._paired or (not one_letter and pair != (0, 0))
        if one_letter and pair[0] == pair[1] != 0:
            self._letter = self._letter or decode(cell.strip(b' "'))
        self._mixed = self._mixed or (0 not in pair and pair[0] != pair[1])
        self._number[cell] = len(self._pairs)
        self._pairs.append(pair)


def absent(cell: bytes) -> bool:
    """Whether a cell says that there is no genotype."""
    return cell.strip(b' "').upper() in _ABSENT_PAIRS


def spelling_of(cell: bytes) -> str:
    """The spelling of a genotype: SIGN (A/G), TWO (AG), ONE (A or R), NUMBERED (1/2), or "" for anything else."""
    plain = cell.strip(b' "').upper()
    if _NUMBERED_PAIR.fullmatch(plain):
        return NUMBERED
    if halves_of(cell) is None or not re.search(rb"[A-Z]", plain):
        return ""
    return ONE if len(plain) == 1 else TWO if len(plain) == 2 else SIGN


def halves_of(cell: bytes) -> tuple[bytes, bytes] | None:
    """The two alleles of a cell, both b"" where it says that there is no call; None where it is no genotype."""
    plain = cell.strip(b' "').upper()
    if plain in _ABSENT_PAIRS:
        return b"", b""
    for sign in (b"/", b"|", b":", b" ", b"_"):
        if sign in plain:
            first, _, second = plain.partition(sign)
            return (first, second) if _is_allele(first) and _is_allele(second) else None
    if plain in _IUPAC:
        plain = _IUPAC[plain]
    if len(plain) == 1:
        plain *= 2
    one, two = plain[:1], plain[1:]
    return (one, two) if len(plain) == 2 and _is_allele(one) and _is_allele(two) else None


def _is_allele(text: bytes) -> bool:
    return text in _ABSENT or text.isdigit() or text in (b"I", b"D", b"+") or not text.strip(b"ACGTB*")


@dataclass
class LetterCounts:
    """Counts that grow by blocks of variants, and what is said of them.

    Attributes:
        pairs: (other, counted) allele of each variant kept, "" where it was not seen.
        kept: of each variant seen, whether it was kept.
        multiallelic, unlisted, half: variants with more than two alleles, variants with an allele beyond the two that
            the file lists, and calls of which one allele is missing.
        chosen: variants whose counted allele is the rarer one, as nothing told it.
    """

    alleles: Alleles
    pairs: list[tuple[str, str]] = field(default_factory=list)
    kept: list[bool] = field(default_factory=list)
    multiallelic: int = 0
    unlisted: int = 0
    half: int = 0
    chosen: int = 0

    def add(self, first: Codes, second: Codes, listed: Sequence[tuple[str, str]] | None = None) -> Calls:
        """Counts (kept, n) of a block of (r, n) first and second alleles; `listed` gives (other, counted) of each."""
        both = np.concatenate([first, second], axis=1)
        absent = (first == 0) | (second == 0)
        self.half += int((absent & ((first != 0) | (second != 0))).sum())
        if listed is None:
            other, counted = self._by_frequency(both)
        else:
            numbers = [[self.alleles.number(one.encode()) for one in pair] for pair in listed]
            other, counted = np.array(numbers, dtype=np.uint16).reshape(-1, 2).T
            other, counted = self._completed(both, other, counted)
            unnamed = np.flatnonzero((other == 0) & (counted == 0))
            if len(unnamed):
                other[unnamed], counted[unnamed] = self._by_frequency(both[unnamed])
        beyond = ((both != 0) & (both != other[:, None]) & (both != counted[:, None])).any(axis=1)
        if listed is None:
            self.multiallelic += int(beyond.sum())
        else:
            self.unlisted += int(beyond.sum())
        # An allele that nobody has, and no file names, has the number 0, as missing has.
        is_counted = (counted[:, None] != 0) & (np.stack([first, second]) == counted[:, None])
        counts = np.where(absent, MISSING, is_counted.sum(axis=0)).astype(np.int8)
        spelling = self.alleles.spelling
        self.kept += (~beyond).tolist()
        self.pairs += [
            (spelling[a], spelling[b])
            for a, b, wrong in zip(other.tolist(), counted.tolist(), beyond.tolist(), strict=True)
            if not wrong
        ]
        return np.ascontiguousarray(counts[~beyond])

    def dropped(self) -> dict[str, int]:
        """Reasons and numbers of the variants that were not kept."""
        reasons = {"multi-allelic": self.multiallelic, "allele that the file does not list": self.unlisted}
        return {reason: count for reason, count in reasons.items() if count}

    def remarks(self) -> list[str]:
        """What is said of alleles and half calls."""
        notes = [RARER] if self.chosen else []
        if self.half:
            notes.append(f"{self.half:,} half calls (one allele of two known) are read as missing.")
        return notes

    def _by_frequency(self, both: Codes) -> tuple[Codes, Codes]:
        """(other, counted) of each row: the commoner and the rarer allele, 0 for a second that nobody has."""
        high = both.max(axis=1)
        low = np.where(both == 0, np.iinfo(np.uint16).max, both).min(axis=1)
        low = np.minimum(low, high)  # a row without any call
        lows, highs = (both == low[:, None]).sum(axis=1), (both == high[:, None]).sum(axis=1)
        names = np.array(self.alleles.spelling)
        rarer_low = (lows < highs) | ((lows == highs) & (names[low] > names[high]))
        single = low == high
        self.chosen += int((~single).sum())
        counted = np.where(single, 0, np.where(rarer_low, low, high)).astype(np.uint16)
        return np.where(rarer_low & ~single, high, low).astype(np.uint16), counted

    def _completed(self, both: Codes, other: Codes, counted: Codes) -> tuple[Codes, Codes]:
        """Where the file leaves one of the two alleles open, it is the one that the calls have besides."""
        open_rows = np.flatnonzero((other == 0) | (counted == 0))
        for row in open_rows.tolist():
            seen = [one for one in np.unique(both[row]).tolist() if one not in (0, other[row], counted[row])]
            if len(seen) == 1:
                if other[row] == 0 and counted[row] != 0:
                    other[row] = seen[0]
                elif counted[row] == 0 and other[row] != 0:
                    counted[row] = seen[0]
        return other, counted


def kept_of(values: Iterable[str], kept: Sequence[bool]) -> list[str]:
    """The entries of the variants that were kept."""
    return [value for value, keep in zip(values, kept, strict=True) if keep]
