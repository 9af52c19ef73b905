"""Geometry: scores, badges, warning signs, and the questions asked when a model fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from core.reports.report import Report
from pages.parts.sets.checks import badges
from tests.pages.set_home import Open, Put, alts, words


def changed_report(home: Path, **metrics: Any) -> None:
    """Give the run of the home other values."""
    (path,) = home.glob("runs/*/report.json")
    report = json.loads(path.read_text())
    for name, value in metrics.items():
        report["metrics"][name]["value"] = value
    path.write_text(json.dumps(report))


def test_the_trivial_embeddings_stand_beside_the_latent(app: Open, set_runs: Put) -> None:
    set_runs(1)
    shown = app("geometry")
    assert len(alts(shown)) == 1 and "Distances of embeddings against optimal transport over 28 pairs" in alts(shown)[0]
    assert "alone" in next(m for m in shown.metric if m.label == "Rank correlation").delta


def test_each_view_draws_its_own_chart(app: Open, set_runs: Put) -> None:
    set_runs(1)
    assert "Reconstruction errors of 8 sets" in alts(app("geometry", geometry="Reconstruction"))[0]
    assert "The latent's error falls" in alts(app("geometry", geometry="Set size"))[0]


def test_the_three_questions_are_answered_with_what_to_do(app: Open, set_runs: Put) -> None:
    set_runs(1)
    text = words(app("geometry", geometry="Troubleshooting"))
    for part in ("My sets are small", "does not look like the real set", "runs out of memory"):
        assert part in text
    assert "The median set has 40 observations" in text
    assert "8 sets × 48 observations × 5 features = 1,920 numbers" in text


def test_a_missing_value_is_shown_with_its_reason(app: Open, set_runs: Put, home: Path) -> None:
    set_runs(1)
    changed_report(home, variance_ratio=None, cycle_error=None)
    shown = app("geometry")
    assert not shown.exception
    assert [m.value for m in shown.metric if m.label == "Cycle error"] == ["–"]


def test_badges_tell_passed_from_failed() -> None:
    passed = {"invariance_error": 1e-7, "set_size_leakage_r2": -0.2, "variance_ratio": 0.99}
    failed = {"invariance_error": 0.5, "set_size_leakage_r2": 0.8, "variance_ratio": 0.3}
    for values, good in ((passed, True), (failed, False)):
        found = badges(Report({"metrics": {name: {"value": value} for name, value in values.items()}}))
        assert [b[1] for b in found] == [good] * 3
    assert badges(Report({"metrics": {"variance_ratio": {"value": None}}})) == []
    assert "Variance collapse (0.300)" in [
        b[0] for b in badges(Report({"metrics": {"variance_ratio": {"value": 0.3}}}))
    ]


def test_warning_signs_come_with_evidence_and_advice(app: Open, set_runs: Put, home: Path) -> None:
    set_runs(1)
    (path,) = home.glob("runs/*/report.json")
    report = json.loads(path.read_text())
    sign = {"name": "Variance collapse", "severity": "high", "evidence": "It keeps 3%.", "advice": "Choose flow."}
    path.write_text(json.dumps(report | {"flags": [sign]}))
    assert "**Variance collapse.** It keeps 3%. Choose flow." in words(app("geometry"))
    path.write_text(json.dumps(report | {"flags": []}))
    assert "No check of this model fails" in words(app("geometry"))
