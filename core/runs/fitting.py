"""Which experiments suit a dataset: what the Train page offers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.data.dataset import DatasetMeta

IMAGE_ENCODER = "image_gnn"


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
