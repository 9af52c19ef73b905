"""One trial of the benchmark of models: trained on one half of a cohort, judged against the other, kept on disk.

$POPSCAPE_HOME/bench/models/<digest of the cohort>/
    cohort.json, call_genotype.npy, …    the cohort that was read
    frame-<seed>/                        null and ceiling of one division into halves
    <experiment>-<seed>-<key>/           a training: job.json, checkpoints while it lasts, synthetic individuals,
                                         trained.json, measured.json; failed.json where it ended otherwise
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.bench import model_measures
from core.bench.code import code_digest
from core.config.home import home
from core.config.schema import from_dict, to_dict
from core.config.training import TrainingConfig
from core.data.digest import content_digest
from core.data.genotypes import Genotypes, number_ids
from core.data.missing import filled
from core.data.population_files import read_genotypes, write_population
from core.data.split import Split
from core.errors import PopscapeError
from core.runs.files import read_json, write_json

if TYPE_CHECKING:
    from core.models.base import Model

HOLDOUT_SEED = 10_000  # added to a trial's seed for the holdout's missing calls, as in training
SAMPLE_SEED = 30_000  # added for the individuals that are drawn, as in runs
CHECKPOINTS = "checkpoints"  # of a training while it lasts
_TELL = 10.0  # seconds between two lines of progress


@dataclass(frozen=True)
class Job:
    """What a trial trains, on which division of which cohort.

    Attributes:
        cohort: folder of the cohort.
        seed: of the halves, the weights, the individuals drawn and the metrics.
        experiment: as `core.config.experiments.load` gives it; None: the null and the ceiling of the halves.
        condition_on: "none"; "auto", as a run would; or columns with commas between them.
        minutes: after which a training ends (0: its preset's own budget).
        validation: share of the training half by which the preset picks its checkpoint; 0: the last state is taken.
    """

    cohort: Path
    seed: int
    experiment: Mapping[str, Any] | None = None
    condition_on: str = "none"
    minutes: float = 0.0
    validation: float = 0.0

    @cached_property
    def training(self) -> TrainingConfig:
        """The settings of the loop: the preset's, with what the job says otherwise."""
        assert self.experiment is not None
        own = {"seed": self.seed, "condition_on": self.condition_on.split(",")}
        budget = {"minutes": self.minutes} if self.minutes else {}
        return from_dict(TrainingConfig, {**self.experiment["training"], **own, **budget}, where="training")

    @cached_property
    def folder(self) -> Path:
        """Where its results lie; another setting, or other code of the model, is another folder."""
        if self.experiment is None:
            return self.cohort / f"frame-{self.seed}"
        from core.models.registry import models

        model = self.experiment["model"]
        code = code_digest([models[model["name"]].value.__module__], "core.models")
        what = [model, to_dict(self.training), self.validation, code]
        key = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:12]
        return self.cohort / f"{self.experiment['name']}-{self.seed}-{key}"

    def write(self) -> None:
        """Put it into its folder, for the process that does it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        names = ("seed", "experiment", "condition_on", "minutes", "validation")
        write_json(self.folder / "job.json", {"cohort": str(self.cohort), **{k: getattr(self, k) for k in names}})

    @classmethod
    def read(cls, folder: Path) -> Job:
        """The job that `write` put there."""
        values = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        return cls(**{**values, "cohort": Path(values["cohort"])})

    def result(self) -> dict[str, Any] | None:
        """What was measured (see `core.bench.model_measures`), and for a training its "trained" facts.

        None where it was not done yet, or was measured by code that has changed.
        """
        measured = read_json(self.folder / "measured.json")
        if measured is None or measured["code"] != model_measures.digest():
            return None
        return measured | {"trained": read_json(self.folder / "trained.json")}

    def failure(self) -> str:
        """Why it failed, "" where it did not."""
        return str((read_json(self.folder / "failed.json") or {}).get("reason", ""))


def keep_cohort(genotypes: Genotypes, name: str) -> Path:
    """The folder of the cohort, written if it is not there yet."""
    digest = content_digest(genotypes)
    folder = home() / "bench" / "models" / digest
    if read_json(folder / "cohort.json") is None:
        folder.mkdir(parents=True, exist_ok=True)
        write_population(folder, genotypes)
        write_json(folder / "cohort.json", {"digest": digest, "name": name, "ploidy": genotypes.ploidy})
    return folder


def halves(genotypes: Genotypes, seed: int) -> tuple[Genotypes, Genotypes]:
    """A random half to train on and the other half, by individual; missing calls are filled on each side by itself."""
    order, half = np.random.default_rng(seed).permutation(genotypes.n), genotypes.n // 2
    train, holdout = (genotypes.individuals(np.sort(order[k * half : (k + 1) * half])) for k in (0, 1))
    return (
        replace(train, calls=filled(train, seed), truth={}),
        replace(holdout, calls=filled(holdout, seed + HOLDOUT_SEED), truth={}),
    )


def main(folder: Path) -> int:
    """Do what is left of the job in `folder`: train, sample, measure. The exit status."""
    job = Job.read(folder)
    (folder / "failed.json").unlink(missing_ok=True)
    cohort = read_json(job.cohort / "cohort.json") or {}
    train, holdout = halves(read_genotypes(job.cohort, cohort["ploidy"]), job.seed)
    try:
        if job.experiment is None:
            measured = model_measures.frame(train, holdout, job.seed)
        else:
            if read_json(folder / "trained.json") is None:
                _train(job, train, holdout)
            synthetic = read_genotypes(folder, train.ploidy)
            measured = model_measures.measure(train, synthetic, holdout, job.seed)
    except PopscapeError as error:
        write_json(folder / "failed.json", {"reason": str(error)})
        print(str(error), file=sys.stderr, flush=True)
        return 1
    write_json(folder / "measured.json", measured | {"code": model_measures.digest()})
    return 0


def fitted(job: Job, train: Genotypes) -> tuple[Model, dict[str, Any]]:
    """The model of the job trained on these individuals, and {"epochs", "of", "device", "reason", "seconds"}.

    It goes on from a checkpoint where there is one; what is in `checkpoints` stays for the caller to delete.
    """
    import torch

    from core.models.registry import build
    from core.runs.work import validator
    from core.training import devices
    from core.training.data import prepare_split
    from core.training.load import load_model
    from core.training.loop import fit

    assert job.experiment is not None
    training, model = job.training, job.experiment["model"]
    device = devices.choose(training.device)
    data, validation = prepare_split(train, _divided(train.n, job), training)
    torch.manual_seed(training.seed)
    fresh = build(model["name"], model, data.spec, training)
    progress = _Progress(job)
    outcome = fit(
        progress,
        fresh,
        data,
        validation,
        training,
        resume=True,
        name=model["name"],
        validate=validator(training.seed, str(device)) if validation else None,
    )
    facts = {"epochs": outcome.epochs, "of": training.epochs, "device": devices.name(device), "reason": outcome.reason}
    return load_model(progress.checkpoint_dir / "best", device), facts | {"seconds": progress.seconds()}


def _train(job: Job, train: Genotypes, holdout: Genotypes) -> None:
    """Train on one half and draw as many individuals as the other has."""
    import torch

    from core.training.data import columns_of, condition_of

    model, facts = fitted(job, train)
    device = model.condition_labels.device
    noise = torch.Generator(device).manual_seed(job.training.seed + SAMPLE_SEED)
    condition = None if job.condition_on == "none" else condition_of(holdout, model.spec).to(device)
    started = time.monotonic()
    calls = model.sample(holdout.n, condition, noise).cpu().numpy().astype(np.int8)
    sampling = time.monotonic() - started
    labels, phenotypes = ({}, {}) if condition is None else columns_of(condition, model.spec)
    drawn = replace(holdout, calls=calls, sample_id=number_ids("synthetic", len(calls)))
    write_population(job.folder, replace(drawn, labels=labels, phenotypes=phenotypes), compressed=True)
    write_json(job.folder / "trained.json", facts | {"sampling": sampling})
    shutil.rmtree(job.folder / CHECKPOINTS)


def _divided(n: int, job: Job) -> Split:
    """All to train, or but for a share that picks the checkpoint; a closed-form fit has none to pick."""
    order = np.random.default_rng([job.seed, 1]).permutation(n)
    aside = round(job.validation * n) if job.training.epochs else 0
    return Split(np.sort(order[aside:]), np.sort(order[:aside]))


class _Progress:
    """What the loop tells of a trial: a line on standard error every ten seconds."""

    def __init__(self, job: Job) -> None:
        assert job.experiment is not None
        self.checkpoint_dir = job.folder / CHECKPOINTS
        self.name, self.seed, self.epochs = job.experiment["name"], job.seed, job.training.epochs
        self.clock = job.folder / "seconds.json"
        # What an interrupted training took before counts too.
        self.before = float((read_json(self.clock) or {}).get("seconds", 0.0))
        self.started = self.told = time.monotonic()

    def seconds(self) -> float:
        """Wall-clock seconds of the training so far."""
        return self.before + time.monotonic() - self.started

    def record(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        """Tell of an epoch."""
        if time.monotonic() - self.told > _TELL:
            self.told = time.monotonic()
            write_json(self.clock, {"seconds": self.seconds()})
            losses = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
            self.log(f"epoch {epoch}/{self.epochs}  {losses}")

    def should_stop(self) -> bool:
        """A trial is not stopped; it is killed, and goes on from its checkpoint."""
        return False

    def log(self, message: str) -> None:
        """A line on standard error."""
        print(f"  {self.name}, seed {self.seed}: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
