"""The benchmark of imputation: the same variants for every model, what was done is kept, who is ahead is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.bench import impute
from core.bench.impute import Trial, hidden_variants, markdown, sentences
from core.data.export import write
from core.errors import InputError
from tests.conftest import tiny_cohort

FACTS = {"seconds": 1.0, "imputing": 2.0, "epochs": 3, "of": 3}


@pytest.fixture
def table(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    file = str(write(tiny_cohort(), tmp_path / "tiny.npz")[0])

    def run(*words: str) -> dict[str, Any]:
        capsys.readouterr()
        assert impute.main(["--data", file, "--models", "haplotype_mosaic", *words, "--json"]) == 0
        value: dict[str, Any] = json.loads(capsys.readouterr().out)
        return value

    return run


def test_a_model_beats_the_null_and_is_trained_once(
    table: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    value = table("--individuals", "40")
    (model,) = value["models"]
    (*bins, whole) = model["bins"]["0"]
    assert sum(one["variants"] for one in bins) == whole["variants"] == int(hidden_variants(40, 0.5, 0).sum()) == 20
    assert whole["r2"] > whole["null_r2"] + 0.1
    assert set(value["ahead"].values()) == {"haplotype_mosaic"}
    monkeypatch.setattr(impute, "fitted", lambda *_: pytest.fail("it was trained before"))
    again = table("--individuals", "40")
    assert again["models"] == value["models"]


def test_who_is_ahead_and_by_how_much() -> None:
    def trial(title: str, r2: float | None) -> Trial:
        row = {"r2": r2, "null_r2": 0.01, "variants": 7, "concordance": 0.9, "null_concordance": 0.5}
        return Trial(title, title, {0: {"1–2 %": row, "all": row | {"r2": 0.5}}}, {0: FACTS})

    trials = [trial("Tree", 0.8), trial("Mosaic", 0.75), trial("Nothing", None)]
    rows = markdown(trials).splitlines()
    assert rows[2] == "| 1–2 % | 7 | 0.010 | 0.800 | 0.750 | – | Tree |"
    assert sentences(trials)[0] == "1–2 %: Tree is ahead of Mosaic by 0.050."


def test_what_cannot_be_asked_is_refused(table: Callable[..., dict[str, Any]]) -> None:
    with pytest.raises(InputError, match="cannot impute; choose among"):
        table("--models", "resample")
    with pytest.raises(InputError, match="a share between 0 and 1"):
        table("--mask", "1")
