"""The catalogue: what a form is drawn from."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core.config import catalogue
from core.config.home import REPOSITORY
from core.config.schema import from_dict, to_dict
from core.errors import InputError


def test_it_lists_everything_and_loads_no_torch() -> None:
    code = (
        "import sys, json; from core.config.catalogue import catalogue\n"
        "listed = catalogue(); print(json.dumps([sorted(listed), 'torch' in sys.modules, len(listed['models'])]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    sections, torch, models = json.loads(done.stdout)
    assert {"models", "metrics", "experiments", "training", "evaluation"} <= set(sections)
    assert not torch
    assert models >= 5


def test_it_is_made_anew_where_the_sources_have_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = catalogue._listed.__wrapped__
    monkeypatch.setattr(catalogue, "FILE", tmp_path / "catalogue.json")
    monkeypatch.setattr(catalogue, "digest", lambda: "new")
    monkeypatch.setattr(catalogue, "_list_in_child", lambda: {"digest": "listed"})
    assert read() == {"digest": "listed"}
    for kept, answer in (({"digest": "new"}, "new"), ({"digest": "old"}, "listed"), ({}, "listed")):
        catalogue.write(kept)
        assert read() == {"digest": answer}
    catalogue.FILE.write_text("{")
    assert read() == {"digest": "listed"}
    monkeypatch.setattr(catalogue, "FILE", tmp_path / "nowhere" / "catalogue.json")
    catalogue.write({"digest": "new"})  # a folder that cannot be written costs time, never an answer
    assert read() == {"digest": "listed"}


def test_the_digest_knows_every_source() -> None:
    sources = {path.name for pattern in catalogue._SOURCES for path in (REPOSITORY / "core").glob(pattern)}
    assert {"registry.py", "listing.py", "wgan_gp.py", "wgan_gp.yaml", "training.py", "vcf.py", "image.py"} <= sources


def test_titles_and_colours_come_from_registrations_and_presets() -> None:
    names = ["wgan_gp", "wgan_gp_published", "independent_sites", "gaussian_copula", "haplotype_mosaic", "resample"]
    assert len({catalogue.colour(name) for name in names}) == len({catalogue.place(name) for name in names}) == 6
    assert catalogue.colour("gmm") == catalogue.colour("gde"), "a preset without a colour has that of its model"
    assert catalogue.colour("mine.npz") == catalogue.colour("mine.npz") not in map(catalogue.colour, [*names, "gde"])
    assert catalogue.title("wgan_gp_published") == "WGAN-GP as published"
    assert catalogue.title("resnet_gnn") == "ResNet GNN"
    assert catalogue.title("my_file") == "My file"
    for model in ("wgan_gp", "wgan_gp_published"):
        assert catalogue.loss_title(model, "critic") == "Critic loss"
        assert catalogue.loss_title(model, "gradient_penalty") == "Gradient penalty"


@pytest.mark.parametrize(
    ("node", "sentence"),
    [
        ({"name": "wgan_gp", "latnt": 3}, "no setting 'model.latnt'; did you mean 'latent'"),
        ({"name": "wgan_gp", "latent": 0}, "at least 1"),
        ({"name": "wgan_gp", "latent": "many"}, "of type int"),
        ({"name": "gde", "auxiliary": "some"}, "choose one of: none, classification"),
        ({"name": "wgan_gp", "generator_widths": [8, "x"]}, "of type int"),
        ({"name": "gann"}, "no model called 'gann'"),
        ({}, "no model called ''"),
    ],
)
def test_nodes_are_checked_without_the_model(node: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        catalogue.validate("model", node)


def test_a_checked_node_equals_the_model_registrys_own() -> None:
    from core.models.registry import models

    def validate(node: dict[str, object]) -> dict[str, object]:
        settings = {key: value for key, value in node.items() if key != "name"}
        config = models[str(node["name"])].config
        assert config is not None
        return {"name": node["name"], **to_dict(from_dict(config, settings))}

    for entry in models:
        assert catalogue.validate("model", {"name": entry.name}) == validate({"name": entry.name})
    given = {"name": "wgan_gp", "generator_widths": [64], "gradient_penalty": 5}
    assert catalogue.validate("model", given) == validate(given)
