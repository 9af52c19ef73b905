"""Dates as people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)

# 2021-03-01, 2021/3/1, 2021-03, 2021-03-XX of Nextstrain, 2021-03-01T12:30 and 2021-03-01 12:30:00 of tables.
_YEAR_FIRST = re.compile(r"(\d{4})[-/](\d{1,2})(?:[-/](\d{1,2}|XX))?(?:[T ]\d{1,2}:\d{2}[\d:.]*(?:Z|[+-]\d\d:?\d\d)?)?")
# 2021, 2021-XX and 2021-XX-XX: a year without its month.
_YEAR_ALONE = re.compile(r"(\d{4})(?:-XX(?:-XX)?)?")
# 11-Mar-2020, Mar-2020, 5 March 2021, March 2021: what GenBank and papers write.
_NAMED_MONTH = re.compile(r"(?:(\d{1,2})[- ])?([A-Za-z]{3,9})[- ](\d{4})")
# 31.12.2021, 31/12/2021, 12/31/2021.
YEAR_LAST = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})")


@dataclass(frozen=True)
class Moment:
    """A year with what is known of its month (None) and day (None)."""

    year: int
    month: int | None = None
    day: int | None = None

    @property
    def words(self) -> str:
        """Such as 2021-03; "" without a month."""
        return "" if self.month is None else f"{self.year:04d}-{self.month:02d}"

    @property
    def years(self) -> float:
        """The day on a line of years, the middle of the month where no day is known; NaN without a month."""
        if self.month is None:
            return float("nan")
        start, end = date(self.year, 1, 1), date(self.year + 1, 1, 1)
        return self.year + (date(self.year, self.month, self.day or 15) - start).days / (end - start).days


def moment(word: str, *, day_first: bool | None = None) -> Moment | None:
    """The date that a word is, None where it is none; `day_first`: how 03/04/2021 is read (None: not at all)."""
    if parts := _YEAR_FIRST.fullmatch(word):
        return _valid(parts[1], parts[2], None if parts[3] == "XX" else parts[3])
    if parts := _YEAR_ALONE.fullmatch(word):
        return _valid(parts[1], None, None)
    if parts := _NAMED_MONTH.fullmatch(word):
        named = [i for i, month in enumerate(_MONTHS, 1) if parts[2].lower() in {month, month[:3]}]
        return _valid(parts[3], str(named[0]), parts[1]) if named else None
    if parts := YEAR_LAST.fullmatch(word):
        first, second = parts[1], parts[3]
        day_first = True if parts[2] == "." else day_first
        if day_first is None:
            return None
        return _valid(parts[4], *((second, first) if day_first else (first, second)))
    return None


def _valid(year: str, month: str | None, day: str | None) -> Moment | None:
    """The date, or None where there is no such day or the year is none of 1000 to 2999."""
    one = Moment(int(year), int(month) if month else None, int(day) if day else None)
    if not 1000 <= one.year < 3000:
        return None
    try:
        date(one.year, one.month or 1, one.day or 1)
    except ValueError:
        return None
    return one
