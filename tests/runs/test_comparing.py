"""Many runs in one table: what differs, and how far trainings of one preset spread."""

from __future__ import annotations

from statistics import stdev
from typing import Any

import pytest

from core.reports.report import Report
from core.runs.comparing import Entry, by_preset, differing, settings, table


def run(name: str, precision: float | None, **changed: Any) -> Entry:
    config = {"model": {"name": name, "latent": 8}, "training": {"seed": 1, "epochs": 5}, "name": name}
    chosen = settings(config) | changed
    report = Report({"metrics": {"precision": {"label": "Precision", "value": precision, "reason": "none"}}})
    return Entry(f"{name}{chosen['training.seed']}", name, name, chosen, report)


def test_only_settings_that_differ_are_shown() -> None:
    entries = [run("vae", 0.5), run("vae", 0.6, **{"training.seed": 2}), run("gan", None, **{"model.latent": 16})]
    assert differing(entries) == ["model.name", "model.latent", "training.seed"]
    shown = table(entries, ["precision"], differing(entries))
    assert shown["Precision"] == [0.5, 0.6, None]
    assert shown["model.latent"] == ["8", "8", "16"]
    assert differing(entries[:1]) == []


def test_runs_that_differ_in_their_seed_alone_are_one_preset() -> None:
    values = [0.5, 0.6, 0.8]
    entries = [run("vae", v, **{"training.seed": i}) for i, v in enumerate(values)]
    gathered = by_preset([*entries, run("vae", 0.9, **{"model.latent": 16})], ["precision"])
    assert gathered["Runs"] == [3, 1]
    assert gathered["Precision"][0] == pytest.approx(19 / 30)
    assert gathered["± Precision"] == [stdev(values), None]
