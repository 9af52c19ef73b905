"""Which numbers stand for which genotype: judged from all distinct values of a file and how they lie, never by cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core.data.genotypes import MISSING, Calls
from core.errors import InputError

Floats = npt.NDArray[np.float64]

MISSING_NUMBERS = frozenset({-9.0, -127.0, 9.0, 255.0})
"""PLINK's text, bed-reader's, EIGENSTRAT's, and -1 in uint8; -1 itself is missing or a homozygote, as the rest says."""

MIDDLE = 0.1
"""A dosage nearer than this to the middle between two counts is no sure call."""

_DISTINCT_MAX = 50_000  # beyond that many the values are dosages, and only their range matters
_HETEROZYGOUS = 0.6  # of a variant's calls; more heterozygotes are no cohort
_MISSING_OFTEN = 0.3
_SLIPS = 0.005  # of the cells
_RARE = 0.1  # of the cells; a 0 that so few hold beside 1, 2, 3 stands for missing
_SPREAD = 0.3  # of the variants; a value that so few have is no genotype


@dataclass(frozen=True)
class Coding:
    """How numbers are turned into counts of an allele.

    Attributes:
        name: as the import option `coding` has it.
        title: what the remark calls it.
        to_count: from values to counts, not rounded; elementwise.
        missing: numbers that stand for no call.
        diploid: whether it can only be of diploid individuals.
    """

    name: str
    title: str
    to_count: Callable[[Floats], Floats]
    missing: frozenset[float] = MISSING_NUMBERS | {-1.0}
    diploid: bool = True

    def counts(self, values: Floats) -> tuple[Calls, Floats]:
        """int8 counts with missing -1, and the counts before rounding (NaN where missing); shapes as `values`.

        A value that is no genotype in this coding gives a count outside 0..2.
        """
        absent = np.isnan(values) | np.isin(values, list(self.missing))
        exact = np.where(absent, np.nan, self.to_count(values))
        nearest = np.rint(np.clip(np.nan_to_num(exact), -100, 100))
        return np.where(absent, MISSING, nearest).astype(np.int8), exact


COUNTS = Coding("counts", "counts 0, 1, 2 of an allele", lambda x: x, diploid=False)
CENTRED = Coding(
    "centred", "counts less one (-1, 0, 1, as rrBLUP and sommer have them)", lambda x: x + 1, MISSING_NUMBERS
)
SHARES = Coding("shares", "shares 0, 0.5, 1 of the major allele (as TASSEL has them)", lambda x: 2 - 2 * x)
FROM_ONE = Coding(
    "from_one", "genotypes 1, 2, 3 with 2 for the heterozygote", lambda x: x - 1, MISSING_NUMBERS | {-1.0, 0.0}
)
HETEROZYGOTE_LAST = Coding(
    "heterozygote_last",
    "0 and 1 for the homozygotes and 2 for the heterozygote (as DArT has them)",
    lambda x: np.select([x == 1, x == 2], [2.0, 1.0], x),
)
CODINGS = {one.name: one for one in (COUNTS, CENTRED, SHARES, FROM_ONE, HETEROZYGOTE_LAST)}


@dataclass
class Tally:
    """The distinct values of a file with their numbers of cells.

    Attributes:
        numbers: value → cells.
        words: cells that say in a word or a sign that there is no call, such as NA.
        pairs: whether calls are written as pairs, such as 0/1.
        low, high: the least and the largest number, also where `numbers` is full.
    """

    numbers: Counter[float] = field(default_factory=Counter)
    words: int = 0
    pairs: bool = False
    low: float = np.inf
    high: float = -np.inf

    def add(self, block: npt.NDArray[np.generic]) -> None:
        """The numbers of a block; NaN is a word."""
        values, times = np.unique(block, return_counts=True)
        for value, cells in zip(values.astype(np.float64).tolist(), times.tolist(), strict=True):
            self.count(value, cells)

    def count(self, value: float, cells: int) -> None:
        """One value that stands in so many cells."""
        if np.isnan(value):
            self.words += cells
            return
        if value not in MISSING_NUMBERS:
            self.low, self.high = min(self.low, value), max(self.high, value)
        if value in self.numbers or len(self.numbers) < _DISTINCT_MAX:
            self.numbers[value] += cells


def judge(
    tally: Tally, calls: Calls, name: str, asked: str = "auto", where: Callable[[float], str] = lambda _: "a cell"
) -> tuple[Coding, list[str]]:
    """The coding of a file, with a remark where it is not the usual one.

    Args:
        tally: all values of the file.
        calls: (variants, individuals) int8 as counts would give them, values outside 0..2 as -1.
        name: of the file, for the sentence.
        asked: the import option; what was asked for is held against the values.
        where: the first place of a value, as in "row 1, column 3", for the sentence.

    Raises InputError where the values fit no coding, or several.
    """
    present = {v for v in tally.numbers if v not in MISSING_NUMBERS}
    if asked != "auto":
        chosen = CODINGS[asked]
        _require_fit(chosen, present, name)
        return chosen, []
    if tally.pairs or not present:
        return COUNTS, []
    _refuse_slips(tally, present, name, where)
    coding = _judged(tally, present, calls, name)
    if coding is COUNTS:
        return coding, []
    return coding, [
        f"The values are read as {coding.title}; set coding=counts, or another, if they are something else."
    ]


