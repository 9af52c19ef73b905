"""Columns of dates: the month as something that sets can be made of, the year with its fraction as a number."""

from __future__ import annotations

import numpy as np

from core.data.dates import YEAR_LAST, moment
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
        day_first, said = _order(different, name)
        moments = {word: one for word in different if (one := moment(word, day_first=day_first)) is not None}
        if sum(one.month is not None for one in moments.values()) < 2:
            table.notes += said if day_first is None else []
            continue
        texts = [str(word) for word in words.tolist()]
        unread = [word for word in texts if word and word not in moments]
        month, year = f"{name} (month)", f"{name} (year)"
        if len(unread) > UNREAD * sum(map(bool, texts)) or {month, year} & table.columns.keys():
            continue
        if any(one.words != word for word, one in moments.items()):
            table.columns[month] = np.array([moments[w].words if w in moments else "" for w in texts], dtype=np.str_)
        table.columns[year] = np.array([moments[w].years if w in moments else np.nan for w in texts], dtype=np.float64)
        table.notes += said
        table.notes.append(f"The column {name!r} holds dates; their months and years are columns too.")
        if without := sum(word in moments and moments[word].month is None for word in texts):
            table.notes.append(f"{without:,} of {len(texts):,} dates in {name!r} have no month and belong to none.")
        if unread:
            named = ", ".join(repr(word) for word in list(dict.fromkeys(unread))[:_NAMED])
            table.notes.append(f"{len(unread):,} of {len(texts):,} entries of {name!r} are no dates ({named}).")


def _order(words: set[str], name: str) -> tuple[bool | None, list[str]]:
    """Whether dates such as 3/4/2021 begin with the day, by what the other words show (None: nothing, or both), and
    what is to be said of it."""
    parts = [found for word in words if (found := YEAR_LAST.fullmatch(word)) and found[2] != "."]
    parts = sorted(parts, key=lambda one: one[0])  # so that the same example is named each time
    day = next((one[0] for one in parts if int(one[1]) > 12), "")
    month = next((one[0] for one in parts if int(one[3]) > 12), "")
    if bool(day) != bool(month):
        order = "day" if day else "month"
        return bool(day), [f"Dates in {name!r} were read with the {order} first, as {day or month} must be."]
    if 2 * len(parts) <= len(words) or day:
        return None, []
    return None, [
        f"The column {name!r} looks like dates, but nothing in it shows whether {parts[0][0]} begins with the day or "
        "the month: write dates as 2021-03-31 to have their months."
    ]
