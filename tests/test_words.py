"""Numbers, intervals, positions and times as readers see them."""

from __future__ import annotations

import pytest

from core.words import ago, interval, number, position


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"), (float("nan"), "–"), (0.0, "0"), (0.9876, "0.988"), (0.0312, "0.0312"), (12345.6, "12,346"),
        (1.0, "1.00"), (-0.00037, "-0.00037"),
    ],
)  # fmt: skip
def test_numbers(value: float | None, text: str) -> None:
    assert number(value) == text


def test_intervals_positions_and_times() -> None:
    assert interval(0.5, 0.4, 0.6) == "0.500 (0.400–0.600)"
    assert interval(-5.0, -7.0, -3.0) == "-5.00 (-7.00 to -3.00)"
    assert interval(0.5, None, None) == "0.500"
    assert [position(x) for x in (850, 12_500, 3_420_000)] == ["850 bp", "12.5 kb", "3.42 Mb"]
    assert ago("not a time") == "" and ago(None) == ""
