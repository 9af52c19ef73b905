"""Every recipe: its runs are known again, nothing is trained twice, and its sentence is read off the reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core import cli
from core.config.experiments import load, names
from core.data.dataset import DatasetMeta
from core.data.genotypes import Genotypes, from_calls
from core.data.library import Library
from core.errors import InputError
from core.plots.recipe import finding as chart
from core.reports.finding import Finding
from core.runs.directory import create
from core.runs.recipes.base import Done, finding, recipes, standing
from core.runs.states import State
from core.runs.store import RunStore
from tests.conftest import tiny_cohort
from tests.plots.checks import valid
from tests.runs.recipes.answered import answer, copies, finished, independent


@pytest.fixture
def store(home: Path) -> RunStore:
    return RunStore(shipped=None)


@pytest.fixture
def meta(home: Path) -> DatasetMeta:
    """A cohort of two populations, large enough for neighbours within each."""
    return Library().add(tiny_cohort(n=300, m=60), name="cohort")


def steps_of(name: str, meta: DatasetMeta, store: RunStore, experiment: str = "") -> list[Done]:
    entry = recipes[name]
    return standing(entry.value(), meta, experiment or entry.value.about, store)


def found(name: str, meta: DatasetMeta, store: RunStore, makers: Any = None, experiment: str = "") -> Finding:
    """Do a recipe's runs and read off what was learned."""
    entry = recipes[name]
    about = experiment or entry.value.about
    answer(steps_of(name, meta, store, about), store, **({"makers": makers} if makers else {}))
    result = finding(entry.value(), steps_of(name, meta, store, about), about, Library().open(meta.id), store)
    assert result is not None
    return result


@pytest.mark.parametrize("name", recipes.names())
def test_a_recipe_trains_what_is_missing_once_and_ends_in_a_sentence(
    name: str, meta: DatasetMeta, store: RunStore
) -> None:
    steps = steps_of(name, meta, store)
    assert steps and not any(done.run for done in steps)
    assert len({done.step.label for done in steps}) == len(steps)
    assert finding(recipes[name].value(), steps, recipes[name].value.about, Library().open(meta.id), store) is None
    result = found(name, meta, store)
    again = steps_of(name, meta, store)
    assert all(done.finished for done in again) and len(store.list()) == len(steps)
    assert len({done.run.run for done in again if done.run}) == len(steps)
    assert result.sentence.endswith(".") and len(result.sentence) > 40
    figure = chart(result)
    assert figure is not None
    valid(figure)
    assert len(figure.plot.data) == len(result.series)


def test_a_run_started_by_hand_or_shipped_counts_and_another_setting_does_not(
    meta: DatasetMeta, store: RunStore
) -> None:
    config = steps_of("linkage", meta, store)[0].config
    other = {**config, "training": {**config["training"], "condition_on": ["none"]}}
    finished(store, other, independent)
    assert steps_of("linkage", meta, store)[0].run is None
    by_hand = {**config, "title": "mine", "training": {**config["training"], "device": "cpu"}}
    run = finished(store, by_hand, independent)
    done = steps_of("linkage", meta, store)[0]
    assert done.finished and done.run is not None and done.run.run == run.id


def test_a_run_that_failed_is_trained_again_and_one_on_its_way_is_waited_for(
    meta: DatasetMeta, store: RunStore
) -> None:
    config = steps_of("neighbours", meta, store)[0].config
    create(store.root, config).move(State.FAILED, "Broken.")
    assert steps_of("neighbours", meta, store)[0].run is None
    done = finished(store, config, independent)
    queued = create(store.root, config)
    first = steps_of("neighbours", meta, store)[0].run
    assert first is not None and first.run == done.id
    done.delete()
    first = steps_of("neighbours", meta, store)[0].run
    assert first is None or first.run == queued.id  # lost, or waiting


def test_five_seeds_states_the_spread(meta: DatasetMeta, store: RunStore) -> None:
    result = found("seeds", meta, store, {"seed 1": independent, "seed 2": independent})
    assert result.sentence.startswith("Five trainings of WGAN-GP differ most in ")
    one = next(p for p in result.points if p["series"] == "seed 1" and p["x"] == "LD r")
    assert one["low"] < one["y"] < one["high"]
    assert len(result.points) == 20
    configs = [done.config for done in steps_of("seeds", meta, store)]
    assert [config["seed"] for config in configs] == [1, 2, 3, 4, 5]
    assert len({json.dumps(config["dataset"]) for config in configs}) == 1


