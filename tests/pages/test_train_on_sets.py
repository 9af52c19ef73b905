"""The Train page on sets: what is offered for which data, choices of parts, and the same run as the command line."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.config.command import applied, changed, overrides
from core.config.experiments import compose, load
from core.data.library import Library
from core.data.simulators.labelled_sequences import SyntheticMethylationConfig, simulate_synthetic_methylation
from core.errors import InputError
from core.runs.submission import prepare
from tests.pages.routed import routed  # noqa: F401
from tests.pages.test_datasets import library
from tests.pages.test_train import command, open_page, submitted, text
from tests.sets import from_groups

__all__ = ["library", "submitted"]


def own_sets(
    library: Library, shape: tuple[int, ...] = (3,), options: dict[str, Any] | None = None, **facts: Any
) -> str:
    """Put 20 sets that a user might have brought into the library; their digest."""
    rng = np.random.default_rng(0)
    group = np.repeat([f"s{i}" for i in range(20)], 20)
    x = rng.normal(size=(400, *shape)).astype(np.float32)
    return library.add(from_groups(x, group, **facts), name="mine", source="mine.csv", import_options=options).id


def test_what_is_offered_fits_the_data(home: Path) -> None:
    app = open_page(dataset="demo-clones")
    assert app.radio(key="experiment").value == "lineage_tracing"
    offered = app.radio(key="experiment").options
    assert "Handwritten digits" not in offered and "WGAN-GP" not in offered
    app.selectbox(key="dataset").set_value("demo-digits").run()
    assert not app.exception
    assert set(app.radio(key="experiment").options) == {"Handwritten digits", "Cell images"}
    app.selectbox(key="dataset").set_value("demo").run()
    assert not app.exception and "WGAN-GP" in app.radio(key="experiment").options


def test_own_sets_are_offered_no_preset_of_simulated_ones(library: Library) -> None:
    own_sets(library)
    offered = open_page(dataset="mine").radio(key="experiment").options
    assert "Cytometry" in offered
    assert not {"Gaussian mixtures", "Clonal differentiation"} & set(offered)


def test_own_reads_are_offered_the_preset_whose_default_is_simulated(library: Library) -> None:
    reads = simulate_synthetic_methylation(SyntheticMethylationConfig(donors=5, observations=20))
    library.add(replace(reads, truth={}), name="mine", source="mine.pat")
    app = open_page(dataset="mine")
    assert app.radio(key="experiment").value == "methylation"


def test_no_set_is_left_out_that_was_kept_at_import(library: Library, submitted: list[dict[str, Any]]) -> None:
    own_sets(library, options={"min_samples": 2})
    app = open_page(dataset="mine", experiment="Cytometry")
    assert "dataset.min_samples=2" in command(app)
    app.button(key="start").click().run()
    assert submitted[0]["dataset"]["view"]["min_samples"] == 2


def test_the_preset_for_a_gpu_is_the_command_lines(home: Path) -> None:
    app = open_page(dataset="demo-digits", experiment="Handwritten digits", preset="A GPU")
    assert not app.exception
    words = command(app)
    assert words[4:6] == ["experiment=digits", "preset=gpu"] and words[6] == "--dataset"
    assert app.number_input(key="digits-gpu.training.epochs").value == load("digits", "gpu")["training"]["epochs"]


def test_another_encoder_starts_from_its_own_defaults(library: Library, submitted: list[dict[str, Any]]) -> None:
    own = own_sets(library)
    app = open_page(dataset="mine", experiment="Cytometry")
    assert command(app) == ["python", "-m", "core", "train", "experiment=cytometry", "--dataset", own]
    app.selectbox(key="cytometry.encoder").set_value("deep_sets").run()
    assert "encoder=deep_sets" in command(app)
    assert not [one for one in app.number_input if one.key == "cytometry.dataset.min_samples"]
    app.session_state["cytometry.dataset.fold"] = True
    app.run()
    app.number_input(key="cytometry.encoder.deep_sets.width").set_value(24)
    app.number_input(key="cytometry.dataset.min_samples").set_value(10)
    app.number_input(key="cytometry.training.epochs").set_value(2).run()
    words = command(app)
    app.button(key="start").click().run()
    assert not app.exception and not app.error
    (config,) = submitted
    assert config["encoder"]["name"] == "deep_sets" and config["encoder"]["width"] == 24
    assert config["dataset"]["view"]["min_samples"] == 10
    assert prepare(compose(words[4 : words.index("--dataset")]), words[-1]) == config


def test_what_is_fitted_in_closed_form_has_no_epochs(library: Library, submitted: list[dict[str, Any]]) -> None:
    own_sets(library)
    app = open_page(dataset="mine", experiment="Cytometry")
    shown = {one.key for one in (*app.number_input, *app.selectbox, *app.text_input)}
    assert "cytometry.training.seed" in shown and "cytometry.mixer" not in shown
    assert not {f"cytometry.training.{one}" for one in ("epochs", "batch_size", "learning_rate")} & shown
    assert not any(key and key.startswith("cytometry.model.") for key in shown)
    assert "nothing is learned by steps" in text(app) and "no epochs and no curves" in text(app)
    # Another encoder learns, and then needs epochs.
    app.selectbox(key="cytometry.encoder").set_value("deep_sets").run()
    assert app.number_input(key="cytometry.training.epochs").value == 100
    assert "training.epochs=100" in command(app) and "It trains for 100 epochs" in text(app)
    app.selectbox(key="cytometry.encoder").set_value("none").run()
    app.button(key="start").click().run()
    assert submitted[0]["training"]["epochs"] == 0 and submitted[0]["model"]["exact"]


def test_a_link_restores_the_parts(library: Library) -> None:
    own_sets(library)
    query = {"cytometry.encoder": "Deep sets", "cytometry.encoder.deep_sets.width": "24"}
    app = open_page(dataset="mine", experiment="Cytometry", **query)
    assert {"encoder=deep_sets", "encoder.width=24"} <= set(command(app))


def test_the_plan_speaks_of_sets(library: Library) -> None:
    own_sets(library)
    said = text(open_page(dataset="mine", experiment="Cytometry")).replace("\\", "")
    assert "16 training sets of" in said and "Atlas" in said and "individuals" not in said
    app = open_page(dataset="mine", experiment="Cytometry", **{"cytometry.dataset.min_samples": "25"})
    assert app.number_input(key="cytometry.dataset.min_samples").value == 25
    assert "16 training sets, those of 25 observations or more, of" in text(app).replace("\\", "")


def test_a_choice_that_is_changed_and_spelled() -> None:
    experiment = load("cytometry")
    asked = {"encoder": {"name": "mean"}, "mixer": {**experiment["mixer"]}, "generator": {**experiment["generator"]}}
    defaults: dict[str, dict[str, Any]] = {"encoder": {}, "mixer": {}, "generator": {}}
    changes = changed(experiment, asked, defaults)
    assert changes == {"encoder": {"name": "mean"}}
    assert overrides("cytometry", changes) == ["experiment=cytometry", "encoder=mean"]
    assert compose(shlex.split(shlex.join(overrides("cytometry", changes)))) == applied(experiment, changes)


def test_the_control_is_chosen_among_the_values_of_the_labels(
    library: Library, submitted: list[dict[str, Any]]
) -> None:
    drug = np.array(["water", "aspirin"] * 10)
    own = own_sets(library, labels={"drug": drug})
    app = open_page(dataset="mine", experiment="Cytometry")
    control = app.selectbox(key="cytometry.evaluation.control")
    assert control.options == ["found by its name", "aspirin", "water"]
    control.set_value("water").run()
    words = command(app)
    assert "evaluation.control=water" in words
    app.button(key="start").click().run()
    (config,) = submitted
    assert config["evaluation"] == {"control": "water"}
    with pytest.raises(InputError, match=r"No set has the label value 'NT'.*drug: "):
        prepare(compose(["experiment=cytometry", "evaluation.control=NT"]), own)
