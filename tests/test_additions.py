"""Adding a model, an encoder or a metric is adding one file: everything else learns of it from its registration."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from core.cli import main
from core.commands.listing import collect
from core.config import catalogue, experiments
from core.config.evaluation import EvaluationConfig
from core.config.schema import setting
from core.data.genotypes import Genotypes
from core.data.library import Library
from core.evaluation.registry import Estimate, metric, metrics
from core.evaluation.report import evaluate
from core.models.base import Condition, Model
from core.models.gde.base import encoders
from core.models.gde.encoders.mean import MeanEncoder
from core.models.registry import models
from core.plots.theme import model_colour
from core.reports.standing import Candidate, families, table
from tests.pages.routed import routed  # noqa: F401
from tests.pages.test_datasets import library
from tests.pages.test_train import open_page
from tests.pages.test_train_on_sets import own_sets

__all__ = ["library"]

PRESET = """
name: toy_model
title: A toy
kind: genotypes
help: Nobody has an alternate allele.
dataset: demo
model: {name: toy_model}
training: {epochs: 0}
"""


@dataclass(frozen=True)
class ToyConfig:
    """Settings of the toys."""

    size: int = setting(3, "How large the toy is.", low=1)


@pytest.fixture
def toys(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A model with its preset, an encoder and a metric, for the time of one test."""
    for registry in (models, encoders, metrics):
        registry.names()
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    folder = shutil.copytree(experiments.FOLDER, tmp_path / "experiments")
    (folder / "toy_model.yaml").write_text(PRESET, encoding="utf-8")
    monkeypatch.setattr(experiments, "FOLDER", folder)

    about = {"help": "It is small.", "source": "this test", "config": ToyConfig}

    @models.register("toy_model", title="Toy model", colour="#123456", kind="genotypes", **about)
    class ToyModel(Model):
        def sample(self, n: int, condition: Condition | None, generator: torch.Generator) -> torch.Tensor:
            return torch.zeros(n, self.spec.variants, dtype=torch.int8)

    @encoders.register("toy_encoder", title="Toy encoder", colour="#654321", kind="sets", takes=("vector",), **about)
    class ToyEncoder(MeanEncoder):
        pass

    @metric(label="Toy share", family="Toys", direction="higher", help="It is one.", source="this test")
    def toy_share(comparison: object) -> Estimate:
        return Estimate(1.0)

    listed = {"digest": "toys", **collect()}
    monkeypatch.setattr(catalogue, "_listed", lambda: listed)
    yield
    experiments._written.cache_clear()


@pytest.mark.usefixtures("toys")
def test_the_train_page_offers_them(library: Library, tiny: Genotypes) -> None:
    library.add(tiny, name="cohort")
    own_sets(library)
    assert "A toy" in open_page(dataset="cohort").radio(key="experiment").options
    app = open_page(dataset="mine", experiment="Cytometry")
    assert {"Toy encoder", "ResNet GNN"} <= set(app.selectbox(key="cytometry.encoder").options)
    app.selectbox(key="cytometry.encoder").set_value("toy_encoder").run()
    assert app.number_input(key="cytometry.encoder.toy_encoder.size").value == 3


@pytest.mark.usefixtures("toys")
def test_the_train_page_offers_an_encoder_for_what_it_takes() -> None:
    app = open_page(dataset="demo-digits", experiment="Handwritten digits")
    assert {"ResNet GNN"} <= set(app.selectbox(key="digits.encoder").options) - {"Toy encoder"}
    assert "Toy encoder" not in app.selectbox(key="digits.encoder").options


@pytest.mark.usefixtures("toys")
def test_the_scorecard_shows_them_with_title_colour_and_family(tiny: Genotypes) -> None:
    report = evaluate(tiny, tiny, options=EvaluationConfig(bootstrap=0))
    candidates = [Candidate(catalogue.title("toy_model"), "toy_model", report)]
    assert families(candidates)["Toys"] == ["toy_share"]
    assert {"Toys"} == set(table(candidates, ["toy_share"])["Family"])
    assert model_colour("toy_model") == catalogue.colour("toy_model") == "#123456"
    assert catalogue.title("toy_encoder") == "Toy encoder" and catalogue.colour("toy_encoder") == "#654321"


@pytest.mark.usefixtures("toys")
def test_the_terminal_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == main(["metrics"]) == main(["experiments"]) == 0
    said = capsys.readouterr().out
    assert "model=toy_model (Toy model): It is small." in said and "model.size" in said
    assert "encoder=toy_encoder (Toy encoder): It is small.\n  source: this test\n  takes: vector" in said
    assert ["toy_share", "Toys", "higher", "It", "is", "one."] in [line.split() for line in said.splitlines()]
    assert "Nobody has an alternate allele." in said
