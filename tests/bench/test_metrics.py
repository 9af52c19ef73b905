"""The benchmark of the metrics runs on a toy and compares like with like; how fast, is for the benchmark to say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.bench import metrics
from core.bench.metrics import linked_calls


def test_both_sides_give_the_same_numbers() -> None:
    for part in (metrics.aats(120, 60, 1), metrics.linkage(120, 60, 1)):
        assert part["difference"] <= 1e-5
        assert part["same_undefined"]
        assert part["seconds_ours"] > 0
        assert part["ratio"] == pytest.approx(part["seconds_other"] / part["seconds_ours"])


def test_a_report_in_a_child_process_is_measured() -> None:
    result = metrics.run(60, 40, (50, 80), repeats=1)
    assert 5e7 < result["report"]["peak_bytes"] < 4e9
    assert set(result["report"]["without_value"]) >= {"privacy_loss"}
    assert "ld_decay_rmse" not in result["report"]["without_value"]
    lines = metrics.summary(result).splitlines()
    assert len(lines) == 3
    assert "peak memory" in lines[2]
    worse = result | {"ld": result["ld"] | {"difference": 1e-3}, "goal": metrics.GOAL}
    assert not metrics._passed(worse)


def test_cohorts_of_one_size_share_their_founders(tmp_path: Path) -> None:
    first, second = linked_calls(400, 200, 1), linked_calls(400, 200, 2, tmp_path / "calls.npy")
    assert isinstance(second, np.memmap)
    assert np.array_equal(second, linked_calls(400, 200, 2))
    assert not np.array_equal(first, second)
    assert np.corrcoef(first.mean(axis=0), second.mean(axis=0))[0, 1] > 0.95
    near = np.corrcoef(first[:, :40].T.astype(float))[0, 1:40]
    far = np.corrcoef(first.T.astype(float))[0, 100:]
    assert np.nanmean(near**2) > 2 * np.nanmean(far**2)
