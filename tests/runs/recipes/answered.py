"""Runs of recipes as a worker leaves them, without training: real reports of simple individuals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from core.config.evaluation import EvaluationConfig
from core.config.schema import from_dict
from core.data.genotypes import Calls, number_ids
from core.data.library import Library
from core.data.selection import cohort_split
from core.evaluation.report import evaluate
from core.runs.directory import Run, create
from core.runs.recipes.base import Done
from core.runs.states import State
from core.runs.store import RunStore

Generator = Callable[[Calls, int, np.random.Generator], Calls]


def copies(train: Calls, n: int, rng: np.random.Generator) -> Calls:
    """Training individuals."""
    return train[rng.integers(0, len(train), n)]


def mosaic(train: Calls, n: int, rng: np.random.Generator) -> Calls:
    """Two training individuals, half of each."""
    return np.hstack([copies(half, n, rng) for half in np.array_split(train, 2, axis=1)])


def independent(train: Calls, n: int, rng: np.random.Generator) -> Calls:
    """Each call from an individual of its own."""
    return np.take_along_axis(train, rng.integers(0, len(train), (n, train.shape[1])), axis=0)


MAKERS: Mapping[str, Generator] = {"resample": copies, "independent_sites": independent}


def answer(steps: Sequence[Done], store: RunStore, makers: Mapping[str, Generator] = MAKERS) -> None:
    """Do every step that no run does yet; `makers` by experiment or label, else mosaics."""
    for k, done in enumerate(steps):
        if done.run is None:
            maker = makers.get(done.step.label) or makers.get(done.config["name"]) or mosaic
            finished(store, done.config, maker, seed=k)


def finished(store: RunStore, config: Mapping[str, Any], maker: Generator, seed: int = 0) -> Run:
    """A run of this config that has succeeded."""
    run = create(store.root, config)
    dataset = Library().open(config["dataset"]["id"])
    split, genotypes = cohort_split(dataset, config), dataset.genotypes()
    train, holdout = genotypes.individuals(split.train), genotypes.individuals(split.holdout)
    calls = maker(np.asarray(train.calls), len(split.train), np.random.default_rng(seed))
    rows = np.arange(len(calls)) % holdout.n
    made = replace(holdout.individuals(rows), calls=calls, sample_id=number_ids("synthetic", len(calls)))
    options = replace(from_dict(EvaluationConfig, config["evaluation"]), bootstrap=30)
    evaluate(train, made, holdout=holdout, seed=int(config["seed"]), options=options, out=run.path)
    for state in (State.STARTING, State.RUNNING, State.SUCCEEDED):
        run.move(state, "Finished.")
    return run
