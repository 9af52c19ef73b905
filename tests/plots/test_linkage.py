"""Linkage squares and decay: what is drawn is what the report holds."""

from __future__ import annotations

import numpy as np
import pytest

from core.plots import linkage
from tests.plots.checks import valid
from tests.plots.examples import CANDIDATES, window


def test_real_lies_above_the_diagonal_and_synthetic_below() -> None:
    shown, matrices = window(30)
    figure = valid(linkage.squares(shown, ("both", "difference"), "WGAN-GP"))
    both, difference = figure.plot.data
    z = np.asarray(both.z)
    assert z[2, 7] == pytest.approx(matrices["real"][2, 7], abs=0.003)
    assert z[7, 2] == pytest.approx(matrices["synthetic"][7, 2], abs=0.003)
    assert np.isnan(np.diagonal(z)).all()
    assert np.asarray(difference.z)[2, 7] == pytest.approx(z[7, 2] - z[2, 7], abs=0.001)
    assert both.x[2] == "v2" and both.y[7] == "v7"


def test_scales_are_the_same_for_every_model() -> None:
    both, difference = linkage.squares(window(20)[0], ("both", "difference"), "x").plot.data
    assert (both.zmin, both.zmax) == (0, 1)
    assert (difference.zmin, difference.zmax) == (-linkage.DIFFERENCE_LIMIT, linkage.DIFFERENCE_LIMIT)


def test_variants_that_share_an_id_are_told_apart() -> None:
    shown, _ = window(5)
    shown.identifier[:2] = "."
    assert linkage.names(shown)[:3] == [". (row 1)", ". (row 2)", "v2"]


def test_a_pooled_window_is_drawn_by_cells() -> None:
    shown, _ = window(900)
    figure = valid(linkage.squares(shown, ("both",), "x"))
    assert np.asarray(figure.plot.data[0].z).shape == (10, 10)


def test_decay_has_a_line_for_each_model_and_reference() -> None:
    figure = linkage.decay(CANDIDATES)
    assert figure is not None
    assert [trace.name for trace in valid(figure).plot.data][-2:] == [c.label for c in CANDIDATES]
    assert set(figure.table["series"]) >= {"Real", *(c.label for c in CANDIDATES)}
