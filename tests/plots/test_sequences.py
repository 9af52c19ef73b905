"""Figures of sequences: what is drawn is what was counted."""

from __future__ import annotations

import numpy as np

from core.plots import sequences
from tests.plots.checks import valid


def test_methylation_is_a_point_for_each_cpg_as_large_as_it_is_common() -> None:
    counts = {"Real": np.array([10, 2, 4]), "Generated": np.array([8, 0, 4])}
    shares = {"Real": np.array([0.5, 1.0, 0.25]), "Generated": np.array([0.25, np.nan, 0.75])}
    figure = valid(sequences.methylation(counts, shares, np.array([1, 7, 12])))
    difference, *points = figure.plot.data
    assert [list(one.marker.size) for one in points] == [[10, 2, 4], [8, 0, 4]]
    # A line joins real and generated of one CpG, never two CpGs.
    assert np.asarray(difference.x).tolist() == [1, 1, 1, 7, 7, 7, 12, 12, 12]
    np.testing.assert_array_equal(np.asarray(difference.y)[:3], [0.5, 0.25, np.nan])
    assert figure.alt == "Methylated share at 3 positions: on average real 50.0%, generated 41.7%."
