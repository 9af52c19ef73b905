"""Columns of dates: the month as something that sets can be made of, the year with its fraction as a number."""

from __future__ import annotations

import re
from datetime import date

import numpy as np

from core.data.intake.formats.observations import ObservationTable

_DATE = re.compile(r"(\d{4})[-/](\d{1,2})(?:[-/](\d{1,2}))?")


def add_dates(table: ObservationTable) -> None:
    """Beside each column of dates (2021-03-01, 2021/3/1 or 2021-03) its month (words) and its time in years (float64).

    The year is that of the middle of the month where a date has no day. A column with a word that is no date of the
    years 1000 to 2999 is left as it is.
    """
    for name in list(table.columns):
        words = table.columns[name]
        if words.dtype.kind == "f":
            continue
        dates = {word: _date(word) for word in set(words.tolist()) - {""}}
        if len(dates) < 2 or any(one is None for one in dates.values()):
            continue
        month, year = f"{name} (month)", f"{name} (year)"
        if month in table.columns or year in table.columns:
            continue
        known = {word: one for word, one in dates.items() if one is not None}
        months = {word: f"{one.year:04d}-{one.month:02d}" for word, one in known.items()} | {"": ""}
        years = {word: _years(one) for word, one in known.items()} | {"": np.nan}
        texts = [str(word) for word in words.tolist()]
        if any(months[word] != word for word in known):
            table.columns[month] = np.array([months[word] for word in texts], dtype=np.str_)
        table.columns[year] = np.array([years[word] for word in texts], dtype=np.float64)
        table.notes.append(f"The column {name!r} holds dates; their months and years are columns too.")


def _date(word: str) -> date | None:
    parts = _DATE.fullmatch(word)
    if parts is None or not 1000 <= int(parts[1]) < 3000:
        return None
    try:
        return date(int(parts[1]), int(parts[2]), int(parts[3] or 15))
    except ValueError:
        return None


def _years(day: date) -> float:
    start, end = date(day.year, 1, 1), date(day.year + 1, 1, 1)
    return day.year + (day - start).days / (end - start).days
