"""A recipe: a question, the runs that answer it, and the sentence that is read off their reports.

A recipe keeps nothing of its own. Its runs are ordinary runs, known again by their config: one that is there already,
shipped or started by hand, is not trained a second time, and an interrupted recipe goes on where it was.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from core.config import catalogue
from core.config.evaluation import EvaluationConfig
from core.config.experiments import load
from core.config.schema import to_dict
from core.config.training import TrainingConfig
from core.data.dataset import Dataset, DatasetMeta
from core.errors import InputError
from core.registry import Registry
from core.reports.finding import Finding
from core.reports.report import Report
from core.runs.directory import Run
from core.runs.states import State
from core.runs.store import RunStore
from core.runs.submission import prepare
from core.runs.summary import RunSummary

QUICK_INDIVIDUALS = 500
"""Individuals of a recipe that trains several times: enough for the effect, few enough for minutes."""


@dataclass(frozen=True)
class Step:
    """One run of a recipe: what it is called, and the experiment that it trains."""

    label: str
    experiment: Mapping[str, Any]


@dataclass(frozen=True)
class Done:
    """A step, the config of its run, and the run that has it, if any is there."""

    step: Step
    config: Mapping[str, Any]
    run: RunSummary | None

    @property
    def finished(self) -> bool:
        """Whether its report can be read."""
        return self.run is not None and self.run.state == State.SUCCEEDED and self.run.has_report


class Recipe(ABC):
    """What is asked of a dataset, and how it is answered."""

    # The experiment that it is about unless the reader names another; "" where it is about certain ones.
    about: ClassVar[str] = ""

    # Whether what was learned takes torch, and so a process of its own where a page asks.
    heavy: ClassVar[bool] = False

    def misfit(self, meta: DatasetMeta) -> str:
        """Why the dataset cannot answer it, "" where it can."""
        return "" if meta.kind == "genotypes" else "it is about genotypes"

    @abstractmethod
    def plan(self, meta: DatasetMeta, experiment: str) -> list[Step]:
        """The runs, in the order in which they are trained."""

    @abstractmethod
    def learned(self, reports: Mapping[str, Report], experiment: str, dataset: Dataset) -> Finding:
        """What the reports, by the labels of their steps, say of the dataset."""


recipes: Registry[type[Recipe]] = Registry("recipe", "core.runs.recipes", kind="genotypes")


def step(label: str, name: str, **nodes: Mapping[str, Any]) -> Step:
    """The experiment `name` with some settings of its nodes ("training", "dataset", …) changed."""
    experiment = load(name)
    dataset = nodes.pop("dataset", {})
    changed = {node: {**experiment.get(node, {}), **settings} for node, settings in nodes.items()}
    title = label if label == experiment["title"] else f"{experiment['title']}, {label}"
    return Step(label, {**experiment, **changed, "dataset": dict(dataset), "title": title})


def standing(recipe: Recipe, meta: DatasetMeta, experiment: str, store: RunStore) -> list[Done]:
    """Every step with the newest run that does it: one that has succeeded, else one that is on its way.

    Raises InputError where the recipe does not suit the dataset.
    """
    if reason := recipe.misfit(meta):
        raise InputError(f"The dataset {meta.name!r} does not suit this recipe: {reason}.")
    configs = [(one, prepare(one.experiment, meta.id)) for one in recipe.plan(meta, experiment)]
    listed = [one for one in store.list() if one.dataset == meta.id and (one.active or one.state == State.SUCCEEDED)]
    known = [(one, store.open(one)) for one in sorted(listed, key=lambda one: one.active)]
    return [
        Done(one, config, next((summary for summary, run in known if _same(config, run)), None))
        for one, config in configs
    ]


def finding(
    recipe: Recipe, steps: Sequence[Done], experiment: str, dataset: Dataset, store: RunStore
) -> Finding | None:
    """What was learned; None while a report is missing."""
    reports: dict[str, Report] = {}
    for done in steps:
        report = store.open(done.run).report() if done.finished and done.run else None
        if report is None:
            return None
        reports[done.step.label] = report
    return recipe.learned(reports, experiment, dataset)


def _same(config: Mapping[str, Any], run: Run) -> bool:
    """Whether the run does what the config says; a setting that is younger than the run counts as its default."""
    try:
        other = run.config
        if any(config.get(key) != other.get(key) for key in ("name", "kind", "seed")):
            return False
        theirs = {
            "model": catalogue.validate("model", other["model"]),
            "training": {**to_dict(TrainingConfig()), **other["training"]},
            "evaluation": {**to_dict(EvaluationConfig()), **other.get("evaluation", {})},
        }
    except (InputError, KeyError):  # of another version
        return False
    seen = [one.get("dataset", {}).get("view") for one in (config, other)]
    theirs["training"]["device"] = config["training"]["device"]  # where it was trained does not matter
    return seen[0] == seen[1] and all(config[node] == settings for node, settings in theirs.items())
