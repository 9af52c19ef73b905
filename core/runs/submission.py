"""From an experiment to the config of a run: every setting checked and filled in, the dataset named by its digest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.config import catalogue
from core.config.evaluation import EvaluationConfig
from core.config.schema import from_dict, to_dict
from core.config.training import TrainingConfig
from core.data.dataset import DatasetMeta
from core.data.library import Library
from core.data.set_view import settle
from core.errors import InputError

# Nodes of an experiment that are a choice from a registry.
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
