"""Predict: probes, observed against predicted, early and late, effects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.pages.set_home import Open, Put, alts, words

EARLY = {
    "unit": "clone", "order": "day", "n_train": 30, "n_holdout": 10, "retrieval_top1": 0.4, "retrieval_top5": 0.9,
    "mean_retrieval_top1": 0.3, "mean_retrieval_top5": 0.7, "chance_top1": 0.1, "chance_top5": 0.5,
    "information": 1.5, "information_null": 0.2, "mean_information": 1.1, "mean_information_null": 0.2,
}  # fmt: skip
SHIFT = {
    "unit": "p1", "from": "control", "to": "treated", "r2": 0.8, "mse": 0.1, "mean_r2": 0.6, "mean_mse": 0.2,
    "w2": 1.0, "mean_w2": 1.3, "unchanged_w2": 2.0,
}  # fmt: skip


def with_curves(home: Path, **curves: Any) -> None:
    """Give the report of the run these curves; None takes one away."""
    (path,) = home.glob("runs/*/report.json")
    report = json.loads(path.read_text())
    report["curves"] = {k: v for k, v in {**report["curves"], **curves}.items() if v is not None}
    path.write_text(json.dumps(report))


def test_probes_stand_beside_the_mean_and_one_is_looked_at_closely(app: Open, set_runs: Put) -> None:
    set_runs(1)
    shown = app("predict", target="mean_2")
    assert not shown.exception
    assert alts(shown)[0].startswith("R² on held-out sets: mean_1") and "(mean " in alts(shown)[0]
    assert alts(shown)[1].startswith("Predicted against observed mean_2 of 8 held-out sets")
    assert "32 training and 8 held-out sets" in words(shown)


def test_early_and_late_with_information_against_its_null(app: Open, set_runs: Put, home: Path) -> None:
    set_runs(1)
    with_curves(home, early_late=EARLY)
    shown = app("predict", predict="Early and late")
    assert not shown.exception
    assert "40% of the held-out units" in alts(shown)[0] and "10% by chance" in alts(shown)[0]
    assert [m.value for m in shown.metric] == ["1.50 bits", "1.10 bits"]
    assert shown.metric[0].delta == "null 0.200"


def test_effects_on_held_out_units(app: Open, set_runs: Put, home: Path) -> None:
    set_runs(1)
    with_curves(home, effects={"column": "condition", "reference": "control", "rows": [SHIFT]})
    shown = app("predict", predict="Effects")
    assert not shown.exception
    assert "for 1 of 1 changes" in alts(shown)[0]
    assert shown.dataframe[0].value["Unit"].tolist() == ["p1"]


def test_what_cannot_be_asked_says_why(app: Open, set_runs: Put, home: Path) -> None:
    set_runs(1)
    with_curves(home, early_late={"reason": "The sets name no unit."}, effects=None)
    assert "The sets name no unit." in words(app("predict", predict="Early and late"))
    assert "made without this analysis" in words(app("predict", predict="Effects"))
    with_curves(home, probes=[{"target": "donor", "kind": "classification", "reason": "One value only."}])
    text = words(app("predict"))
    assert "There is nothing to predict" in text and "donor: One value only." in text
