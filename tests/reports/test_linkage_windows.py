"""Windows of a contig are those of the matrix."""

from __future__ import annotations

import numpy as np
import pytest

from tests.plots.examples import window


def test_a_window_is_cut_by_position() -> None:
    shown, matrices = window(40, low=5_500, high=20_000)
    assert list(shown.position) == list(range(6_000, 20_001, 1_000))
    expected = matrices["real"][5:20, 5:20].copy()
    np.fill_diagonal(expected, 1)
    np.testing.assert_allclose(shown.real, expected, atol=0.003)
    pair = shown.pair(0, 3)
    assert pair["variants"] == ("v5", "v8") and pair["apart"] == "3.0 kb"
    assert pair["synthetic"] == pytest.approx(matrices["synthetic"][5, 8], abs=0.003)


def test_a_wide_window_is_pooled_and_says_so() -> None:
    shown, _ = window(900)
    assert shown.pooled and shown.variants == 900 and shown.size == 10
    narrow, _ = window(900, high=300_000)
    assert not narrow.pooled and narrow.size == 300


def test_a_zoom_into_a_pooled_window_names_the_positions_inside() -> None:
    shown, _ = window(900)
    whole = (0, 10**9)
    assert shown.zoom([(1.6, 3.2), (2.1, 4.4)], whole) == (181_000, 450_999)
    assert shown.zoom([(-0.5, 9.5), (9.5, -0.5)], whole) == whole
