"""A report is read by name: numbers with their frame, curves, arrays, where it comes from."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from core.config.home import PRETRAINED
from core.reports.files import plain, read_report, write_report
from core.reports.report import Measurement, Report

SHIPPED = sorted(path.parent for path in PRETRAINED.glob("*/report.json"))


def test_what_is_written_is_read_and_a_new_version_replaces_it(tmp_path: Path) -> None:
    assert read_report(tmp_path) is None
    for value in (0.5, 0.25):
        content = plain(
            {"metrics": {"ld_r": {"value": np.float64(value), "low": float("nan")}}, "curves": {"c": [{"k": 1}]}}
        )
        written = write_report(Report(content), {"pair": {"x": np.arange(3) * value}}, tmp_path)
        os.utime(tmp_path / "report.json", ns=(0, int(value * 1e9)))
        os.utime(tmp_path / "arrays/pair.npz", ns=(0, int(value * 1e9)))
        report = read_report(tmp_path)
        assert report == written
        assert (report.metric("ld_r").value, report.metric("ld_r").low) == (value, None)
        assert report.arrays("pair")["x"].tolist() == [0, value, 2 * value]
        assert (report.curve("c"), report.curve("d"), report.analysis("d"), report.arrays("none")) == (
            [{"k": 1}],
            [],
            None,
            {},
        )


@pytest.mark.parametrize("text", ["", "{", "[1]"])
def test_a_broken_file_is_no_report(tmp_path: Path, text: str) -> None:
    (tmp_path / "report.json").write_text(text)
    assert read_report(tmp_path) is None


def test_a_metric_that_a_report_lacks_says_so() -> None:
    missing = Report({}).metric("ld_r")
    assert (missing.label, missing.family, missing.value) == ("Ld r", "Other", None)
    assert "evaluate the run again" in missing.shown


@pytest.mark.parametrize(
    ("fields", "goal", "badness"),
    [
        ({"direction": "higher"}, "higher is better", -0.4),
        ({"direction": "lower"}, "lower is better", 0.4),
        ({"direction": "target", "target": 0.5}, "best at 0.500", 0.1),
        ({"direction": "target", "target": 0.0}, "best at 0", 0.4),
    ],
)
def test_which_way_is_better(fields: dict, goal: str, badness: float) -> None:
    one = Measurement("m", value=0.4, **fields)
    assert (one.goal, one.badness) == (goal, pytest.approx(badness))


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_shipped_reports_are_whole(folder: Path) -> None:
    report = read_report(folder)
    assert report is not None and report.folder == folder
    assert all(one.family != "Other" and one.label and one.help for one in report.metrics.values())
    assert all((one.value is None) == bool(one.reason) for one in report.metrics.values())
    assert f"seed {report.seed}" in report.provenance() and report.provenance("k = 5").endswith("k = 5.")
