"""UMAP: the same seed gives the same map, real individuals alone shape it, synthetic ones lie among their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.config.evaluation import EvaluationConfig
from core.data.genotypes import Genotypes, from_calls
from core.evaluation.report import evaluate
from core.evaluation.structure_map import umap
from core.reports import arrays
from core.reports.files import read_report

QUICK = EvaluationConfig(bootstrap=0, neighbours=(3, 5), projections=8, umap_individuals=120)


def populations(n: int, seed: int, m: int = 120) -> Genotypes:
    """Three populations far apart, n individuals each."""
    frequency = np.random.default_rng(m).beta(0.5, 0.5, (3, m))
    calls = np.random.default_rng(seed).binomial(2, np.repeat(frequency, n, axis=0)).astype(np.int8)
    return from_calls(calls, labels={"population": np.repeat(["A", "B", "C"], n)})


def test_the_map_is_the_same_again_and_real_individuals_alone_shape_it() -> None:
    rng = np.random.default_rng(1)
    real = (np.repeat(np.eye(5)[:4] * 12, 40, axis=0) + rng.normal(size=(160, 5))).astype(np.float32)
    made = (np.repeat(np.eye(5)[:4] * 12, 10, axis=0) + rng.normal(size=(40, 5))).astype(np.float32)
    place, placed = umap(real, made, 2, seed=7)
    again, placed_again = umap(real, made, 2, seed=7)
    np.testing.assert_array_equal(place, again)
    np.testing.assert_array_equal(placed, placed_again)
    other, _ = umap(real, made + 3, 2, seed=7)
    np.testing.assert_array_equal(place, other)
    nearest = ((placed[:, None] - place[None]) ** 2).sum(axis=2).argmin(axis=1)
    assert np.mean(nearest // 40 == np.arange(40) // 10) > 0.95


def test_a_written_report_has_a_map_and_individuals_lie_among_their_population(tmp_path: Path) -> None:
    evaluate(populations(60, 1), populations(50, 2), options=QUICK, out=tmp_path, seed=3)
    report = read_report(tmp_path)
    for dimensions in (2, 3):
        scores = arrays.umap(report, dimensions)
        assert scores.real.shape == (120, dimensions) and scores.synthetic.shape == (120, dimensions)
        gaps = ((scores.synthetic[:, None] - scores.real[None]) ** 2).sum(axis=2)
        same = scores.real_labels["population"][gaps.argmin(axis=1)] == scores.synthetic_labels["population"]
        assert same.mean() > 0.95
        assert set(scores.real_id) <= set(arrays.structure(report).real_id)


def test_too_few_individuals_or_none_wanted_leave_the_map_out(tmp_path: Path) -> None:
    evaluate(populations(30, 1), populations(30, 2), options=QUICK, out=tmp_path)
    assert arrays.umap(read_report(tmp_path), 2) is None
