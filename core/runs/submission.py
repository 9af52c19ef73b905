"""From an experiment to the config of a run: which ones suit a dataset, every setting checked and filled in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from core.config import catalogue
from core.config.evaluation import EvaluationConfig, SetEvaluationConfig
from core.config.experiments import compose
from core.config.overrides import expand
from core.config.schema import from_dict, to_dict
from core.config.training import TrainingConfig
from core.data.dataset import DatasetMeta
from core.data.library import Library
from core.data.selection import CohortViewConfig, cohort_split, settle
from core.errors import InputError
from core.evaluation.sets.conditions import no_control

# Nodes of an experiment that are a choice from a registry.
ROLES = {"ours": "Ours", "published": "As published", "baseline": "Baselines"}
"""What an experiment is for, as its file says it, and as a reader sees it."""

CHOICES = ("model", "encoder", "generator", "mixer")


def prepare(
    experiment: Mapping[str, Any], dataset: str | None = None, library: Library | None = None
) -> dict[str, Any]:
    """The config of a run, as `RunStore.submit` takes it and `config.json` keeps it.

    Args:
        experiment: what `core.config.experiments.compose` returns.
        dataset: name or digest of the dataset; default: the experiment's own.
        library: where it is looked up; default: the library of this home.

    Raises InputError for a dataset, a choice or a setting that does not exist or does not fit.
    """
    node = dict(experiment["dataset"])
    library = library or Library()
    if experiment["kind"] == "sets":
        meta, view = settle(node, dataset, library)
    else:
        own = str(node.pop("name", ""))
        meta = library.open(dataset or own).meta
        view = to_dict(from_dict(CohortViewConfig, node, where="dataset"))
    if meta.kind != experiment["kind"]:
        raise InputError(
            f"The dataset {meta.name!r} holds {meta.kind}, but the experiment {experiment['name']!r} takes "
            f"{experiment['kind']}; choose another of the two."
        )
    _refuse_other_observations(experiment, meta)
    training = to_dict(from_dict(TrainingConfig, experiment["training"], where="training"))
    _refuse_processes(training, str(experiment["model"]["name"]))
    whole = meta.kind == "genotypes" and view == to_dict(CohortViewConfig())
    seen = {**({} if whole else {"view": view}), **_described(meta)}
    return {
        **{key: experiment[key] for key in ("name", "title", "kind")},
        "dataset": seen,
        "split": _sizes(meta, {"dataset": seen}, library),
        **{group: catalogue.validate(group, experiment[group]) for group in CHOICES if group in experiment},
        "training": training,
        "evaluation": _evaluation(experiment, meta),
        "seed": training["seed"],
        "resources": {"device": training["device"]},
    }


def _evaluation(experiment: Mapping[str, Any], meta: DatasetMeta) -> dict[str, Any]:
    """The settings of the evaluation, of sets with a control that a label has. Raises InputError."""
    node = experiment.get("evaluation", {})
    if meta.kind != "sets":
        return to_dict(from_dict(EvaluationConfig, node, where="evaluation"))
    settings = from_dict(SetEvaluationConfig, node, where="evaluation")
    if settings.control and not any(settings.control in values for values in meta.labels.values()):
        raise InputError(no_control(meta.labels, settings.control))
    return to_dict(settings)


def prepare_sweep(overrides: Sequence[str], dataset: str | None = None) -> list[dict[str, Any]]:
    """The configs of a run for every combination of values that the overrides name; a title tells them apart.

    All are checked before any is returned. Raises InputError as `prepare`, `compose` and `expand` do.
    """
    combinations = expand(overrides)
    varied = [k for k, values in enumerate(zip(*combinations, strict=True)) if len(set(values)) > 1]
    configs: list[dict[str, Any]] = []
    for words in combinations:
        experiment = compose(words)
        values = [words[k].rpartition(".")[2].replace("=", " ") for k in varied]
        config = prepare(experiment | {"title": ", ".join([str(experiment["title"]), *values])}, dataset)
        sweep = {"name": sweep_name(overrides, config), "title": experiment["title"], "trial": len(configs)}
        configs.append(config | ({"sweep": sweep} if varied else {}))
    return configs


def sweep_name(overrides: Sequence[str], config: Mapping[str, Any]) -> str:
    """The name of the sweep that these overrides are on the dataset of `config`: the same for the same words."""
    words = json.dumps([sorted(overrides), config["dataset"]["id"]])
    return hashlib.sha256(words.encode()).hexdigest()[:12]


def _refuse_other_observations(experiment: Mapping[str, Any], meta: DatasetMeta) -> None:
    """Raise InputError for a part of a model that does not take the observations of the sets."""
    for part in CHOICES[1:] if meta.kind == "sets" else ():
        known = catalogue.catalogue()[f"{part}s"]
        entry = next((one for one in known if one["name"] == experiment.get(part, {}).get("name")), None)
        if entry and not takes(entry, meta.collection.modality):
            taken = " and ".join(f"{one}s" for one in entry["takes"])
            fitting = [one["name"] for one in known if takes(one, meta.collection.modality)]
            raise InputError(
                f"The {part} {entry['name']!r} takes {taken}, but the dataset {meta.name!r} holds "
                f"{meta.collection.modality}s; choose one of: {', '.join(fitting)}."
            )


def _refuse_processes(training: Mapping[str, Any], model: str) -> None:
    """Raise InputError for several processes of a model whose steps they cannot share, or of too small batches."""
    processes = training["processes"]
    if processes > 1 and (why := catalogue.undivided(model)):
        raise InputError(f"The model {model!r} trains in one process: {why}; set training.processes=1.")
    if processes > training["batch_size"]:
        raise InputError(
            f"training.processes is {processes}, but training.batch_size {training['batch_size']}: each process needs "
            "an individual or set of every batch; take fewer processes."
        )


def _sizes(meta: DatasetMeta, config: Mapping[str, Any], library: Library) -> dict[str, int]:
    """How many train and are held out: of a cohort, those that the run uses."""
    if meta.kind == "sets" or "view" not in config["dataset"]:
        return {"train": meta.n_train, "holdout": meta.n_holdout}
    split = cohort_split(library.open(meta.id), config)
    return {"train": len(split.train), "holdout": len(split.holdout)}


def _described(meta: DatasetMeta) -> dict[str, Any]:
    counts = ("sets", "observations") if meta.kind == "sets" else ("individuals", "variants")
    return {"id": meta.id, "name": meta.name, **{k: getattr(meta.facts, k) for k in counts}}


def misfit(experiment: Mapping[str, Any], meta: DatasetMeta) -> str:
    """Why the experiment does not suit the dataset, "" where it does.

    Its `takes` says for which observations it is sized. An experiment that simulates its own sets is offered for
    simulated sets only, unless its `own_data` says that it is for data that one brings; one whose latent predicts a
    column needs that column.
    """
    if experiment["kind"] != meta.kind:
        return f"it takes {experiment['kind']}"
    if meta.kind != "sets":
        return ""
    if not takes(experiment, meta.collection.modality):
        return f"it takes {' or '.join(f'{modality}s' for modality in experiment['takes'])}"
    if meta.collection.alphabet and not _known_letters(experiment, meta) and experiment.get("letters"):
        return f"it takes letters of {' or '.join(experiment['letters'])}"
    # Families of distributions are known in all their parameters, and have no labels.
    if _of_simulated(experiment) and not (meta.has_truth and not meta.labels):
        return "it is for sets that are simulated"
    return _lacking(experiment["model"], meta)


def _known_letters(experiment: Mapping[str, Any], meta: DatasetMeta) -> int:
    """How many letters of the alphabet the experiment is for: of ACGTM, methylated DNA, one for ACGT is for four."""
    alphabet = meta.collection.alphabet if meta.kind == "sets" else ""
    return max(len(letters) * alphabet.startswith(letters) for letters in experiment.get("letters", [""]))


def _of_simulated(experiment: Mapping[str, Any]) -> bool:
    return "simulator" in experiment["dataset"] and not experiment.get("own_data", False)


def _lacking(model: Mapping[str, Any], meta: DatasetMeta) -> str:
    kind, column = model.get("auxiliary", "none"), model.get("label", "")
    if kind == "next_set" and not (meta.collection.unit and meta.collection.covariates):
        return "it needs a unit, such as the clone, and a number that orders its sets, such as the day"
    if kind == "next_set" and column and column not in (*meta.collection.covariates, *meta.labels):
        return f"it needs the column {column!r}"
    if kind in ("classification", "effect") and column not in meta.labels:
        return f"it needs the label {column!r}"
    return ""


def nearest_first(experiment: Mapping[str, Any], meta: DatasetMeta) -> tuple[bool | int, ...]:
    """A sorting key: models that learn by steps, made for these letters, for this dataset, that use its columns, for
    data one brings."""
    own = experiment["dataset"]
    return (
        experiment["training"].get("epochs") == 0,
        -_known_letters(experiment, meta),
        meta.kind == "sets" and own.get("name") != meta.name,
        experiment["model"].get("auxiliary", "none") == "none",
        _of_simulated(experiment) and own.get("family") != meta.import_options.get("family"),
    )


def by_role(experiments: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Experiments by what they are for, in a fixed order of the kinds that there are; in each their own order."""
    groups = {title: [one for one in experiments if one.get("role", "ours") == role] for role, title in ROLES.items()}
    return {title: some for title, some in groups.items() if some}


def takes(entry: Mapping[str, Any], modality: str) -> bool:
    """Whether an experiment, or an entry of the catalogue, takes observations of that modality; without a word, all."""
    return not entry.get("takes") or modality in entry["takes"]
