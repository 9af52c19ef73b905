"""The work of a run: train, sample, evaluate. Here training and evaluation meet."""

from __future__ import annotations

import contextlib
import functools
import math
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.config.evaluation import EvaluationConfig
from core.config.federation import FEDERATED, MISSING, flower, role
from core.config.schema import from_dict
from core.config.training import TrainingConfig
from core.data.dataset import Dataset
from core.data.genotypes import Calls, from_calls
from core.data.library import Library
from core.data.selection import cohort_split
from core.data.split import Index
from core.errors import InputError
from core.runs import sampling, set_work, together
from core.runs.directory import Run
from core.runs.ending import Ending
from core.runs.environment import environment
from core.runs.files import log, write_json
from core.runs.progress import RunProgress

if TYPE_CHECKING:
    from core.models.base import TrainingSplit
    from core.reports.report import Report
    from core.training.loop import Outcome, Progress, Validate
    from core.training.stored import Shelf
    from core.training.team import Team

# A training is watched by a few cheap scores on so many individuals a side: near a second on two cores.
VALIDATION = ("precision", "recall", "allele_frequency_rmse", "ld_r")
WATCHED = 500
SAMPLED = 5000  # individuals sampled for it at most
SCRATCH = "scratch"  # folder of a run for data that are read from disk, while it trains


def dataset_of(run: Run) -> Dataset:
    """The dataset that the run was trained on. Raises InputError if it is no longer in the library."""
    node = run.config["dataset"]
    try:
        return Library().open(node["id"])
    except InputError:
        name = node.get("name") or node["id"]
        raise InputError(f"The dataset {name!r} of this run is not in the library; import it again.") from None


def train(run: Run, poll: float, ending: Ending) -> Outcome:
    """Load, build and fit; goes on from the checkpoint `last` where there is one. Raises InputError, RunError."""
    from core.training.team import ALONE

    if role(run.config) == FEDERATED:
        return _federated(run, ending)
    processes = int(run.config["training"].get("processes", 1))
    try:
        if processes > 1:
            return together.train(run, processes, ending)
        fit = ready(run, ALONE)
        progress = RunProgress(run, poll, ending.terminated)
        with contextlib.closing(progress), ending.deferred():
            return fit(progress)
    finally:
        shutil.rmtree(run.path / SCRATCH, ignore_errors=True)


def _federated(run: Run, ending: Ending) -> Outcome:
    """Train at several sites. Raises InputError where Flower is not installed."""
    if not flower():
        raise InputError(MISSING)
    from core.runs.federated import server

    return server.train(run, ending)


def ready(run: Run, team: Team) -> Callable[[Progress], Outcome]:
    """What trains the run, once it is told where its words go: data and model are loaded. Raises InputError."""
    import torch

    from core.models.registry import build
    from core.training import devices
    from core.training.loop import fit

    config = run.config
    training = from_dict(TrainingConfig, config["training"], where="training")
    device = devices.choose(training.device)
    if team.first:
        write_json(run.path / "env.json", environment(devices.name(device)))
    dataset = dataset_of(run)
    shelf = functools.partial(_shelf, run, training, team)
    data, holdout, settings, validate = (
        set_work.prepared(run, dataset, str(device), shelf)
        if config["kind"] == "sets"
        else _prepared(dataset, training, config, str(device), shelf)
    )
    torch.manual_seed(training.seed)
    model = build(config["model"]["name"], settings, data.spec, training)
    return functools.partial(
        fit,
        model=model,
        data=data,
        holdout=holdout,
        config=training,
        resume=True,
        name=config["model"]["name"],
        validate=validate,
        team=team,
    )


def _prepared(
    dataset: Dataset,
    training: TrainingConfig,
    config: Mapping[str, Any],
    device: str,
    shelf: Callable[[int, str], Shelf | None],
) -> tuple[TrainingSplit, TrainingSplit | None, Mapping[str, Any], Validate]:
    """Both sides of the split, the settings of the model, and how it is validated; `shelf` as of `_shelf`."""
    from core.models.registry import models
    from core.training.data import prepare_split

    genotypes = dataset.genotypes()
    kept = shelf(genotypes.n * genotypes.m, models[config["model"]["name"]].value.in_memory)
    data, holdout = prepare_split(genotypes, cohort_split(dataset, config), training, kept)
    return data, holdout, config["model"], validator(training.seed, device)


