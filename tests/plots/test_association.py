"""Association: what is drawn is what the report holds, real above and synthetic below, and every mark is named."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from core.plots import association
from core.plots.association import effects, hit_table, manhattan, quantiles
from core.plots.phenotypes import conditioned, predicted
from core.reports.arrays import Association, Prediction
from tests.plots.checks import valid
from tests.plots.examples import CANDIDATES, RNG

ONE = CANDIDATES[0]
SUMMARY = {
    "threshold": 4.0, "n": 40, "n_real": 50, "hits": 2, "recovered": 0.5, "agreeing": 1.0, "effect_r": 0.8,
    "ceiling_effect_r": 0.9, "lambda_real": 1.2, "lambda_synthetic": 1.1, "control_lambda": 1.0,
}  # fmt: skip
HIT = {
    "id": "v3", "contig": "1", "position": 4000, "allele": "", "variants": 5, "real": 9.123, "synthetic": None,
    "real_effect": 0.5, "synthetic_effect": None, "same_sign": False, "recovered": False,
}  # fmt: skip


def studied(m: int, contigs: int = 1) -> Association:
    real, made, effect_real, effect_made = RNG.gamma(1, 2, (4, m)).astype(np.float32)
    real[1] = effect_real[1] = np.nan
    contig = np.sort(RNG.integers(0, contigs, m)).astype(str)
    return Association(
        phenotype="height <b>",
        real=real, synthetic=made, effect_real=effect_real, effect_synthetic=effect_made,
        identifier=np.array([f"v{i}" for i in range(m)]),
        contig=contig,
        position=np.arange(1, m + 1) * 1000,
        causal=np.array([3, 5]), causal_effect=np.array([0.5, -0.2]),
        summary=SUMMARY,
    )  # fmt: skip


def test_real_stands_above_and_synthetic_below() -> None:
    a = studied(60)
    real, made, causes = valid(manhattan(a, ONE)).plot.data
    j = int(made.customdata[17])
    assert (made.x[17], made.y[17]) == pytest.approx((a.position[j] / 1e6, -a.synthetic[j]))
    assert real.y[17] == pytest.approx(a.real[17])
    assert "v17" in made.text[17] and f"{a.synthetic[j]:.2f}" in made.text[17]
    assert causes.x.tolist() == pytest.approx((a.position[a.causal] / 1e6).tolist())
    assert "+0.500 per allele" in causes.text[0]
    lines = [shape.y0 for shape in manhattan(a, ONE).plot.layout.shapes if shape.line.dash == "dot"]
    assert sorted(lines) == [-4.0, 4.0]
    ticks = manhattan(a, ONE).plot.layout.yaxis
    assert [float(text) for text in ticks.ticktext] == [abs(v) for v in ticks.tickvals]


def test_contigs_follow_each_other_without_overlap() -> None:
    a = studied(400, contigs=4)
    figure = valid(manhattan(a, ONE))
    x = np.asarray(figure.plot.data[0].x)
    ends = [(x[a.contig == c].min(), x[a.contig == c].max()) for c in "0123"]
    assert all(high < low for (_, high), (low, _) in pairwise(ends))
    assert list(figure.plot.layout.xaxis.ticktext) == ["0", "1", "2", "3"]
    assert sum(shape.type == "rect" for shape in figure.plot.layout.shapes) == 2


def test_without_positions_the_order_of_the_file_is_drawn() -> None:
    a = replace(studied(30), position=np.zeros(30, dtype=np.int64))
    assert valid(manhattan(a, ONE)).plot.data[0].x.tolist() == list(range(30))


def test_many_variants_are_drawn_by_webgl_and_weak_ones_thinned(monkeypatch: pytest.MonkeyPatch) -> None:
    a = studied(5000)
    assert valid(manhattan(a, ONE)).plot.data[0].type == "scattergl"
    monkeypatch.setattr(association, "FULL", 1000)
    figure = manhattan(a, ONE)
    shown = set(np.asarray(figure.plot.data[0].customdata).tolist())
    assert set(np.flatnonzero(np.nan_to_num(a.real) > 2)) <= shown < set(range(5000))
    assert "of 5,000 variants are drawn" in figure.caption
    assert len(figure.table["variant"]) == 5000


def test_quantiles_have_a_line_a_side_that_is_there() -> None:
    rows = [{"expected": e, "real": 2 * e, "synthetic": e, "null": e, "control": e} for e in (3.0, 1.0, 0.1)]
    figure = valid(quantiles(rows, studied(20), ONE))
    assert [trace.name for trace in figure.plot.data][:2] == ["Real", "WGAN-GP"]
    assert len(figure.plot.data) == 4  # no ceiling among the rows
    assert "inflation 1.20 in real and 1.10 in synthetic" in figure.alt


def test_effects_mark_the_leads() -> None:
    a = studied(50)
    every, leads = valid(effects(a, [HIT], ONE)).plot.data
    assert len(every.x) == 49  # one variant does not vary
    assert leads.text == ("v3",)
    assert (leads.x[0], leads.y[0]) == pytest.approx((a.effect_real[3], a.effect_synthetic[3]))


def test_the_table_of_loci_says_what_is_not_known() -> None:
    table = hit_table([HIT])
    assert {len(column) for column in table.values()} == {1}
    assert (table["Position"], table["Allele"], table["Synthetic −log p"]) == (["4.0 kb"], ["alternate"], [None])


def test_clouds_of_phenotypes_have_their_line_and_correlation() -> None:
    x = np.linspace(-1, 1, 40, dtype=np.float32)
    y = np.where(np.arange(40) % 9 == 0, np.nan, x)
    p = Prediction("height", y, 2 * x, None, y, 0.5 * x, None, None)
    cloud, line = valid(predicted(p, ONE)).plot.data
    assert len(cloud.x) == 35
    assert np.diff(line.y)[0] / np.diff(line.x)[0] == pytest.approx(2)
    assert "Trained on WGAN-GP: r 1.00" in predicted(p, ONE).alt
    both = valid(conditioned(replace(p, real_requested=x, real_read=-x), ONE))
    assert len(both.plot.data) == 4 and "Real individuals: r -1.00" in both.alt
