"""Columns of dates: the month as something that sets can be made of, the year with its fraction as a number."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import numpy as np

from core.data.dates import YEAR_LAST, Moment, moment
from core.data.intake.formats.observations import ObservationTable

UNREAD = 0.1  # share of the observations that may have a word that is no date
_NAMED = 3  # such words that a note names


def add_dates(table: ObservationTable) -> None:
    """Beside each column of dates its month (words such as 2021-03) and its time in years (float64).

    Years come first (2021-03-01, 2021-03), or last: 31.12.2021, 11-Mar-2020, and 12/31/2021 or 31/12/2021, where one of
    the numbers of the column must show which of them is the month. The year is that of the middle of the month where a
    date has no day. Dates without a month, and words that are none, have no month and no year; the notes count them. A
    column of which more than a tenth are no dates of the years 1000 to 2999, or none with a month, is left as it is.
    """
    for name in list(table.columns):
        words = table.columns[name]
        if words.dtype.kind == "f":
            continue
        different = {str(word) for word in set(words.tolist())} - {""}
        read = _reader(different, name, table.notes)
        moments = {word: one for word in different if (one := read(word)) is not None}
        if sum(one.month is not None for one in moments.values()) < 2:
            continue
        texts = [str(word) for word in words.tolist()]
        unread = [word for word in texts if word and word not in moments]
        month, year = f"{name} (month)", f"{name} (year)"
        if len(unread) > UNREAD * sum(map(bool, texts)) or {month, year} & table.columns.keys():
            continue
        if any(one.words != word for word, one in moments.items()):
            table.columns[month] = np.array([moments[w].words if w in moments else "" for w in texts], dtype=np.str_)
        table.columns[year] = np.array([moments[w].years if w in moments else np.nan for w in texts], dtype=np.float64)
        table.notes.append(f"The column {name!r} holds dates; their months and years are columns too.")
        if without := sum(word in moments and moments[word].month is None for word in texts):
            table.notes.append(f"{without:,} of {len(texts):,} dates in {name!r} have no month and belong to none.")
        if unread:
            named = ", ".join(repr(word) for word in list(dict.fromkeys(unread))[:_NAMED])
            table.notes.append(f"{len(unread):,} of {len(texts):,} entries of {name!r} are no dates ({named}).")


def _reader(words: Iterable[str], name: str, notes: list[str]) -> Callable[[str], Moment | None]:
    """How a word of the column is read; 3/4/2021 by what the other words say of the order of month and day."""
    last = [parts for word in words if (parts := YEAR_LAST.fullmatch(word))]
    day_first = any(parts[2] == "." or int(parts[1]) > 12 for parts in last)
    month_first = any(int(parts[3]) > 12 for parts in last)
    if len(last) > 1 and not (day_first or month_first):
        notes.append(
            f"The column {name!r} looks like dates, but nothing in it shows whether {last[0][0]} begins with the day "
            "or the month: write dates as 2021-03-31 to have their months."
        )
    if last and day_first == month_first:
        return lambda word: None
    if last and month_first:
        notes.append(f"Dates in {name!r} were read with the month first, as {_example(last, 3)} must be.")
    elif last and last[0][2] != ".":
        notes.append(f"Dates in {name!r} were read with the day first, as {_example(last, 1)} must be.")
    return lambda word: moment(word, day_first=day_first)


def _example(dates: list[re.Match[str]], place: int) -> str:
    return next(parts[0] for parts in dates if int(parts[place]) > 12)