def _shelf(run: Run, training: TrainingConfig, team: Team, size: int, refusal: str) -> Shelf | None:
    """Where `size` bytes of training data are read from: a folder of the run, or memory (None).

    refusal: why the model needs them in memory, "" where it reads them by blocks. Raises InputError.
    """
    from core.training import devices
    from core.training.cost import available_memory
    from core.training.stored import Shelf, stays_on_disk

    free = available_memory(devices.choose(training.device))
    # The first process decides for all: memory is not free for each of them at the same moment.
    if not team.any(team.first and stays_on_disk(size, training.read_from, free, refusal)):
        return None
    if team.first:
        log(f"The training data, {size / 1e9:,.2f} GB, are read from disk, batch by batch.")
    return Shelf(run.path / SCRATCH, writes=team.first, meet=lambda: team.any(False))


def validator(seed: int, device: str) -> Validate:
    """(model, holdout, noise) → value of each of `VALIDATION` on as many samples as there are held out, or NaN.

    Precision and recall take k = 5. The same holdout individuals are used every time.
    """
    import torch

    from core.evaluation.context import Cohort, Comparison
    from core.evaluation.registry import metrics

    config = EvaluationConfig(bootstrap=0)

    def cohort(calls: Calls, name: str, ploidy: int) -> Cohort:
        chosen = np.sort(np.random.default_rng(seed).permutation(len(calls))[:WATCHED])
        return Cohort(from_calls(calls[chosen], ploidy=ploidy), name, seed=seed, config=config, device=device)

    def validate(model: Any, holdout: Any, noise: Any) -> Mapping[str, float]:
        count = min(len(holdout), SAMPLED)
        known = holdout.condition.index(torch.arange(count) * len(holdout) // count).to(noise.device)
        samples = model.sample(len(known), known, noise).cpu().numpy()
        ploidy = model.spec.ploidy
        comparison = Comparison(
            cohort(holdout.calls.cpu().numpy(), "holdout", ploidy),
            cohort(samples, "synthetic", ploidy),
            seed=seed,
            config=config,
            device=device,
        )
        estimates = {name: metrics[name].value(comparison).value for name in VALIDATION}
        return {name: math.nan if value is None else value for name, value in estimates.items()}

    return validate


def sample(run: Run) -> None:
    """Synthetic individuals under the conditions of the held-out ones in turn, kept in `synthetic.npz`.

    Distances to the holdout use as many of them as it has.
    """
    if run.config["kind"] == "sets":
        return  # the report of sets draws its own samples, set by set
    dataset = dataset_of(run)
    split, genotypes = cohort_split(dataset, run.config), dataset.genotypes()
    most = sampling.most_judged(genotypes.m)
    conditions = genotypes.variants(np.arange(0))
    like = conditions.individuals(_some(split.holdout if len(split.holdout) else split.train, most, run)[0])
    count = sampling.judged_individuals(len(split.train), len(split.holdout), genotypes.m)
    made = sampling.synthesise(run, dataset, count, like=like, device=_device(run))
    sampling.save(made, run)


def evaluate(run: Run) -> Report:
    """The report: synthetic individuals against the holdout, with the training individuals beside it."""
    if run.config["kind"] == "sets":
        return set_work.evaluate(run, dataset_of(run), _device(run), run.path)
    return judge(run, run.path, lambda stage: run.note(reason=f"{stage}."))


def judge(run: Run, out: Path, progress: Callable[[str], None]) -> Report:
    """The report of a run on genotypes whose synthetic individuals are kept, written into the folder `out`."""
    from core.evaluation.report import evaluate as report_on

    dataset = dataset_of(run)
    split, genotypes = cohort_split(dataset, run.config), dataset.genotypes()
    synthetic = sampling.load(run)
    assert synthetic is not None, "sample() comes before evaluate()"
    config = run.config
    title = config.get("title") or config["model"]["name"]
    most = sampling.most_judged(genotypes.m)
    (train, first), (holdout, second) = (
        _some(rows, most, run, what) for rows, what in ((split.train, "training"), (split.holdout, "held-out"))
    )
    return report_on(
        genotypes.individuals(train),
        synthetic,
        holdout=genotypes.individuals(holdout) if len(holdout) else None,
        notes=[*first, *second],
        seed=int(config["seed"]),
        options=from_dict(EvaluationConfig, config.get("evaluation", {}), where="evaluation"),
        out=out,
        device=_device(run),
        names={"real": dataset.meta.name, "synthetic": title, "holdout": f"{dataset.meta.name}, held out"},
        progress=progress,
    )


def _some(rows: Index, most: int, run: Run, what: str = "") -> tuple[Index, list[str]]:
    """At most so many of the individuals at `rows`, drawn with the run's seed, in order; and the sentence on it."""
    if len(rows) <= most:
        return rows, []
    drawn = np.sort(np.random.default_rng(int(run.config["seed"])).choice(rows, most, replace=False))
    return drawn, [f"Of the {len(rows):,} {what} individuals {most:,} were judged, drawn with the seed."]


def _device(run: Run) -> str:
    from core.training import devices

    return str(devices.choose(run.config["training"]["device"]))