def test_privacy_tells_from_when_on_a_model_remembers(meta: DatasetMeta, store: RunStore) -> None:
    epochs = load("wgan_gp")["training"]["epochs"]
    late = f"{3 * epochs} epochs"
    result = found("privacy", meta, store, {late: copies, "resample": copies, "wgan_gp": independent})
    assert f"it remembers from {late} on" in result.sentence
    auc = {p["x"]: p["y"] for p in result.points if p["series"] == "Membership AUC"}
    assert min(auc[late], auc["copies"]) > 0.7 > max(auc["real individuals"], auc[f"{epochs} epochs"])
    assert {done.config["training"]["score"] for done in steps_of("privacy", meta, store)[:-1]} == {"last"}


def test_a_model_without_epochs_is_checked_once(meta: DatasetMeta, store: RunStore) -> None:
    result = found("privacy", meta, store, {"fitted": independent, "resample": copies}, "gaussian_copula")
    assert len(steps_of("privacy", meta, store, "gaussian_copula")) == 2
    assert "it does not remember individuals" in result.sentence


def test_linkage_puts_independent_sites_last(meta: DatasetMeta, store: RunStore) -> None:
    result = found("linkage", meta, store)
    shares = result.sentence.split("these keep: ")[1].split(";")[0].split(", ")
    assert shares[-1].startswith("Independent sites") and "Real" in result.series
    assert "WGAN-GP as published" in result.series
    nowhere = Library().add(from_calls(tiny_cohort(n=120).calls), name="nowhere")
    result = found("linkage", nowhere, store)
    assert result.sentence.startswith("LD r: ") and result.sentence.endswith("Positions are unknown.")


def test_k_is_judged_by_the_gap_between_ceiling_and_null(meta: DatasetMeta, store: RunStore) -> None:
    result = found("neighbours", meta, store)
    (first, *_) = steps_of("neighbours", meta, store)
    assert first.config["dataset"]["view"]["max_individuals"] == 250 and first.run
    report = store.open(first.run).report()
    assert report is not None
    row = next(row for row in report.curve("precision_recall") if row["k"] == 5)
    gap = min(row[f"ceiling_{name}"] - row[f"null_{name}"] for name in ("precision", "recall"))
    assert next(p["y"] for p in result.points if p["series"] == first.step.label and p["x"] == 5) == gap


def test_transfer_is_worse_abroad_and_needs_populations(meta: DatasetMeta, store: RunStore, tiny: Genotypes) -> None:
    result = found("transfer", meta, store, {"haplotype_mosaic": copies})
    values = {(p["series"], p["x"]): p["y"] for p in result.points}
    home = values["trained on NORTH", "tested on NORTH"]
    assert home > values["trained on NORTH", "tested on SOUTH"]
    assert "each population needs individuals of its own" in result.sentence
    alone = Library().add(from_calls(tiny.calls), name="alone")
    with pytest.raises(InputError, match="needs a label with two populations"):
        steps_of("transfer", alone, store)


@pytest.mark.parametrize("name", recipes.names())
def test_what_a_recipe_is_about_is_an_experiment_with_a_help(name: str) -> None:
    entry = recipes[name]
    assert entry.help.endswith("?") and entry.source
    assert not entry.value.about or entry.value.about in names("genotypes")


def test_the_terminal_runs_a_recipe_and_says_what_was_learned(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    Library().add(tiny_cohort(n=100), name="mine")
    assert cli.main(["recipe"]) == 0
    assert "neighbours" in capsys.readouterr().out
    assert cli.main(["recipe", "neighbours", "--dataset", "mine", "--json"]) == 0
    value = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert "told apart best at k = " in value["sentence"] and len(value["runs"]) == 1
    assert cli.main(["recipe", "neighbours", "--dataset", "mine"]) == 0
    assert value["sentence"] in capsys.readouterr().out
    assert len([run for run in RunStore().list() if not run.embedded]) == 1
    for words, said in (
        (["recipe", "nothing"], "no recipe called"),
        (["recipe", "neighbours", "--experiment", "wgan_gp"], "experiments of its own"),
        (["recipe", "transfer", "--dataset", "demo-digits"], "it is about genotypes"),
    ):
        assert cli.main(words) == 2
        assert said in capsys.readouterr().err
