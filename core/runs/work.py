"""The work of a run: train, sample, evaluate. Here training and evaluation meet."""

from __future__ import annotations

import contextlib
import functools
import math
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
from core.errors import InputError
from core.runs import sampling, set_work, together
from core.runs.directory import Run
from core.runs.ending import Ending
from core.runs.environment import environment
from core.runs.files import write_json
from core.runs.progress import RunProgress

if TYPE_CHECKING:
    from core.models.base import TrainingSplit
    from core.reports.report import Report
    from core.training.loop import Outcome, Progress, Validate
    from core.training.team import Team

# A training is watched by a few cheap scores on so many individuals a side: near a second on two cores.
VALIDATION = ("precision", "recall", "allele_frequency_rmse", "ld_r")
WATCHED = 500


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
    if processes > 1:
        return together.train(run, processes, ending)
    fit = ready(run, ALONE)
    progress = RunProgress(run, poll, ending.terminated)
    with contextlib.closing(progress), ending.deferred():
        return fit(progress)


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
    data, holdout, settings, validate = (
        set_work.prepared(run, dataset, str(device))
        if config["kind"] == "sets"
        else _prepared(dataset, training, config, str(device))
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
    dataset: Dataset, training: TrainingConfig, config: Mapping[str, Any], device: str
) -> tuple[TrainingSplit, TrainingSplit | None, Mapping[str, Any], Validate]:
    """Both sides of the split, the settings of the model, and how it is validated."""
    from core.training.data import prepare_split

    data, holdout = prepare_split(dataset.genotypes(), cohort_split(dataset, config), training)
    return data, holdout, config["model"], validator(training.seed, device)


def validator(seed: int, device: str) -> Validate:
    """(model, holdout, noise) → value of each of `VALIDATION` on as many samples as there are held out, or NaN.

    Precision and recall take k = 5. The same holdout individuals are used every time.
    """
    from core.evaluation.context import Cohort, Comparison
    from core.evaluation.registry import metrics

    config = EvaluationConfig(bootstrap=0)

    def cohort(calls: Calls, name: str, ploidy: int) -> Cohort:
        chosen = np.sort(np.random.default_rng(seed).permutation(len(calls))[:WATCHED])
        return Cohort(from_calls(calls[chosen], ploidy=ploidy), name, seed=seed, config=config, device=device)

    def validate(model: Any, holdout: Any, noise: Any) -> Mapping[str, float]:
        samples = model.sample(len(holdout), holdout.condition.to(noise.device), noise).cpu().numpy()
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
    like = genotypes.individuals(split.holdout if len(split.holdout) else split.train)
    count = sampling.judged_individuals(len(split.train), len(split.holdout))
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
    return report_on(
        genotypes.individuals(split.train),
        synthetic,
        holdout=genotypes.individuals(split.holdout) if len(split.holdout) else None,
        seed=int(config["seed"]),
        options=from_dict(EvaluationConfig, config.get("evaluation", {}), where="evaluation"),
        out=out,
        device=_device(run),
        names={"real": dataset.meta.name, "synthetic": title, "holdout": f"{dataset.meta.name}, held out"},
        progress=progress,
    )


def _device(run: Run) -> str:
    from core.training import devices

    return str(devices.choose(run.config["training"]["device"]))
