"""Runs on sequences from the terminal: language models, long convolutions and masked diffusion, judged and walked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.cli import main

TINY = [
    "dataset.max_sets=40", "model.latent=4", "model.context_min=4", "model.context_max=6", "model.query=4",
    "model.metric_observations=8", "training.epochs=1", "training.batch_size=16", "training.device=cpu",
]  # fmt: skip
SMALL_ENCODER, SMALL_GENERATOR = "encoder.width=16 encoder.depth=1", "generator.width=16 generator.depth=1"
RUNS = [
    f"experiment=virus {SMALL_ENCODER} {SMALL_GENERATOR} --dataset demo-proteins",
    f"experiment=text {SMALL_ENCODER} {SMALL_GENERATOR} --dataset demo-promoters",
    f"experiment=gpra_dna generator=hyenadna generator.use_checkpointing=true {SMALL_GENERATOR} encoder.channels=8",
]


@pytest.mark.parametrize("words", RUNS)
def test_a_run_on_sequences_is_trained_judged_and_walked(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POPSCAPE_HOME", str(tmp_path / "home"))
    assert main(["train", *TINY, *words.split(), "--json"]) == 0
    run = json.loads(capsys.readouterr().out)["run"]
    folder = tmp_path / "home" / "runs" / run
    report = json.loads((folder / "report.json").read_text())
    metrics = report["metrics"]
    assert "k-mers" in report["space"]
    assert metrics["reconstruction_w2"]["value"] > 0 and metrics["invariance_error"]["value"] < 1e-4
    with np.load(folder / "arrays" / "samples.npz") as samples:
        assert samples["generated"].dtype == np.int8 and samples["generated"].shape == samples["real"].shape
    names = np.load(folder / "arrays" / "latents.npz")["set_id"]
    out = tmp_path / "walk.npz"
    ends = ["--from", str(names[0]), "--to", str(names[1])]
    assert main(["interpolate", run, *ends, "--steps", "3", "--n", "5", "--out", str(out)]) == 0
    with np.load(out) as walk:
        assert walk["letters"].shape == (3, 5) and set("".join(walk["letters"].ravel())) <= set(str(walk["alphabet"]))
