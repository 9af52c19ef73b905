"""What a run sees of a dataset, and the data that an experiment makes for itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from core.config.schema import from_dict, setting, to_dict
from core.data.dataset import Dataset, DatasetMeta, Population
from core.data.library import Library
from core.data.sets import SetCollection
from core.data.simulators.clones import ClonesConfig, simulate_clones
from core.data.simulators.coalescent import SimulationConfig, simulate
from core.data.simulators.digits import DigitsConfig, digit_sets
from core.data.simulators.families import FamilyConfig, simulate_family
from core.data.simulators.labelled_sequences import (
    SyntheticMethylationConfig,
    SyntheticReceptorsConfig,
    SyntheticTextConfig,
    simulate_synthetic_methylation,
    simulate_synthetic_receptors,
    simulate_synthetic_text,
)
from core.data.simulators.sequences import (
    DnaMultinomialConfig,
    SyntheticDnaConfig,
    SyntheticProteinConfig,
    simulate_dna_multinomial,
    simulate_synthetic_dna,
    simulate_synthetic_protein,
)
from core.data.split import Index, Split
from core.errors import InputError


@dataclass(frozen=True)
class SetViewConfig:
    """Which sets of a dataset a run uses."""

    min_samples: int = setting(1, "Fewest observations of a set that is used.", low=1)
    max_sets: int = setting(0, "Use at most this many sets, chosen by the seed (0: all).", low=0)
    sequence_length: int = setting(
        0, "Of longer sequences use so many letters around the middle (0: all).", low=0, high=100_000, advanced=True
    )
    where: tuple[str, ...] = setting(
        (),
        "Only sets with these values of labels, such as species=SARS-CoV2; a label that no set has leaves all of them.",
        advanced=True,
    )


@dataclass(frozen=True)
class CohortViewConfig:
    """Which individuals of a dataset a run uses."""

    max_individuals: int = setting(
        0, "Use at most this many, the same in every run, training and held-out ones in their shares (0: all).", low=0
    )
    train_on: str = setting("", "Train on this population alone, a value of the first label (empty: on all).")
    test_on: str = setting("", "Judge by the held-out of this population alone (empty: of those that are trained on).")


COHORT = "cohort"  # the simulator of genotypes; the others are those of sets
SIMULATORS: dict[str, tuple[type, Callable[[Any], Population]]] = {
    COHORT: (SimulationConfig, simulate),
    "family": (FamilyConfig, simulate_family),
    "clones": (ClonesConfig, simulate_clones),
    "digits": (DigitsConfig, digit_sets),
    "dna_multinomial": (DnaMultinomialConfig, simulate_dna_multinomial),
    "synthetic_dna": (SyntheticDnaConfig, simulate_synthetic_dna),
    "synthetic_protein": (SyntheticProteinConfig, simulate_synthetic_protein),
    "synthetic_methylation": (SyntheticMethylationConfig, simulate_synthetic_methylation),
    "synthetic_receptors": (SyntheticReceptorsConfig, simulate_synthetic_receptors),
    "synthetic_text": (SyntheticTextConfig, simulate_synthetic_text),
}


def view(sets: SetCollection, split: Split, config: SetViewConfig, seed: int = 0) -> tuple[SetCollection, Split, int]:
    """The sets that `config` leaves, their split, and how many were left out. Raises InputError where none is left."""
    keep = np.flatnonzero((sets.sizes >= config.min_samples) & _labelled(sets, config.where))
    if config.max_sets and len(keep) > config.max_sets:
        keep = np.sort(np.random.default_rng(seed).choice(keep, config.max_sets, replace=False))
    place = np.full(sets.s, -1, dtype=np.int64)
    place[keep] = np.arange(len(keep))
    train, holdout = (place[side][place[side] >= 0] for side in (split.train, split.holdout))
    if len(split.train) < 2:
        raise InputError(
            f"The dataset has {sets.s} sets and {len(split.train)} of them to train; 2 are needed: import more sets, "
            "or cut them into parts with --chunk N."
        )
    if len(train) < 2:
        raise InputError(
            f"Only {len(train)} training sets have {config.min_samples} observations or more; 2 are needed: lower "
            f"dataset.min_samples (the median set has {int(np.median(sets.sizes))})."
        )
    chosen = _cut(sets if len(keep) == sets.s else sets.sets(keep), config.sequence_length)
    return chosen, Split(train=train, holdout=holdout), sets.s - len(keep)


def _labelled(sets: SetCollection, where: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    """(s,) which sets have the values that `where` names as label=value. Raises InputError for a value of no set."""
    keep = np.ones(sets.s, dtype=bool)
    for text in where:
        label, _, value = text.partition("=")
        if label in sets.labels:
            keep &= sets.labels[label] == value
            if not (sets.labels[label] == value).any():
                values = sorted(set(sets.labels[label].tolist()) - {""})
                known = ", ".join(values[:12]) + (", …" if len(values) > 12 else "")
                raise InputError(f"No set has {value!r} as {label}; there are: {known}.")
    return keep


def _cut(sets: SetCollection, length: int) -> SetCollection:
    """Sequences cut to so many letters around the middle of each; of others `length` says nothing."""
    if sets.modality != "sequence" or not 0 < length < sets.shape[0]:
        return sets
    letters = np.asarray(sets.observations, dtype=np.int8)
    first = np.maximum((letters >= 0).sum(axis=1) - length, 0) // 2
    return replace(sets, observations=np.take_along_axis(letters, first[:, None] + np.arange(length), axis=1))


def unknown_labels(where: Iterable[str], meta: DatasetMeta) -> list[str]:
    """Labels that a run asked for and the sets of a dataset do not have."""
    return [label for text in where if (label := text.partition("=")[0]) not in meta.labels]


def cohort_split(dataset: Dataset, config: Mapping[str, Any]) -> Split:
    """The individuals that a run with this config uses. Raises InputError where a population is unknown or too small.

    `config["dataset"]["view"]` holds a `CohortViewConfig`; without one the split is the dataset's own.
    """
    split, seen = dataset.split(), config["dataset"].get("view")
    if not seen:
        return split
    chosen = from_dict(CohortViewConfig, seen, where="dataset")
    train = _of_population(dataset, split.train, chosen.train_on, "train_on")
    holdout = _of_population(dataset, split.holdout, chosen.test_on or chosen.train_on, "test_on")
    total = len(train) + len(holdout)
    if 0 < chosen.max_individuals < total:
        kept = np.random.default_rng(total).permutation  # not by the run's seed: trainings differ in nothing else
        share = chosen.max_individuals / total
        train, holdout = (np.sort(kept(side)[: max(1, round(share * len(side)))]) for side in (train, holdout))
    return Split(train=train, holdout=holdout)


def _of_population(dataset: Dataset, index: Index, population: str, name: str) -> Index:
    if not population:
        return index
    labels = dataset.genotypes().population
    here = index[labels[index] == population] if labels is not None else index[:0]
    if len(here) < 2:
        values = ", ".join(next(iter(dataset.meta.labels.values()), [])) or "none"
        raise InputError(
            f"dataset.{name} is {population!r}, of which there are {len(here)} individuals on that side of the split; "
            f"at least 2 are needed. The populations are: {values}."
        )
    return here


def settle(node: Mapping[str, Any], dataset: str | None, library: Library) -> tuple[DatasetMeta, dict[str, Any]]:
    """The dataset that a `dataset` node means, made if need be, and the settings of the view with all filled in.

    {"simulator": "family", "family": "mvn", …} is simulated once and kept in the library under a name that holds
    a digest of its settings; {"name": …} or `dataset` names one that is there. Raises InputError.
    """
    node, own = _with_conditions(node), {f.name for f in fields(SetViewConfig)}
    seen = to_dict(from_dict(SetViewConfig, {k: v for k, v in node.items() if k in own}, where="dataset"))
    rest = {k: v for k, v in node.items() if k not in own and k not in ("name", "simulator")}
    simulator = str(node.get("simulator", ""))
    if dataset or not simulator:
        if rest and not dataset:
            raise InputError(f"There is no setting 'dataset.{next(iter(rest))}'; known settings: {', '.join(own)}.")
        return library.open(dataset or str(node.get("name", ""))).meta, seen
    if simulator not in SIMULATORS:
        raise InputError(f"There is no simulator {simulator!r}; choose one of: {', '.join(SIMULATORS)}.")
    schema, _ = SIMULATORS[simulator]
    config: Any = from_dict(schema, rest, where="dataset")
    digest = hashlib.sha256(json.dumps([simulator, to_dict(config)], sort_keys=True).encode()).hexdigest()[:8]
    name = f"{_stem(simulator, config)}-{digest}"
    known = {meta.name: meta for meta in library.list()}
    if name in known:
        return known[name], seen
    return simulate_into(library, simulator, config, name), seen


def _with_conditions(node: Mapping[str, Any]) -> dict[str, Any]:
    """A node with `species` and `params.LABEL`, the words of the published experiments, as conditions `where`."""
    named = {key: key.removeprefix("params.") for key in node if key == "species" or key.startswith("params.")}
    rest = {key: value for key, value in node.items() if key not in named}
    conditions = [f"{label}={node[key]}" for key, label in named.items()]
    return rest | ({"where": [*rest.get("where", []), *conditions]} if conditions else {})


def simulate_into(library: Library, simulator: str, config: Any, name: str = "") -> DatasetMeta:
    """Simulate a population into the library, with its settings beside it. `simulator` is a key of SIMULATORS."""
    population, settings = SIMULATORS[simulator][1](config), {"simulator": simulator, **to_dict(config)}
    name = name or _stem(simulator, config)
    return library.add(population, name=name, source="simulated", import_options=settings)


def _stem(simulator: str, config: Any) -> str:
    return {COHORT: "simulated", "family": getattr(config, "family", "")}.get(simulator, simulator)
