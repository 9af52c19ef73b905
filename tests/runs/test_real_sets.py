"""One real file all the way: import, train, report, interpolate, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.cli import main
from core.runs.store import RunStore

TINY = ["training.epochs=2", "encoder.width=16", "generator.width=16", "model.latent=4", "model.query=16"]


def test_cytometry_from_the_file_to_the_walk(
    shared: Path, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = shared / "data/cytof-pbmc/pbmc_bcrxl_cytof.h5ad"
    if not path.is_file():
        pytest.skip("no cytof-pbmc in the shared data")
    words = ["--kind", "sets", "--set-column", "patient_id,condition", "--unit", "patient_id", "--chunk", "200"]
    words += ["--normalise", "arcsinh", "--label-columns", "condition,patient_id", "--name", "pbmc"]
    assert main(["import", str(path), *words]) == 0
    assert main(["train", "experiment=cytometry", "--dataset", "pbmc"]) == 0
    said = capsys.readouterr().err
    assert "held-out prediction" in said and "Ref to BCRXL" in said
    run = RunStore().get(next(r.run for r in RunStore().list() if not r.embedded))
    report = run.report()
    assert report is not None and report.judged == "holdout"
    condition = next(r for r in report.curve("probes") if r["target"] == "condition")
    assert condition["latent_low"] <= condition["latent"] <= condition["latent_high"]
    assert {"difference", "difference_low", "null", "mean", "resampled"} <= set(condition)
    effects = report.analysis("effects")
    assert effects["reference"] == "Ref" and effects["resampled"] == "observations"  # one patient is held out
    assert effects["rows"][0]["r2_low"] <= effects["rows"][0]["r2"] <= effects["rows"][0]["r2_high"]
    assert effects["rows"][0]["ceiling_r2"] > effects["rows"][0]["mean_r2"]
    out = tmp_path / "walk.npz"
    ends = ["--from", "Patient1 | Ref · part 1", "--to", "Patient1 | BCRXL · part 1"]
    assert main(["interpolate", run.id, *ends, "--steps", "3", "--n", "20", "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["path_length"] > 0
    with np.load(out) as walk:
        assert walk["generated"].shape == (3, 20, 24) and np.isfinite(walk["generated"]).all()
