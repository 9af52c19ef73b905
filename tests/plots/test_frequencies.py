"""Frequencies: what is drawn is what the report holds, and a point knows its variant."""

from __future__ import annotations

import numpy as np
import pytest

from core.plots import frequencies
from core.plots.frequencies import DRAWN, alleles, by_frequency, genotype_table, genotypes, in_words, inbreeding
from core.reports.arrays import Frequencies
from core.words import number
from tests.plots.checks import valid
from tests.plots.examples import CANDIDATES, RNG, frequency_data

ONE = CANDIDATES[0]


def test_a_point_lies_at_the_frequencies_of_its_variant() -> None:
    f = frequency_data(100)
    band, _, points = valid(alleles(f, ONE)).plot.data
    row = int(points.customdata[17])
    assert points.text[17] == f.identifier[row]
    assert (points.x[17], points.y[17]) == pytest.approx((f.real[row], f.synthetic[row]), abs=1e-6)
    middle = int(np.argmin(np.abs(np.asarray(band.x) - 0.5)))
    half = 2 * np.sqrt(0.25 * (1 / 100 + 1 / 100))  # 50 diploid individuals on either side
    assert abs(band.y[middle] - 0.5) == pytest.approx(half, abs=1e-6)


def test_many_variants_are_drawn_by_webgl_and_too_many_begin_with_the_worst(monkeypatch: pytest.MonkeyPatch) -> None:
    f = frequency_data(5000)
    points = valid(alleles(f, ONE)).plot.data[-1]
    assert points.type == "scattergl" and len(points.x) == 5000
    monkeypatch.setattr(frequencies, "DRAWN", 1000)
    figure = alleles(f, ONE)
    shown = set(np.asarray(figure.plot.data[-1].customdata).tolist())
    assert len(shown) == 1000 < DRAWN and "1,000 of 5,000" in figure.caption
    assert set(np.argsort(-np.abs(f.synthetic - f.real))[:100].tolist()) <= shown
    assert len(figure.table["variant"]) == 5000


def test_a_panel_for_each_genotype() -> None:
    f = frequency_data(30)
    traces = [trace for trace in valid(genotypes(f, ONE)).plot.data if trace.text]
    assert [trace.xaxis for trace in traces] == ["x", "x2", "x3"]
    np.testing.assert_allclose(traces[1].x, f.genotypes_real[1], atol=1e-6)
    haploid = Frequencies(f.real, f.synthetic, f.genotypes_real[:2], f.genotypes_synthetic[:2], 50, 50, f.identifier)
    assert len([t for t in valid(genotypes(haploid, ONE)).plot.data if t.text]) == 2


def test_a_variant_is_told_in_words() -> None:
    f = frequency_data(3)
    f.real[:], f.synthetic[:] = [0.5, 0.5, 0.5], [0.51, 0.9, 0.49]
    assert "+0.010, within what sampling alone explains" in in_words(f, 0)
    assert "+0.400, more than sampling alone explains" in in_words(f, 1)
    assert genotype_table(f, 1)["Real"] == [number(float(v)) for v in f.genotypes_real[:, 1]]


def test_a_curve_over_frequency_has_its_models_and_references() -> None:
    figure = by_frequency(CANDIDATES, "allele_frequency_bins", "rmse", titles=("Frequency", "Error"))
    assert figure is not None
    null, *models = valid(figure).plot.data  # the ceiling has no value in any bin
    assert null.y[0] == pytest.approx(0.02) and [m.name for m in models] == [c.label for c in CANDIDATES]
    assert models[0].x[0] == pytest.approx(0.05)
    assert by_frequency(CANDIDATES, "unknown", "rmse", titles=("", "")) is None


def test_shares_of_f_is_add_up_to_one() -> None:
    f_is = {key: RNG.normal(0, 0.1, 50) for key in ("real", "synthetic", "null")}
    traces = valid(inbreeding(f_is, ONE)).plot.data
    assert len(traces) == 3
    for trace in traces:
        assert np.sum(trace.y) == pytest.approx(1, abs=1e-5)
