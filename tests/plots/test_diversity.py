"""Diversity: windows in order along the genome, real and synthetic on one axis, the joint spectrum as it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.plots.diversity import STATISTICS, agreement, along, joint
from core.plots.theme import REAL
from core.reports.arrays import Diversity
from tests.plots.checks import valid
from tests.plots.examples import CANDIDATES

RNG = np.random.default_rng(4)
ONE, OTHER = CANDIDATES
LOW = np.array([100, 500, 900, 100, 600])
JOINT = np.zeros((11, 11), dtype=np.float32)
JOINT[2, 3], JOINT[5, 0] = 0.75, 0.25


def stored() -> Diversity:
    """Five windows on two contigs."""
    statistics = {
        name: {cohort: RNG.random(5).astype(np.float32) for cohort in ("real", "synthetic", "null")}
        for name in STATISTICS
    }
    contig = np.array(["1", "1", "1", "X<b>", "X<b>"])
    return Diversity(contig, LOW, LOW + 300, np.full(5, 20), statistics, JOINT, ["A", "B"])


def test_contigs_follow_each_other_and_lines_break_between_them() -> None:
    one, other = stored(), stored()
    plot = valid(along([(ONE, one), (OTHER, other)], "pi")).plot
    real, null, first, second = plot.data
    assert real.line.color == null.line.color == REAL and first.name == ONE.label
    places = np.asarray(first.x)
    assert np.isnan(places[3]) and np.isnan(first.y[3])
    assert (np.diff(places[[0, 1, 2, 4, 5]]) > 0).all() and places[4] > 1200
    np.testing.assert_allclose(np.delete(second.y, 3), other.statistics["pi"]["synthetic"])
    assert list(plot.layout.xaxis.ticktext) == ["1", "X&lt;b&gt;"]
    assert "500 bp to 800 bp, 20 variants" in first.text[1]


def test_one_contig_has_base_pairs_and_none_has_variants() -> None:
    single = replace(stored(), contig=np.full(5, "7"), low=np.arange(5) * 1000, high=np.arange(5) * 1000 + 900)
    assert along([(ONE, single)], "h12").plot.data[0].x[1] == pytest.approx(1450)
    bare = replace(single, low=np.zeros(5, int), high=np.zeros(5, int))
    plot = along([(ONE, bare)], "h12").plot
    assert plot.data[0].x[1] == pytest.approx(30) and plot.layout.xaxis.title.text == "Variant"


def test_a_statistic_that_no_report_has_draws_nothing() -> None:
    without = replace(stored(), statistics={"pi": stored().statistics["pi"]})
    assert along([(ONE, without)], "fst") is None
    assert agreement(ONE, without, "fst") is None


def test_a_window_stands_at_its_real_and_its_synthetic_value() -> None:
    one = stored()
    _, null, model = valid(agreement(ONE, one, "tajima_d")).plot.data
    np.testing.assert_allclose(model.x, one.statistics["tajima_d"]["real"])
    np.testing.assert_allclose(model.y, one.statistics["tajima_d"]["synthetic"])
    np.testing.assert_allclose(null.y, one.statistics["tajima_d"]["null"])


def test_the_heatmap_has_real_along_and_synthetic_up() -> None:
    figure = valid(joint(ONE, stored()))
    heat = figure.plot.data[0]
    assert heat.customdata[3][2] == pytest.approx(0.75) and np.isnan(heat.z[2][3])
    assert "25.0% of the variants that vary in real individuals no longer do" in figure.alt
    assert joint(ONE, replace(stored(), joint=np.zeros((11, 11), dtype=np.float32))) is None
