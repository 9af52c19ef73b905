"""Structure: the same axes for real and synthetic individuals, and points that know theirs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.plots.structure import by_population, individuals, overlay, pairs, spread
from core.plots.theme import REAL
from core.reports.report import Report
from core.reports.standing import Candidate
from tests.plots.checks import valid
from tests.plots.examples import CANDIDATES, score_data

ONE = CANDIDATES[0]
SCORES = score_data()


def test_a_point_is_an_individual_in_the_plane_and_in_space() -> None:
    table = individuals(SCORES, ONE)
    for components in ((1, 3), (1, 3, 2)):
        real, synthetic = valid(overlay(SCORES, ONE, components)).plot.data
        assert real.marker.color == REAL and synthetic.name == ONE.label
        row = int(synthetic.customdata[5])
        assert table["individual"][row] == synthetic.text[5] == "made_5"
        for axis, component in zip("xyz", components, strict=False):
            assert synthetic[axis][5] == pytest.approx(table[f"PC{component}"][row])
    assert real.type == "scatter3d"


def test_populations_look_the_same_in_both_panels_and_share_axes() -> None:
    plot = valid(by_population(SCORES, ONE, "population", (2, 3))).plot
    assert sum(len(trace.x) for trace in plot.data) == 120
    for name in ("A", "B", "unknown"):
        left, right = [trace for trace in plot.data if trace.name == name]
        assert left.marker == right.marker and (left.xaxis, right.xaxis) == ("x", "x2")
        assert left.showlegend and not right.showlegend
    assert plot.layout.xaxis2.matches == "x" and plot.layout.xaxis2.range == plot.layout.xaxis.range
    assert {trace.scene for trace in by_population(SCORES, ONE, "population", (1, 2, 3)).plot.data} == {
        "scene",
        "scene2",
    }


def test_individuals_inside_a_box_are_listed_with_labels_and_scores() -> None:
    inside = individuals(SCORES, ONE, [3, 64])
    assert list(inside) == ["individual", "data", "population", "PC1", "PC2", "PC3", "PC4"]
    assert list(inside["individual"]) == ["real_3", "made_4"] and list(inside["data"]) == ["real", ONE.label]
    assert inside["PC2"][1] == SCORES.synthetic[4, 1]


def test_spread_is_the_standard_deviation_of_scores() -> None:
    real, null, model = valid(spread([(ONE, SCORES)])).plot.data
    np.testing.assert_allclose(real.y, SCORES.real.std(axis=0), rtol=1e-5)
    np.testing.assert_allclose(model.y, SCORES.synthetic.std(axis=0), rtol=1e-5)
    assert (null.name, model.name) == ("Null: independent sites", ONE.label)


def test_a_umap_is_drawn_by_the_same_figures() -> None:
    places = replace(SCORES, real=SCORES.real[:, :3], synthetic=SCORES.synthetic[:, :3], explained=None)
    flat = valid(overlay(places, ONE, (1, 2)))
    assert flat.name == "umap_1_2" and flat.plot.layout.xaxis.title.text == "UMAP 1"
    assert valid(by_population(places, ONE, "population", (1, 2, 3))).alt.startswith("UMAP fitted on real individuals")
    assert list(individuals(places, ONE, [0]))[-1] == "UMAP 3"


def test_pairs_of_each_cohort_share_an_axis() -> None:
    rows = [{"low": 0.0, "high": 0.1, "real": 0.4, "synthetic": 0.3, "null": 0.9, "ceiling": None}]
    one = Candidate("Model", "wgan_gp", Report({"curves": {"kinship_distribution": rows}}))
    real, null, model = valid(pairs([one], "kinship")).plot.data
    assert (real.y[0], null.y[0], model.y[0]) == pytest.approx((0.4, 0.9, 0.3)) and model.x[0] == pytest.approx(0.05)
    assert pairs([one], "ibs") is None
