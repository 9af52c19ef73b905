"""Dates as people write them: their months and years, and what is said where they cannot be read."""

from __future__ import annotations

import numpy as np
import pytest

from core.data.intake.dates import add_dates
from core.data.intake.formats.observations import ObservationTable


def table(words: list[str]) -> ObservationTable:
    one = ObservationTable(np.zeros((len(words), 1)), {"date": np.array(words)})
    add_dates(one)
    return one


@pytest.mark.parametrize(
    ("words", "months"),
    [
        (["2021-03-31", "2021/4/1"], ["2021-03", "2021-04"]),
        (["2021-03-31T23:59:00Z", "2021-04-01 00:00:00"], ["2021-03", "2021-04"]),
        (["2021-03-XX", "2021-04-01", "2021-XX-XX", "2022"], ["2021-03", "2021-04", "", ""]),
        (["31.03.2021", "01.04.2021"], ["2021-03", "2021-04"]),
        (["03/04/2021", "31/03/2021"], ["2021-04", "2021-03"]),
        (["03/04/2021", "03/31/2021"], ["2021-03", "2021-03"]),
        (["11-Mar-2020", "Apr-2020", "5 May 2020", "June 2020"], ["2020-03", "2020-04", "2020-05", "2020-06"]),
        (["2021-03-31"] * 20 + ["2021-04-01", "unknown"], ["2021-03"] * 20 + ["2021-04", ""]),
    ],
)
def test_months_of_dates_as_they_are_written(words: list[str], months: list[str]) -> None:
    one = table(words)
    assert one.columns["date (month)"].tolist() == months
    np.testing.assert_array_equal(np.isnan(one.columns["date (year)"].astype(float)), [m == "" for m in months])


def test_what_has_no_month_is_counted() -> None:
    notes = table(["2021-03-31"] * 20 + ["2021-04-01", "2022", "unknown"]).notes
    assert "1 of 23 dates in 'date' have no month and belong to none." in notes
    assert "1 of 23 entries of 'date' are no dates ('unknown')." in notes


def test_an_order_of_day_and_month_that_nothing_shows_is_not_guessed() -> None:
    one = table(["03/04/2021", "05/06/2021"])
    assert list(one.columns) == ["date"]
    assert "nothing in it shows whether" in one.notes[0]


@pytest.mark.parametrize(
    "words", [["31/01/2021", "01/31/2021"], ["marlin 2021", "mart-2021"], ["2021-13", "2021-02-30"]]
)
def test_what_is_no_date_stays_words(words: list[str]) -> None:
    assert list(table(words).columns) == ["date"]
