"""The GPU benchmark, rehearsed on the CPU: every way of taking steps is gone, and a disagreement is seen."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch

from core.bench import gpu
from core.bench.gpu import Taken, difference
from core.errors import InputError
from core.models.genotype.gan import Gan

TINY = ["--device", "cpu", "--individuals", "64", "--variants", "30", "--sets", "24", "--steps", "5"]


def test_without_a_gpu_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=r"No GPU is visible here; .* rehearse with --device cpu"):
        gpu.main([])


@pytest.mark.usefixtures("home")
def test_a_rehearsal_takes_every_way_and_agrees(capsys: pytest.CaptureFixture[str]) -> None:
    assert gpu.main([*TINY, "--experiments", "wgan_gp,gaussian_copula,normal", "--json"]) == 0
    value = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert value["passed"]
    rows = {(row["experiment"], row["preset"]): row for row in value["rows"]}
    assert set(rows) >= {("gaussian_copula", "laptop")} | {
        (a, b) for a in ("wgan_gp", "normal") for b in ("laptop", "gpu")
    }
    for (_, preset), row in rows.items():
        ways = {"eager", "graph", "bf16"} | ({"cpu"} if preset == "laptop" else set())
        assert {key.removesuffix("_ms") for key in row if key.endswith("_ms")} == ways
        assert row["agrees"] and all(gap <= 1 for gap in row["differences"].values())
    # The same device and the same noise: on a CPU a graph is nothing but the steps themselves.
    assert rows["wgan_gp", "laptop"]["differences"]["graph"] == 0


def test_a_model_that_fails_is_said_and_the_others_go_on(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise InputError("It does not fit.")

    monkeypatch.setattr(Gan, "prepare", refuse)
    assert gpu.main([*TINY, "--experiments", "gan,independent_sites"]) == 1
    said = capsys.readouterr().out
    assert "failed: It does not fit." in said and "independent_sites" in said and "not everything agrees" in said


@pytest.mark.parametrize(
    ("other", "way", "agrees"),
    [
        ([1.0, 2.0, 3.0], "graph", True),
        ([1.0, 2.0, 3.1], "graph", False),
        ([1.0, 2.0, 3.1], "bf16", True),
        ([1.0, 2.0, 9.0], "bf16", False),
        ([2.0, 3.0, 1.0], "cpu", True),
        ([41.0, 42.0, 43.0], "cpu", False),
        ([1.0, math.nan, 3.0], "cpu", False),
    ],
)
def test_what_counts_as_agreement(other: list[float], way: str, agrees: bool) -> None:
    assert (difference(Taken(1.0, {"a": [1.0, 2.0, 3.0]}), Taken(1.0, {"a": other}), way) <= 1) is agrees
