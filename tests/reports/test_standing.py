"""Who is better, and whether the gap is real."""

from __future__ import annotations

from typing import Any

import pytest

from core.reports.report import Measurement, Report
from core.reports.standing import (
    BETTER,
    UNCLEAR,
    WORSE,
    Candidate,
    families,
    headline,
    leader,
    metric_names,
    numbers,
    standing,
    table,
    verdict,
)


def entry(value: float | None, width: float = 0.02, **more: Any) -> dict[str, Any]:
    span = {} if value is None else {"low": value - width, "high": value + width}
    return {"value": value, **span, "null": 0.1, "ceiling": 0.9, "direction": "higher", "target": None, **more}


def candidate(label: str, flags: tuple[str, ...] = (), **metrics: dict[str, Any]) -> Candidate:
    raised = [{"name": name, "severity": "high", "evidence": "", "advice": ""} for name in flags]
    return Candidate(label, label, Report({"metrics": metrics, "flags": raised}))


@pytest.mark.parametrize(
    ("value", "other", "direction", "target", "expected"),
    [
        (0.8, 0.5, "higher", None, BETTER),
        (0.8, 0.5, "lower", None, WORSE),
        (0.8, 0.79, "higher", None, UNCLEAR),
        (0.45, 0.7, "target", 0.5, BETTER),
        (1.0, 0.45, "target", 0.5, WORSE),
    ],
)
def test_a_gap_counts_where_intervals_do_not_overlap(value, other, direction, target, expected) -> None:
    better = {"direction": direction, "target": target}
    one, baseline = (Measurement("m", **entry(v) | better) for v in (value, other))
    assert verdict(one, baseline) == expected


def test_a_metric_without_value_has_no_verdict_and_keeps_its_reason() -> None:
    none = entry(None, reason="Too few individuals.")
    assert verdict(Measurement("m", **none), Measurement("m", **entry(0.5))) == ""
    shown = table([candidate("a", ld_r=none), candidate("b", ld_r=entry(0.4))], ["ld_r"])
    assert shown["a"] == ["no value: Too few individuals."]


def test_a_metric_that_only_one_report_has_is_listed_for_all() -> None:
    both = [candidate("a", ld_r=entry(0.5), fst=entry(0.1)), candidate("b", ld_r=entry(0.4))]
    assert metric_names(both) == ["ld_r", "fst"]
    assert "no value" in table(both, ["fst"])["b"][0]


def test_ties_within_noise_count_for_both_and_copiers_set_no_mark() -> None:
    candidates = [
        candidate("a", ld_r=entry(0.80), recall=entry(0.9)),
        candidate("b", ld_r=entry(0.81), recall=entry(0.5)),
        candidate("copier", ("copying",), ld_r=entry(0.99), recall=entry(0.99)),
    ]
    assert standing(candidates, ["ld_r", "recall"]) == {"a": (2, 2), "b": (1, 2), "copier": (2, 2)}
    assert leader(candidates, ["ld_r", "recall"]) == (candidates[0], 2, 2)


def test_numbers_hold_every_value_and_the_difference() -> None:
    a, b = candidate("a", ld_r=entry(0.8)), candidate("b", ld_r=entry(0.5))
    columns = numbers([a, b], ["ld_r"], baseline=b)
    assert columns["difference"] == [pytest.approx(0.3), 0.0]
    assert columns["verdict"] == [BETTER, UNCLEAR]
    assert len({len(column) for column in columns.values()}) == 1


def test_families_come_as_the_reports_name_them_and_those_without_one_last() -> None:
    old = candidate("a", aged=entry(0.5), ld_r=entry(0.4, family="Linkage"))
    new = candidate("b", ld_r=entry(0.4, family="Linkage"), fst=entry(0.1, family="Frequencies"))
    assert headline([old, new]) == ["ld_r", "fst", "aged"]
    assert headline([candidate("a", ld_r=entry(0.4), fst=entry(0.1, headline=True))]) == ["fst"]
    assert families([old, new]) == {"Linkage": ["ld_r"], "Frequencies": ["fst"], "Other": ["aged"]}
