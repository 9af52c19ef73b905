"""Whole runs on sets, from the experiment to the report, and the walks through their latents."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from core.cli import main
from core.commands.pretrained import judge_again, ship
from core.config.experiments import compose, names
from core.data.library import Library
from core.data.selection import SetViewConfig, settle, view
from core.data.simulators.families import FamilyConfig, simulate_family
from core.data.split import Split
from core.errors import InputError
from core.latents.lens import arithmetic, barycentre, open_lens, outside
from core.runs.set_work import sets_of
from core.runs.store import RunStore
from core.runs.submission import prepare
from core.runs.work import dataset_of

TINY = [
    "training.epochs=2",
    "training.batch_size=8",
    "encoder.width=16",
    "generator.width=16",
    "model.latent=4",
    "model.query=16",
    "model.context_max=32",
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one finished run on small Gaussian sets."""
    home = tmp_path_factory.mktemp("sets") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POPSCAPE_HOME", str(home))
        own = ["dataset.sets=30", "dataset.observations=40", "dataset.dimension=2"]
        assert main(["train", "experiment=mvn", *own, *TINY, "--json"]) == 0
    return home


@pytest.fixture
def home_of_run(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POPSCAPE_HOME", str(trained))
    return trained


def own_run() -> str:
    return next(r.run for r in RunStore().list() if not r.embedded)


def test_a_run_on_sets_ends_with_a_whole_report(home_of_run: Path) -> None:
    run = RunStore().get(own_run())
    assert run.state == "succeeded"
    report = run.report()
    assert report is not None and report.kind == "sets"
    assert {"reconstruction_w2", "variance_ratio", "latent_w2_spearman"} <= set(report.metrics)
    for stem in ("latents", "maps", "samples", "walk"):
        assert (run.path / "arrays" / f"{stem}.npz").is_file()
    config = run.config
    assert config["encoder"]["name"] == "resnet_gnn" and config["dataset"]["sets"] == 30
    lines = (run.path / "metrics.jsonl").read_text().splitlines()
    assert any(json.loads(line)["name"] == "holdout_loss" for line in lines)


def test_a_shipped_run_is_judged_again_from_its_weights(home_of_run: Path, tmp_path: Path) -> None:
    run = RunStore().get(own_run())
    folder = judge_again(ship(run, tmp_path / "shipped"))
    first, second = (json.loads((path / "report.json").read_text()) for path in (run.path, folder))
    assert {**first, "seconds": 0} == {**second, "seconds": 0}
    assert sorted(one.name for one in (folder / "arrays").iterdir()) == sorted(
        one.name for one in (run.path / "arrays").iterdir()
    )


def test_the_latents_of_the_report_are_those_of_the_checkpoint(home_of_run: Path) -> None:
    run = RunStore().get(own_run())
    sets, _ = sets_of(run, dataset_of(run))
    lens = open_lens(run.checkpoints)
    with np.load(run.path / "arrays" / "latents.npz") as arrays:
        np.testing.assert_allclose(arrays["z"][3], lens.embed(np.asarray(sets.observations_of(3))), atol=1e-5)


def test_a_server_leaves_half_of_the_cores(home_of_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 6)
    for cores, threads in ((8, 4), (1, 1), (64, 6)):
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        open_lens(RunStore().get(own_run()).checkpoints, sharing=True)
        assert asked.pop() == threads
    open_lens(RunStore().get(own_run()).checkpoints)
    assert not asked


def test_interpolate_writes_the_path_and_its_references(home_of_run: Path, tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "path.npz"
    words = ["interpolate", own_run()[:8], "--from", "mvn_1", "--to", "mvn_2", "--steps", "5", "--n", "30"]
    assert main([*words, "--out", str(out), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert answer["path_length"] >= answer["distance"] * 0.999
    with np.load(out) as path:
        assert path["generated"].shape == (5, 30, 2) and path["t"].tolist() == [0, 0.25, 0.5, 0.75, 1]
        gap = path["generated_gap"]
    assert answer["deviation"] == pytest.approx((gap.max() - max(gap[0], gap[-1])) / answer["distance"])
    assert main([*words[:3], "nobody", *words[4:], "--out", str(out)]) == 2
    assert "mvn_" in capsys.readouterr().err


def test_arithmetic_of_latents() -> None:
    a, b = np.zeros(2, dtype=np.float32), np.array([2.0, 4.0], dtype=np.float32)
    np.testing.assert_allclose(barycentre(np.stack([a, b]), np.array([1, 3])), [1.5, 3])
    np.testing.assert_allclose(arithmetic(b, a, b), [4, 8])
    grid = np.stack(np.meshgrid(np.arange(5.0), np.arange(5.0)), -1).reshape(-1, 2).astype(np.float32)
    assert (
        outside(np.array([2.2, 2.2], dtype=np.float32), grid)
        < 1
        < outside(np.array([9.0, 9.0], dtype=np.float32), grid)
    )


def test_a_view_leaves_out_small_sets_on_both_sides() -> None:
    sets = simulate_family(FamilyConfig(family="normal", sets=6, observations=10))
    ragged = type(sets)(
        observations=sets.observations[:33],
        offsets=np.array([0, 10, 20, 22, 32, 33]),
        set_id=sets.set_id[:5],
        feature=sets.feature,
    )
    split = Split(train=np.array([0, 1, 2]), holdout=np.array([3, 4]))
    seen, parts, left_out = view(ragged, split, SetViewConfig(min_samples=5))
    assert seen.set_id.tolist() == [ragged.set_id[i] for i in (0, 1, 3)] and left_out == 2
    assert parts.train.tolist() == [0, 1] and parts.holdout.tolist() == [2]
    with pytest.raises(InputError, match="min_samples"):
        view(ragged, split, SetViewConfig(min_samples=50))


def test_an_experiments_own_data_is_made_once(home: Path) -> None:
    node = {"simulator": "family", "family": "poisson", "sets": 8, "observations": 5, "dimension": 2, "min_samples": 2}
    first, seen = settle(node, None, Library())
    assert settle(node, None, Library())[0].id == first.id and seen["min_samples"] == 2
    assert settle({**node, "seed": 9}, None, Library())[0].id != first.id
    with pytest.raises(InputError, match=r"dataset\.colour"):
        settle({**node, "colour": 1}, None, Library())


@pytest.mark.parametrize("preset", ["laptop", "gpu"])
@pytest.mark.parametrize("name", names("sets"))
def test_every_set_experiment_composes_to_a_config(name: str, preset: str, home: Path) -> None:
    experiment = compose([f"experiment={name}"])
    # Those for data that one brings simulate few sets anyway, by donor and not by number.
    many = "simulator" in experiment["dataset"] and not experiment.get("own_data")
    small = ["dataset.sets=8", "dataset.observations=12"] if many else []
    config = prepare(compose([f"experiment={name}", f"preset={preset}", *small]))
    assert config["kind"] == "sets" and config["model"]["name"] == "gde"
    assert {"encoder", "generator", "mixer"} <= set(config)


def test_the_published_command_line_composes(home: Path) -> None:
    words = "experiment=lineage_tracing encoder=resnet_gnn generator=cvae mixer=dirichlet_k dataset.min_samples=50"
    config = prepare(compose(words.split()))
    assert config["generator"]["name"] == "cvae" and config["mixer"]["name"] == "dirichlet_k"
    assert config["dataset"]["view"]["min_samples"] == 50


def test_a_genotype_dataset_is_refused_by_a_set_experiment(home: Path) -> None:
    with pytest.raises(InputError, match="genotypes"):
        prepare(compose(["experiment=mvn"]), "demo")


def test_sampling_individuals_from_a_model_of_sets_is_refused(home_of_run: Path, tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    assert main(["sample", own_run(), "--n", "5", "--out", str(tmp_path / "x.npz")]) == 2
    assert "interpolate" in capsys.readouterr().err
