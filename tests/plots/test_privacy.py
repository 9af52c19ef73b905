"""Privacy: both sides of AATS, the curves of the attacks, and points that know their individual."""

from __future__ import annotations

import numpy as np
import pytest

from core.plots.privacy import (
    UNSEEN,
    distances,
    exposed,
    exposed_table,
    exposure_histogram,
    relatives,
    roc,
    side_by_side,
    sides,
)
from core.plots.theme import REAL
from core.reports.arrays import Exposure
from core.reports.report import Report
from core.reports.standing import Candidate
from tests.plots.checks import valid
from tests.plots.examples import CANDIDATES

RNG = np.random.default_rng(8)
BINS = [{"low": i / 10, "high": (i + 1) / 10, "synthetic": 0.1, "null": 0.1, "real": 0.1} for i in range(10)]
CONTENT = {
    "n": {"synthetic": 40, "reference": 40, "variants": 30},
    "metrics": {"aats": {"value": 0.6, "low": 0.5, "high": 0.7}, "aats_train": {"value": 0.3}},
    "curves": {
        "adversarial_accuracy": [
            {"side": "train", "aa_truth": 0.2, "aa_synthetic": 0.4, "aats": 0.3, "n": 40},
            {"side": "holdout", "aa_truth": 0.5, "aa_synthetic": 0.7, "aats": 0.6, "n": 40},
        ],
        "nearest_records": [
            {"side": "train", "median": 3.0, "identical": 0.25, "share": 0.8, "n": 90},
            {"side": "holdout", "median": 5.0, "identical": 0.0, "share": 0.2, "n": 40},
        ],
        "nearest_distances": BINS,
        "exposure": BINS,
        "membership_roc": [
            {"false_positives": f, "synthetic": f**0.5, "calibrated": f**0.25, "null": f} for f in (0.0, 0.01, 0.5, 1.0)
        ],
        "kinship_replay": [
            {"degree": "Second degree or closer", "kinship": 0.0884, "synthetic": 0.9, "null": 0.0, "real": 0.1},
            {"degree": "The same individual", "kinship": 0.354, "synthetic": 0.4, "null": 0.0, "real": 0.0},
        ],
    },
}
ONE = Candidate("Copier <b>", "resample", Report(CONTENT))
STORED = Exposure(
    np.array([f"made_{i}" for i in range(30)]), np.array([f"real_{i}" for i in range(30)]),
    *(np.sort(RNG.uniform(0, 9, 30)).astype(np.float32), np.linspace(0, 1, 30, dtype=np.float32)),
    RNG.uniform(0, 9, 30).astype(np.float32), RNG.uniform(0, 1, 30).astype(np.float32),
)  # fmt: skip


def test_the_filled_end_is_the_training_set() -> None:
    figure = valid(sides([ONE]))
    line, train, holdout = figure.plot.data
    assert list(line.x) == [0.3, 0.6] and train.x[0] == 0.3 and holdout.x[0] == 0.6
    assert holdout.marker.symbol.endswith("-open") and not train.marker.symbol.endswith("-open")
    assert "&lt;b&gt;" in train.y[0]
    assert sides([CANDIDATES[0]]) is None


def test_the_table_has_a_column_a_side() -> None:
    table = side_by_side(ONE.report)
    assert list(table) == ["", "Training individuals", "Holdout"]
    assert table["Training individuals"][0] == "0.300" and table["Holdout"][-1] == "40"
    assert side_by_side(CANDIDATES[0].report) == {}


def test_histograms_show_the_unseen_in_grey() -> None:
    for figure in (valid(distances(ONE)), valid(exposure_histogram(ONE))):
        real = figure.plot.data[0]
        assert real.name == UNSEEN and real.line.color == REAL
        assert figure.plot.data[-1].y == pytest.approx(np.full(10, 0.1))
    assert distances(CANDIDATES[0]) is None


def test_roc_takes_the_chosen_attack_and_leaves_zero_off_a_log_axis() -> None:
    plain, calibrated = valid(roc([ONE])), valid(roc([ONE], "calibrated"))
    at = {figure.name: [t for t in figure.plot.data if t.name == ONE.label] for figure in (plain, calibrated)}
    assert at["roc_synthetic"][0].y[1] == pytest.approx(0.1)
    assert at["roc_calibrated"][0].y[1] == pytest.approx(0.01**0.25)
    assert np.isnan(at["roc_synthetic"][1].y[0])
    assert roc(CANDIDATES) is None


def test_a_point_is_a_synthetic_individual() -> None:
    figure = valid(exposed(STORED, ONE))
    _, others, named = figure.plot.data
    assert len(others.x) + len(named.x) == 30
    row = int(named.customdata[1])
    assert named.y[1] == pytest.approx(STORED.distance[row]) and STORED.probability[row] <= 0.05
    assert list(exposed_table(STORED, [7, 3])["synthetic individual"]) == ["made_3", "made_7"]
    alone = Exposure(STORED.synthetic_id, STORED.record_id, STORED.distance, STORED.probability)
    assert exposed(alone, ONE) is None
    assert "distance to holdout" not in exposed_table(alone)


def test_relatives_stand_beside_those_of_strangers() -> None:
    real, _, model = valid(relatives([ONE])).plot.data
    assert real.name == UNSEEN and real.marker.color == REAL
    assert list(model.y) == pytest.approx([0.9, 0.4])
    assert relatives(CANDIDATES) is None
