"""From an experiment to the config of a run: which ones suit a dataset, every setting checked and filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.config import catalogue
from core.config.evaluation import EvaluationConfig
from core.config.schema import from_dict, to_dict
from core.config.training import TrainingConfig
from core.data.dataset import DatasetMeta
from core.data.library import Library
from core.data.selection import settle
from core.errors import InputError

# Nodes of an experiment that are a choice from a registry.
CHOICES = ("model", "encoder", "generator", "mixer")
IMAGE_ENCODER = "image_gnn"


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
    seen: dict[str, Any] = {}
    if experiment["kind"] == "sets":
        meta, settings = settle(node, dataset, library)
        node, seen = {}, {"view": settings}
    else:
        meta = library.open(dataset or str(node.get("name", ""))).meta
    if meta.kind != experiment["kind"]:
        raise InputError(
            f"The dataset {meta.name!r} holds {meta.kind}, but the experiment {experiment['name']!r} takes "
            f"{experiment['kind']}; choose another of the two."
        )
    training = to_dict(from_dict(TrainingConfig, experiment["training"], where="training"))
    return {
        **{key: experiment[key] for key in ("name", "title", "kind")},
        "dataset": {**{k: v for k, v in node.items() if k != "name"}, **seen, **_described(meta)},
        "split": {"train": meta.n_train, "holdout": meta.n_holdout},
        **{group: catalogue.validate(group, experiment[group]) for group in CHOICES if group in experiment},
        "training": training,
        "evaluation": to_dict(from_dict(EvaluationConfig, experiment.get("evaluation", {}), where="evaluation")),
        "seed": training["seed"],
        "resources": {"device": training["device"]},
    }


def _described(meta: DatasetMeta) -> dict[str, Any]:
    counts = ("sets", "observations") if meta.kind == "sets" else ("individuals", "variants")
    return {"id": meta.id, "name": meta.name, **{k: getattr(meta, k) for k in counts}}


def misfit(experiment: Mapping[str, Any], meta: DatasetMeta) -> str:
    """Why the experiment does not suit the dataset, "" where it does.

    An experiment that simulates its own sets is offered for simulated sets only; one whose latent predicts a column
    needs that column; an encoder of images needs images.
    """
    if experiment["kind"] != meta.kind:
        return f"it takes {experiment['kind']}"
    if meta.kind != "sets":
        return ""
    for_images = experiment["encoder"]["name"] == IMAGE_ENCODER
    if for_images != (meta.modality == "image"):
        return "it takes images" if for_images else "it takes vectors or sequences"
    # Families of distributions are known in all their parameters, and have no labels.
    if "simulator" in experiment["dataset"] and not (meta.has_truth and not meta.labels):
        return "it is for sets that are simulated"
    return _lacking(experiment["model"], meta)


def _lacking(model: Mapping[str, Any], meta: DatasetMeta) -> str:
    kind, column = model.get("auxiliary", "none"), model.get("label", "")
    if kind == "next_set" and not (meta.unit and meta.covariates):
        return "it needs a unit, such as the clone, and a number that orders its sets, such as the day"
    if kind == "next_set" and column and column not in (*meta.covariates, *meta.labels):
        return f"it needs the column {column!r}"
    if kind in ("classification", "effect") and column not in meta.labels:
        return f"it needs the label {column!r}"
    return ""


def nearest_first(experiment: Mapping[str, Any], meta: DatasetMeta) -> tuple[bool, ...]:
    """A sorting key: models that learn by steps, made for this dataset, that use its columns, for data one brings."""
    own = experiment["dataset"]
    return (
        experiment["training"].get("epochs") == 0,
        meta.kind == "sets" and own.get("name") != meta.name,
        experiment["model"].get("auxiliary", "none") == "none",
        "simulator" in own and own.get("family") != meta.import_options.get("family"),
    )


def encoders_for(meta: DatasetMeta, names: list[str]) -> list[str]:
    """The encoders among `names` that take the observations of the dataset."""
    return [name for name in names if meta.modality == "image" or name != IMAGE_ENCODER]
