"""Precision, recall, density and coverage against their definitions, written out."""

from __future__ import annotations

import numpy as np
import pytest

from core.data.genotypes import from_calls
from core.evaluation.context import Panel
from core.evaluation.manifold import NAMES, curves, indicators
from core.evaluation.neighbours import neighbours, neighbours_of
from core.evaluation.panels import independent_sites
from core.evaluation.registry import metrics
from tests.evaluation.cohorts import cohort, comparison, mosaic, noise
from tests.evaluation.test_distances import oracle


def by_definition(real: np.ndarray, fake: np.ndarray, k: int) -> dict[str, float]:
    """The four metrics from full distance matrices (Kynkäänniemi 2019; Naeem 2020)."""
    rr, ss, rs = (oracle(a, b, "euclidean").astype(float) for a, b in ((real, real), (fake, fake), (real, fake)))
    np.fill_diagonal(rr, np.inf)
    np.fill_diagonal(ss, np.inf)
    ball_r, ball_s = np.sort(rr, axis=1)[:, k - 1], np.sort(ss, axis=1)[:, k - 1]
    inside = rs <= ball_r[:, None]
    return {
        "precision": float(inside.any(axis=0).mean()),
        "recall": float((rs <= ball_s[None]).any(axis=1).mean()),
        "density": float(inside.sum(axis=0).mean() / k),
        "coverage": float(inside.any(axis=1).mean()),
    }


@pytest.mark.parametrize("k", [1, 3, 10, 50])
def test_equals_the_definition(k: int) -> None:
    real, fake = mosaic(90, 60, 1).calls, mosaic(90, 60, 2).calls
    fake[:30] = noise(30, 60, 3)
    here = comparison(real, fake, neighbours=(1, 3, 10, 50))
    expected = by_definition(real, fake, k)
    found = {name: indicators(neighbours(here), name, k).mean() for name in NAMES}
    assert found == pytest.approx(expected, abs=1e-12)


def test_all_at_once_is_the_same_as_block_by_block() -> None:
    real, fake = mosaic(90, 60, 1).calls, mosaic(90, 60, 2).calls
    blocks = neighbours(comparison(real, fake, k=1, neighbours=(1, 3, 10, 50)))
    whole = neighbours_of(real.astype(np.float32), fake.astype(np.float32), (3, 10, 50))
    assert whole.ks == blocks.ks
    for name in ("reference_radius", "candidate_own", "reference_other", "candidate_nearest", "balls_on_candidate"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(blocks, name), err_msg=name)
    np.testing.assert_array_equal(whole.covered, blocks.covered)


def test_by_hand() -> None:
    """On a line of four points: real 0, 1, 3 and 6 alleles; synthetic 0, 1, 1 and 8; balls to the first neighbour."""

    def line(*counts: int) -> np.ndarray:
        return np.array([[1] * c + [0] * (8 - c) for c in counts], dtype=np.int8)

    here = comparison(line(0, 1, 3, 6), line(0, 1, 1, 8), k=1, distance="manhattan")
    # Real balls reach 1, 1, 2, 3: the synthetic 8 lies in that of 6. Synthetic balls reach 1, 0, 0, 7.
    value = {name: metrics[name].value(here).value for name in NAMES}
    assert value == {
        "precision": 1.0,  # 8 is within 3 of 6
        "recall": 1.0,  # 3 and 6 are within 7 of 8
        "density": (2 + 3 + 3 + 1) / 4,
        "coverage": 1.0,  # 3 has the synthetic 1 within 2
    }


def test_a_point_on_the_edge_of_a_ball_is_inside() -> None:
    real = np.array([[0, 0, 0, 0], [1, 0, 0, 0]], dtype=np.int8)
    fake = np.array([[0, 1, 0, 0], [2, 2, 2, 2]], dtype=np.int8)
    assert indicators(neighbours(comparison(real, fake, k=1)), "precision", 1).tolist() == [1.0, 0.0]


def test_too_few_individuals_give_a_reason() -> None:
    here = comparison(noise(5, 30, 1), noise(5, 30, 2), k=5)
    for name in NAMES:
        estimate = metrics[name].value(here)
        assert estimate.value is None
        assert "more than 5 individuals" in str(estimate.reason)
    panel = Panel(here, here, None)
    rows = {row["k"]: row for row in curves(panel)["precision_recall"]}
    assert rows[3]["precision"] is not None
    assert rows[10]["precision"] is None
    assert rows[3]["ceiling_recall"] is None


def test_large_k_cannot_see_missing_linkage() -> None:
    """The table of nulls: on linked cohorts k = 5 refuses independent sites, k = 60 lets most of them pass."""
    real, other = mosaic(600, 400, 1, founders=20), mosaic(600, 400, 2, founders=20)
    half = neighbours(comparison(real, other))
    null = neighbours(comparison(real, independent_sites(cohort(real), real, seed=3)))
    shrunken = other.calls.copy()
    mode = np.array([np.bincount(c, minlength=3).argmax() for c in other.calls.T], dtype=np.int8)
    pushed = np.random.default_rng(4).random(shrunken.shape) < 0.3
    shrunken[pushed] = np.broadcast_to(mode, shrunken.shape)[pushed]
    flat = neighbours(comparison(real, shrunken))

    def share(found: object, name: str, k: int) -> float:
        return float(indicators(found, name, k).mean())  # type: ignore[arg-type]

    assert share(half, "precision", 5) > 0.85
    assert share(half, "recall", 5) > 0.85
    assert share(null, "precision", 5) < 0.05
    assert share(null, "precision", 60) > 0.6
    assert share(null, "recall", 60) > 0.9
    assert share(flat, "precision", 5) > share(half, "precision", 5)
    assert share(flat, "recall", 5) < 0.35


def test_populations_are_means_of_the_same_indicators() -> None:
    real, fake = mosaic(80, 50, 1), mosaic(60, 50, 2)
    of_real = np.repeat(["A", "B", "C", ""], [40, 25, 5, 10])
    of_fake = np.repeat(["A", "B"], [45, 15])
    real = from_calls(real.calls, labels={"population": of_real})
    here = comparison(real, from_calls(fake.calls, labels={"population": of_fake}), k=3)
    rows = curves(Panel(here, here, None))["precision_recall_by_population"]
    assert {row["population"] for row in rows} <= {"A", "B"}  # C is too small, "" is nobody
    index = here.reference.near_index(60)
    found = neighbours(here)
    for row in rows:
        member = of_real[index] == row["population"]
        assert row["n"] == member.sum()
        assert row["recall"] == pytest.approx(indicators(found, "recall", 3)[member].mean())
        made = of_fake == row["population"]
        assert row["precision"] == pytest.approx(indicators(found, "precision", 3)[made].mean())
    unlabelled = comparison(real, fake, k=3)
    rows = curves(Panel(unlabelled, unlabelled, None))["precision_recall_by_population"]
    assert rows
    assert all(row["precision"] is None and row["recall"] is not None for row in rows)
