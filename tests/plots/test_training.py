"""Curves of a training: the moving average against its closed form, thinning that loses nothing, still drawings."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.plots.training import POINTS, Curve, Look, columns, losses, smoothed, validation
from tests.plots.checks import valid


def curve(values: list[float]) -> Curve:
    return Curve(list(range(1, len(values) + 1)), values)


@pytest.mark.parametrize("smoothing", [0.0, 0.5, 0.9, 0.99])
def test_a_constant_stays_constant(smoothing: float) -> None:
    assert smoothed([3.0] * 50, smoothing) == pytest.approx([3.0] * 50)


def test_the_average_is_the_weighted_mean_of_all_values() -> None:
    rng = np.random.default_rng(0)
    value, s = rng.normal(size=40), 0.8
    for t in range(40):
        weight = s ** np.arange(t, -1, -1)
        expected = (weight * value[: t + 1]).sum() / weight.sum()
        assert smoothed(value.tolist(), s)[t] == pytest.approx(expected)


def test_no_smoothing_is_the_value_itself() -> None:
    assert smoothed([1.0, -2.0, 5.0], 0.0).tolist() == [1.0, -2.0, 5.0]


def test_a_missing_value_moves_nothing() -> None:
    found = smoothed([math.nan, 1.0, math.nan, 3.0], 0.5)
    assert math.isnan(found[0])
    assert found[1] == found[2] == 1.0
    assert found[3] == pytest.approx((0.5 * 1 + 3) / 1.5)


def test_thinning_keeps_extremes_and_does_not_touch_the_average() -> None:
    rng = np.random.default_rng(1)
    value = rng.normal(size=10 * POINTS + 7)
    value[1234] = 50.0
    value[77] = math.nan
    drawn = columns(curve(value.tolist()), 0.9)
    assert len(drawn["epoch"]) == POINTS
    assert np.nanmax(drawn["high"]) == 50.0
    assert np.nanmin(drawn["low"]) == np.nanmin(value)
    whole = smoothed(value.tolist(), 0.9)
    assert [whole[e - 1] for e in drawn["epoch"]] == pytest.approx(list(drawn["smoothed"]))
    assert drawn["epoch"][-1] == len(value)


def test_a_stretch_without_values_has_no_band() -> None:
    drawn = columns(curve([math.nan] * (2 * POINTS)), 0.5)
    assert np.isnan(drawn["low"]).all() and np.isnan(drawn["high"]).all()


def test_losses_and_validation_are_told_apart() -> None:
    curves = {"critic": curve([1.0, 0.5]), "recall": curve([0.2]), "unheard_of": curve([4.0, 3.0])}
    left, right = losses(curves, "wgan_gp", Look()), validation(curves, "wgan_gp", Look())
    assert left and right
    assert len(valid(left).plot.data) == 8 and len(valid(right).plot.data) == 4
    assert "recall 0.200" in right.alt
    assert left.table == {
        "metric": ["critic", "critic", "unheard_of", "unheard_of"],
        "epoch": [1, 2, 1, 2],
        "value": [1.0, 0.5, 4.0, 3.0],
    }
    assert losses({}, "wgan_gp", Look()) is None


def test_a_running_figure_keeps_its_drawing_while_it_grows() -> None:
    grown = [
        losses({"critic": curve([1 / k for k in range(1, n)])}, "wgan_gp", Look(running=True)) for n in (50, 60, 5000)
    ]
    first, second, third = grown
    assert first and second and third
    assert first.plot.layout == second.plot.layout == third.plot.layout
    assert len(first.plot.data) == len(third.plot.data)
    assert first.alt == second.alt == third.alt
    assert first.caption != second.caption


def test_a_logarithmic_axis_needs_values_above_zero() -> None:
    def scale(values: list[float]) -> str:
        figure = losses({"critic": curve(values)}, "wgan_gp", Look(log_y=True))
        assert figure
        return str(figure.plot.layout.yaxis.type)

    assert scale([1.0, 0.1]) == "log"
    assert scale([1.0, -0.1]) == "linear"
