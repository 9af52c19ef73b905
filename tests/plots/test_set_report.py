"""Figures of a set report: what is drawn is what the shipped report of clones holds."""

from __future__ import annotations

import numpy as np
import pytest

from core.config.home import REPOSITORY
from core.plots import predict, set_report
from core.reports.files import read_report
from core.reports.report import Report
from tests.plots.checks import valid


@pytest.fixture(scope="module")
def report() -> Report:
    return read_report(REPOSITORY / "pretrained" / "clones")


def test_every_embedding_has_its_panel_of_pairs(report: Report) -> None:
    figure = valid(set_report.shepard(report))
    assert len(figure.table["a"]) == len(report.curve("shepard"))
    for trace, key in zip(figure.plot.data, set_report.EMBEDDINGS, strict=True):
        assert len(trace.x) <= set_report.PAIRS
        assert set(np.asarray(trace.y)) <= {np.float32(row[key]) for row in report.curve("shepard")}
        assert " and " in trace.text[0]


def test_errors_of_sets_stand_in_order_between_floor_and_null(report: Report) -> None:
    figure = set_report.reconstruction(report)
    assert figure is not None
    floor, regenerated, *trivial = valid(figure).plot.data
    assert (np.diff(regenerated.y) >= 0).all()
    assert floor.text == regenerated.text == tuple(figure.table["set"])
    assert len(trivial) == 3 and all(len(trace.y) == len(floor.y) for trace in trivial)


def test_the_error_of_a_latent_is_drawn_beside_the_square_root(report: Report) -> None:
    figure = set_report.set_size(report)
    assert figure is not None
    expected, measured = valid(figure).plot.data
    assert np.asarray(measured.y) == pytest.approx([row["rms"] for row in report.curve("set_size")], rel=1e-5)
    assert expected.y[0] / expected.y[1] == pytest.approx(np.sqrt(expected.x[1] / expected.x[0]), rel=1e-3)


def test_what_a_report_lacks_is_not_drawn() -> None:
    empty = Report({})
    assert set_report.reconstruction(empty) is None and set_report.set_size(empty) is None
    assert predict.probes(empty, "regression") is None


def test_scores_stand_beside_trivial_ones_and_chance(report: Report) -> None:
    for kind in ("classification", "regression"):
        figure = predict.probes(report, kind)
        assert figure is not None
        chance, latent, *others = valid(figure).plot.data
        rows = [row for row in report.curve("probes") if row["kind"] == kind and "latent" in row]
        assert np.asarray(latent.x) == pytest.approx([row["latent"] for row in rows], abs=1e-6)
        assert np.asarray(latent.x) + latent.error_x.array == pytest.approx([row["latent_high"] for row in rows])
        assert chance.name == "Chance" and [trace.name for trace in others] == [predict.MEAN, predict.MEAN_VARIANCE]


def test_a_score_far_below_the_scale_stands_at_its_edge_with_its_number() -> None:
    scores = {f"{key}{end}": value for key in ("latent", "mean", "mean_variance") for end, value in
              (("", -7.0), ("_low", -9.0), ("_high", 0.5))}  # fmt: skip
    row = {"target": "day", "kind": "regression", "chance": 0.0, **scores}
    figure = predict.probes(Report({"curves": {"probes": [row]}}), "regression")
    assert figure is not None
    latent = valid(figure).plot.data[1]
    assert latent.x[0] == -0.5 and latent.error_x.array[0] == 1.0 and "-7.00" in latent.text[0]


def test_predictions_of_sets_and_units_are_drawn(report: Report) -> None:
    early, effects = report.analysis("early_late"), report.analysis("effects")
    assert early is not None and effects is not None
    valid(predict.retrieval(early))
    shifts = valid(predict.shifts(effects["rows"]))
    assert len(shifts.plot.data[0].x) == len(effects["rows"])
    row = next(row for row in report.curve("probes") if row["kind"] == "regression")
    line, points = valid(predict.observed(row)).plot.data
    assert line.x == line.y and len(points.x) == len(row["observed"]) == len(points.text)


def test_a_confusion_table_counts_every_set_once() -> None:
    row = {"target": "fate", "classes": ["a", "b"], "observed": [0, 0, 1], "latent_predictions": [0.0, 1.0, 1.0]}
    figure = valid(predict.confusion(row))
    assert list(figure.table["sets"]) == [1, 1, 0, 1]
    assert np.asarray(figure.plot.data[0].z).tolist() == [[0.5, 0.5], [0, 1]]
    assert "2 are given their own fate" in figure.alt
