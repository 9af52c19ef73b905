"""From a dataset and its split to what a model sees: complete calls, conditions, and their description."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from core.config.training import TrainingConfig
from core.data.genotypes import Genotypes
from core.data.missing import filled
from core.data.split import Index, Split
from core.errors import InputError
from core.models.base import UNKNOWN, Condition, DataSpec, TrainData
from core.training.stored import Shelf

AUTO, NONE = "auto", "none"

# Added to the run's seed for the holdout's missing calls: the two sides share no draw.
HOLDOUT_SEED = 10_000


def prepare_split(
    genotypes: Genotypes, split: Split, config: TrainingConfig, shelf: Shelf | None = None
) -> tuple[TrainData, TrainData | None]:
    """Both sides of `split` ready for a model; the holdout is None where it is empty.

    Missing calls are filled on each side by itself, and everything that is learned from individuals (values of
    the labels, mean and standard deviation of the phenotypes) is learned from the training ones: a label that only
    the holdout has is unknown there. With `shelf` the calls stay on disk, and are the same.
    Raises InputError for a name in `training.condition_on` that the data lack.
    """
    if len(split.train) == 0:
        raise InputError("The dataset has no training individuals; import at least two individuals.")
    spec = describe(genotypes, split.train, config.condition_on)
    stores = {name: None if shelf is None else partial(shelf.calls, name) for name in ("train", "holdout")}
    train = _side(genotypes, split.train, config.seed, spec, stores["train"])
    if not len(split.holdout):
        return train, None
    return train, _side(genotypes, split.holdout, config.seed + HOLDOUT_SEED, spec, stores["holdout"])


def _side(
    genotypes: Genotypes, rows: Index, seed: int, spec: DataSpec, store: Callable[..., torch.Tensor] | None
) -> TrainData:
    condition = condition_of(genotypes.variants(np.arange(0)).individuals(rows), spec)
    if store is not None:
        return TrainData(store(genotypes, rows, seed), condition, spec, on_disk=True)
    calls = np.array(filled(genotypes.individuals(rows), seed), dtype=np.int8, order="C")
    return TrainData(torch.from_numpy(calls), condition, spec)


def describe(genotypes: Genotypes, train: npt.NDArray[np.int64], condition_on: tuple[str, ...]) -> DataSpec:
    """The spec of the individuals at `train`: label values in alphabetical order, phenotype means and deviations.

    A phenotype that nobody has, or that does not vary, gets deviation 1. The calls are not read.
    """
    labels, phenotypes = conditioning_columns(genotypes, condition_on)
    names = {column: sorted(set(genotypes.labels[column][train].tolist()) - {""}) for column in labels}
    _, first, code = np.unique(genotypes.variant_contig, return_index=True, return_inverse=True)
    return DataSpec(
        variants=genotypes.m,
        categories=genotypes.ploidy + 1,
        label_columns={column: values for column, values in names.items() if values},
        phenotypes={name: _mean_and_deviation(genotypes.phenotypes[name][train]) for name in phenotypes},
        position=np.asarray(genotypes.variant_position, dtype=np.int64),
        contig=np.argsort(np.argsort(first))[code].astype(np.int64),
        n_train=len(train),
    )


def conditioning_columns(genotypes: Genotypes, condition_on: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Names of the label columns and of the phenotypes that `training.condition_on` asks for.

    ("auto",): the first label column and every phenotype; ("none",) or (): nothing; else the names given.
    """
    if tuple(condition_on) in ((), (NONE,)):
        return [], []
    if tuple(condition_on) == (AUTO,):
        return list(genotypes.labels)[:1], list(genotypes.phenotypes)
    known = [*genotypes.labels, *genotypes.phenotypes]
    for name in condition_on:
        if name not in known:
            offered = f"it has {', '.join(known)}" if known else "it has none"
            raise InputError(
                f"training.condition_on names {name!r}, but the dataset has no such label column or phenotype; "
                f"{offered}; 'auto' and 'none' stand alone."
            )
    return [n for n in condition_on if n in genotypes.labels], [n for n in condition_on if n in genotypes.phenotypes]


def condition_of(genotypes: Genotypes, spec: DataSpec) -> Condition:
    """The conditions of these individuals in the terms of `spec`; absent columns, values and numbers are unknown."""
    labels = np.full((genotypes.n, len(spec.label_columns)), UNKNOWN, dtype=np.int64)
    for k, (column, values) in enumerate(spec.label_columns.items()):
        if column in genotypes.labels:
            code = {value: i for i, value in enumerate(values)}
            labels[:, k] = [code.get(value, UNKNOWN) for value in genotypes.labels[column].tolist()]
    numbers = np.full((genotypes.n, len(spec.phenotypes)), np.nan, dtype=np.float32)
    for k, (name, (mean, deviation)) in enumerate(spec.phenotypes.items()):
        if name in genotypes.phenotypes:
            numbers[:, k] = (genotypes.phenotypes[name] - mean) / deviation
    return Condition(torch.from_numpy(labels), torch.from_numpy(numbers))


def condition_for(n: int, wish: Mapping[str, Any], spec: DataSpec) -> Condition:
    """n individuals of one kind: `wish` maps label columns to a value and phenotypes to a number in their own unit.

    What is not wished for is unknown. Raises InputError for a name, value or number that the model does not know.
    """
    labels = torch.full((n, len(spec.label_columns)), UNKNOWN, dtype=torch.int64)
    numbers = torch.full((n, len(spec.phenotypes)), torch.nan)
    for name, value in wish.items():
        if name in spec.label_columns:
            values = spec.label_columns[name]
            if str(value) not in values:
                raise InputError(f"{name} is {str(value)!r}; this model knows {', '.join(values)}.")
            labels[:, list(spec.label_columns).index(name)] = values.index(str(value))
        elif name in spec.phenotypes:
            mean, deviation = spec.phenotypes[name]
            numbers[:, list(spec.phenotypes).index(name)] = (_number(name, value) - mean) / deviation
        else:
            known = ", ".join([*spec.label_columns, *spec.phenotypes]) or "nothing"
            raise InputError(f"This model is not conditioned on {name!r}; it is conditioned on: {known}.")
    return Condition(labels, numbers)


def columns_of(
    condition: Condition, spec: DataSpec
) -> tuple[dict[str, npt.NDArray[np.str_]], dict[str, npt.NDArray[np.float64]]]:
    """The labels ("" unknown) and phenotypes (NaN unknown, own units) of `condition`, as columns of Genotypes."""
    codes, numbers = condition.labels.cpu().numpy(), condition.phenotypes.cpu().numpy().astype(np.float64)
    labels = {
        column: np.array([*values, ""], dtype=np.str_)[codes[:, k]]
        for k, (column, values) in enumerate(spec.label_columns.items())
    }
    phenotypes = {
        name: numbers[:, k] * deviation + mean for k, (name, (mean, deviation)) in enumerate(spec.phenotypes.items())
    }
    return labels, phenotypes


def _mean_and_deviation(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    if len(known) == 0:
        return 0.0, 1.0
    deviation = float(known.std())
    return float(known.mean()), deviation if deviation > 0 else 1.0


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not np.isfinite(number):
        raise InputError(f"{name} is {str(value)!r}; a number is expected.")
    return number
