"""Experiments and the override grammar."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.config import experiments
from core.config.experiments import compose, load, names
from core.config.overrides import expand, parse
from core.config.schema import from_dict
from core.config.training import TrainingConfig
from core.errors import InputError
from core.models.base import DataSpec
from core.models.registry import build

SPEC = DataSpec(60, 3, {}, {}, np.arange(60), np.zeros(60, np.int64), 200)


@pytest.mark.parametrize("name", names())
def test_every_experiment_is_complete(name: str) -> None:
    config = load(name)
    assert config["name"] == name
    assert all(config[key] for key in ("title", "kind", "help", "budget"))
    assert config["dataset"].get("name") or config["kind"] == "sets"
    from_dict(TrainingConfig, config["training"], where="training")
    assert config == compose([f"experiment={name}"])


@pytest.mark.parametrize(
    ("override", "node", "key", "value"),
    [
        ("training.epochs=3", "training", "epochs", 3),
        ("training.learning_rate=1e-4", "training", "learning_rate", 1e-4),
        ("training.device=cpu", "training", "device", "cpu"),
        ("training.condition_on=[pop,height]", "training", "condition_on", ["pop", "height"]),
        ("training.condition_on=[]", "training", "condition_on", []),
        ("model.latent=64", "model", "latent", 64),
        ("model.generator_widths=[64, 32]", "model", "generator_widths", [64, 32]),
        ("model.calibrate=false", "model", "calibrate", False),
        ("+model.latent=64", "model", "latent", 64),
        ("++model.latent=64", "model", "latent", 64),
        ("model.latent=null", "model", "latent", None),
        ('model.normalisation="batch"', "model", "normalisation", "batch"),
        ("dataset.min_samples=50", "dataset", "min_samples", 50),
        ("evaluation.k=7", "evaluation", "k", 7),
        ("model={latent: 9}", "model", "latent", 9),
        ("training/epochs=3", "training", "epochs", 3),
    ],
)
def test_settings(override: str, node: str, key: str, value: Any) -> None:
    config = compose(["experiment=wgan_gp", override])
    assert config[node][key] == value
    others = {k: v for k, v in load("wgan_gp").items() if k != node}
    assert {k: v for k, v in config.items() if k != node} == others


def test_a_choice_replaces_its_node_and_comes_before_settings() -> None:
    config = compose(["model.linkage_weight=3", "model=resample", "experiment=wgan_gp_published"])
    assert config["model"] == {"name": "resample", "linkage_weight": 3}
    assert config["training"] == load("wgan_gp_published")["training"]


def test_the_same_choice_keeps_its_settings() -> None:
    config = compose(["experiment=wgan_gp_published", "model=wgan_gp", "dataset=other"])
    assert config["model"] == load("wgan_gp_published")["model"]
    assert config["dataset"] == {"name": "other"}


def test_set_experiments_have_more_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = {"encoder": {"name": "mean"}, "generator": {"name": "flow", "width": 8}, "mixer": {"name": "none"}}
    monkeypatch.setattr(experiments, "_read", lambda name: {"name": name, "kind": "sets", "dataset": {}, **nodes})
    config = compose(["experiment=wgan_gp", "encoder=moments", "generator.width=16", "dataset.min_samples=50"])
    assert config["encoder"] == {"name": "moments"}
    assert config["generator"] == {"name": "flow", "width": 16}
    assert config["dataset"] == {"min_samples": 50}


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ([], "Name one experiment"),
        (["training.epochs=3"], "Name one experiment"),
        (["experiment=wgan_gp", "experiment=resample"], "Name one experiment"),
        (["experiment=wgan_g"], "no experiment called 'wgan_g'; did you mean 'wgan_gp'"),
        (["experiment=../../etc/passwd"], "no experiment called"),
        (["experiment=wgan_gp", "trainng.epochs=3"], "'trainng.epochs'.*did you mean 'training'"),
        (["experiment=wgan_gp", "epochs=3"], "no setting 'epochs'"),
        (["experiment=wgan_gp", "encoder=mean"], "no setting 'encoder'"),
        (["experiment=wgan_gp", "training=fast"], "no training 'fast'; choose one of: optimal"),
        (["experiment=wgan_gp", "evaluation=fast"], "group of settings, not a choice"),
        (["experiment=wgan_gp", "name.x=3"], "no setting 'name.x'"),
        (["experiment=wgan_gp", "kind=sets"], "no setting 'kind'"),
        (["experiment=wgan_gp", "training.seed=1,2"], "names several values"),
        (["experiment=wgan_gp", "training.seed=range(1,5)"], "names several values"),
        (["experiment=wgan_gp", "~training.epochs"], "would delete"),
        (["experiment=wgan_gp", "nonsense"], "is not a setting"),
        (["experiment=wgan_gp", "training.epochs==3["], "is not a setting"),
        (["experiment=wgan_gp", "=3"], "is not a setting"),
        (["experiment=wgan_gp", ""], "is not a setting"),
    ],
)
def test_what_is_refused(overrides: list[str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        compose(overrides)


def test_compose_leaves_the_presets_alone() -> None:
    before = load("wgan_gp")
    compose(["experiment=wgan_gp", "training.epochs=1", "model.latent=2"])["model"]["latent"] = 5
    assert load("wgan_gp") == before


def test_parse_keeps_order_and_types() -> None:
    parsed = parse(["a.b=1", "c=x y", "d='1'", "e=1.0", "f=true"])
    assert parsed == [("a.b", 1), ("c", "x y"), ("d", "1"), ("e", 1.0), ("f", True)]


@pytest.mark.parametrize("name", names("sets"))
def test_every_set_experiment_has_a_preset_for_a_gpu(name: str) -> None:
    laptop, gpu = load(name), compose([f"experiment={name}", "preset=gpu"])
    assert experiments.presets(name) == ["laptop", "gpu"] and "gpu" not in laptop and set(laptop) == set(gpu)
    assert gpu["training"]["device"] == "cuda" and "not timed" in gpu["budget"] != laptop["budget"]
    assert gpu["model"]["latent"] > laptop["model"]["latent"]
    if laptop["takes"] == ["sequence"]:  # a language model may stand in the place of convolutions
        assert gpu["encoder"]["width"] > laptop["encoder"]["width"]
    else:
        assert gpu["encoder"]["name"] == laptop["encoder"]["name"] or laptop["encoder"]["name"] == "none"
        assert gpu["encoder"]["width"] == 256
    from_dict(TrainingConfig, gpu["training"], where="training")
    assert compose([f"experiment={name}", "preset=gpu", "training.device=cpu"])["training"]["device"] == "cpu"
    assert load(name) == laptop


@pytest.mark.parametrize("name", [name for name in names("genotypes") if len(experiments.presets(name)) > 1])
def test_presets_of_genotypes_for_a_gpu_build_larger_models(name: str) -> None:
    laptop, gpu = load(name), compose([f"experiment={name}", "preset=gpu"])
    assert gpu["training"]["device"] == "cuda" and gpu["training"]["batch_size"] > laptop["training"]["batch_size"]
    assert "a biobank on a GPU" in gpu["budget"] and "not timed" in gpu["budget"]
    config = from_dict(TrainingConfig, {**gpu["training"], "device": "cpu"}, where="training")
    small, large = (build(one["model"]["name"], one["model"], SPEC, config) for one in (laptop, gpu))
    assert all(value != laptop["model"].get(key) for key, value in gpu["model"].items() if key != "name")
    assert sum(p.numel() for p in large.parameters()) >= sum(p.numel() for p in small.parameters())


def test_every_model_of_genotypes_that_learns_by_steps_has_a_preset_for_a_gpu() -> None:
    ours = [name for name in names("genotypes") if load(name).get("role") != "published"]
    learned = {name for name in ours if load(name)["training"]["epochs"] > 0}
    assert learned == {name for name in ours if "gpu" in experiments.presets(name)}


def test_a_preset_that_is_not_there_is_refused() -> None:
    for words in (["experiment=independent_sites", "preset=gpu"], ["experiment=mvn", "preset=cluster"]):
        with pytest.raises(InputError, match="choose one of: laptop"):
            compose(words)


def test_a_sweep_is_every_combination_of_its_values() -> None:
    words = ["experiment=wgan_gp", "training.seed=1,2", "model.generator_widths=[64,32],[8]", "training.epochs=3"]
    combinations = expand(words)
    assert len(combinations) == 4
    assert combinations[0] == ["experiment=wgan_gp", "training.seed=1", "model.generator_widths=[64,32]", words[3]]
    assert expand(["training.seed=range(1,4)"]) == [["training.seed=1"], ["training.seed=2"], ["training.seed=3"]]
    assert expand(words[:1]) == [words[:1]]
    with pytest.raises(InputError, match="at most 64"):
        expand(["training.seed=range(0,100)"])
