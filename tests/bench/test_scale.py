"""The files of the bench of cost against size are what they say, and its steps train on what was imported from them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.bench import scale, scale_data
from core.data.intake.collection_options import CollectionOptions
from core.data.intake.importing import import_file
from core.data.library import Library


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POPSCAPE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(scale_data, "STEPS", 2)
    monkeypatch.setattr(scale_data, "WARM_UP", 1)
    return tmp_path


def test_cohorts_are_trained_from_disk_and_from_memory(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scale_data.write_bed(home / "cohort.bed", 403, 1010)
    meta = import_file([home / "cohort.bed"], library=Library(), name="cohort")
    assert (meta.cohort.individuals, meta.cohort.variants) == (403, 1010)
    assert 0 < meta.cohort.missing < 0.003
    assert len(meta.cohort.contigs) == 2
    assert scale_data.main("genotypes", "turns") == 0
    steps = json.loads(capsys.readouterr().out)["steps"]
    assert steps.keys() == {"disk", "memory"}
    assert min(steps.values()) > 0


def test_sets_are_trained_from_disk(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scale_data.write_h5ad(home / "cells.h5ad", 5000, 4, 20)
    options = CollectionOptions(set_column=("sample",))
    meta = import_file([home / "cells.h5ad"], library=Library(), options=options, name="cells")
    assert (meta.collection.sets, meta.collection.observations) == (20, 5000)
    assert scale_data.main("sets", "alone") == 0
    assert json.loads(capsys.readouterr().out)["steps"].keys() == {"disk"}


def test_what_processes_of_a_home_hold_is_counted(home: Path) -> None:
    found, peaks = scale._measured(
        home, {"one": ("json.tool", "--help"), "two": ("tests.bench.holding", "200")}
    )  # a process that holds 200 MB
    assert found.keys() == peaks.keys() == {"one", "two"}
    assert 200e6 < peaks["two"] < 400e6
