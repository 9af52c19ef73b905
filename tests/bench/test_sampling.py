"""The benchmark of sampling: a row for each model of ours, and a goal that is told when it is missed."""

from __future__ import annotations

import json

import pytest

from core.bench import sampling


@pytest.mark.parametrize(("goal", "status"), [(1e6, 0), (0.0, 1)])
def test_every_model_asked_for_is_timed(
    goal: float, status: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "GOAL", goal)
    few = ["--individuals", "64", "--variants", "20", "--drawn", "16"]
    assert sampling.main([*few, "--experiments", "gaussian_copula,rbm", "--json"]) == status
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["experiment"] for row in rows] == ["gaussian_copula", "rbm"] and all(r["seconds"] > 0 for r in rows)
    assert sampling.main([*few, "--experiments", "independent_sites"]) == status
    assert "10,000 individuals × 20 variants" in capsys.readouterr().out