def remarks(inexact: int, middle: int) -> list[str]:
    """What is said of dosages: how many were rounded, and how many of them were hardly nearer to one count."""
    if not inexact:
        return []
    unsure = f"; {middle:,} of them lie within {MIDDLE} of the middle between two counts" if middle else ""
    return [f"{inexact:,} dosages were rounded to the nearest count{unsure}."]


def unsure(exact: Floats) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which counts are not whole, and which of these lie near the middle between two; NaN is neither."""
    apart = np.abs(exact - np.rint(exact))
    return apart > 1e-6, apart >= 0.5 - MIDDLE


def _refuse_slips(tally: Tally, present: set[float], name: str, where: Callable[[float], str]) -> None:
    """A few cells that are no counts among many that are: a slip, whose place is worth more than a theory."""
    odd = {v: tally.numbers[v] for v in present if not -1 <= v <= 2}
    total, cells = tally.numbers.total(), sum(odd.values())
    if odd and cells <= max(1, _SLIPS * total) and total - cells >= 3:
        first = min(odd)
        others = f" (and {cells - 1:,} more such cells)" if cells > 1 else ""
        copies = " (individuals of more than two copies are not read)" if odd.keys() <= {3.0, 4.0, 5.0, 6.0} else ""
        raise InputError(
            f"{name} holds the value {first:g} in {where(first)}{others}; counts 0, 1, 2 (or -1, -9, NaN for missing) "
            f"are expected: mend that cell{copies}."
        )


def _judged(tally: Tally, present: set[float], calls: Calls, name: str) -> Coding:
    low, high = tally.low, tally.high
    whole = all(v.is_integer() for v in present)
    if low >= 0 and high <= 2:
        return _of_counts(tally, present, whole, name)
    if low == -1 and high == 2 and whole:
        return COUNTS
    if -1 <= low < 0 and high <= 1:
        return _about_zero(tally, present, calls, name) if whole else CENTRED
    rare_zero = tally.numbers[0.0] <= _RARE * tally.numbers.total()
    if present <= {0.0, 1.0, 2.0, 3.0} and rare_zero:
        # 3 was out of range, and so is -1 here; a column that alone has it is no variant.
        if float((calls < 0).any(axis=1).mean()) < _SPREAD:
            raise InputError(_numbered(name))
        return FROM_ONE
    if low == -1 and high <= 2:
        raise InputError(
            f"{name} holds -1, larger numbers and fractions (up to {high:g}); -1 can be missing or a homozygote: set "
            "coding=counts or coding=centred, or write NA for missing."
        )
    if whole and max(low, 0) >= 0 and 2 < high <= 16 and low >= -1:
        raise InputError(
            f"{name} holds counts up to {high:g}, as of individuals with more than two copies; ploidy 1 or 2 is "
            "expected: only haploid and diploid genotypes are read."
        )
    raise InputError(
        f"{name} holds numbers from {low:g} to {high:g}; counts 0, 1, 2 of an allele are expected (or -1, 0, 1; or 0, "
        "0.5, 1): give the genotypes before they were scaled or adjusted."
    )


def _of_counts(tally: Tally, present: set[float], whole: bool, name: str) -> Coding:
    if present == {1.0, 2.0}:
        raise InputError(_numbered(name))
    if whole or tally.high > 1:
        return COUNTS
    if present <= {0.0, 0.5, 1.0}:
        return SHARES
    raise InputError(
        f"{name} holds fractions up to {tally.high:g} and none above 1; they can be shares of an allele or dosages of "
        "a rare one: set coding=shares or coding=counts."
    )


def _numbered(name: str) -> str:
    return (
        f"{name} holds 1 and 2 but no 0, as numbered alleles do (STRUCTURE, PLINK's recode12); counts 0, 1, 2 are "
        "expected: convert it to VCF or PLINK bed (PGDSpider reads STRUCTURE), or set coding=counts if they are counts."
    )


def _about_zero(tally: Tally, present: set[float], calls: Calls, name: str) -> Coding:
    """-1, 0 and 1: three genotypes, or two alleles and a code for missing."""
    total = tally.numbers.total()
    minus = tally.numbers[-1.0] / total
    if tally.words or (-1.0 in present and tally.numbers[-9.0]):
        return CENTRED  # missing has a code of its own
    known = np.maximum((calls >= -1).sum(axis=1), 1)
    # Two alleles have 0 for the commoner one in many variants; no cohort has so many heterozygotes.
    ruled = float(((calls == 0).sum(axis=1) / known > _HETEROZYGOUS).mean())
    if ruled <= 0.05 and minus >= 0.02:
        return CENTRED
    if ruled >= 0.15 and minus <= _MISSING_OFTEN:
        return COUNTS
    raise InputError(
        f"{name} holds -1, 0 and 1; they can be three genotypes, or two alleles with -1 for missing: set "
        "coding=centred or coding=counts."
    )


def _require_fit(coding: Coding, present: set[float], name: str) -> None:
    values = np.array(sorted(present))
    counts = coding.to_count(values[~np.isin(values, list(coding.missing))])
    wrong = values[~np.isin(values, list(coding.missing))][(counts < -1e-6) | (counts > 2 + 1e-6)]
    if len(wrong):
        raise InputError(
            f"{name} holds {wrong[0]:g}, which is no value of coding={coding.name} ({coding.title}); leave coding on "
            "auto, or choose another."
        )
