"""The training loop: knows data, clock, checkpoints, stopping and validation, and no particular model."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from core.config.schema import to_dict
from core.config.training import TrainingConfig
from core.errors import InputError, RunError
from core.models.base import Trainable, TrainingSplit
from core.training import checkpoints, devices
from core.training.clock import TrainingClock
from core.training.scoring import HELD_OUT, score, worse
from core.training.team import ALONE, Team

Validate = Callable[[Any, Any, torch.Generator], Mapping[str, float]]

VALIDATION_SEED = 20_000  # added to the run's seed: validation samples share no stream with training noise


class Progress(Protocol):
    """What the loop tells the run that it trains for, and what it asks of it."""

    checkpoint_dir: Path

    def record(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        """Append metrics of a moment."""

    def should_stop(self) -> bool:
        """Whether training should stop here and save; asked at every step, so it must be cheap."""

    def log(self, message: str) -> None:
        """One line for the run's log."""


@dataclass(frozen=True)
class Outcome:
    """How a training ended: "succeeded" or "cancelled", why in one sentence, epochs done, the best validation."""

    state: Literal["succeeded", "cancelled"]
    reason: str
    epochs: int
    best: dict[str, Any]


@dataclass
class _History:
    """What early stopping and a resumed epoch need to remember; kept in the checkpoint.

    `first` and `held_out` are the held-out losses before the first step and now: None where they are not measured, NaN
    as text, since JSON has no word for it.
    """

    best: dict[str, Any] = field(default_factory=dict)
    first: float | str | None = None
    held_out: float | str | None = None
    stale: int = 0
    seconds: float = 0.0
    totals: dict[str, float] = field(default_factory=dict)


def fit(
    run: Progress,
    model: Trainable,
    data: TrainingSplit,
    holdout: TrainingSplit | None,
    config: TrainingConfig,
    *,
    resume: bool,
    name: str,
    validate: Validate | None = None,
    team: Team = ALONE,
) -> Outcome:
    """Train `model` on `data` until the epochs, the user, the time budget or early stopping end it.

    Args:
        run: where metrics go and stop requests come from.
        model: built after `torch.manual_seed(config.seed)`; moved to its device here.
        data, holdout: both sides of the split; `data` is moved to the device once.
        config: validated settings.
        resume: go on from the checkpoint "last": on a CPU, bit for bit as if it had never stopped.
        name: the model's name in the registry, kept in the checkpoint for `load_model`.
        validate: (model in evaluation mode, holdout, noise) → values by name; called every `evaluate_every` epochs.
        team: the processes that share every batch; the first of them alone validates, records and saves.

    Raises RunError (diverged, out of memory, disk full) with the reason for the user; "last" is then the last good one.
    """
    training = _Training(run, model, data, holdout, config, name=name, validate=validate, team=team)
    try:
        training.begin(resume)
        return training.run_epochs()
    except (RuntimeError, MemoryError) as error:
        plain = devices.out_of_memory(error, config.batch_size)
        if plain is None:
            raise
        raise plain from error


class _Training:
    """One call of `fit`."""

    def __init__(
        self,
        run: Progress,
        model: Trainable,
        data: TrainingSplit,
        holdout: TrainingSplit | None,
        config: TrainingConfig,
        *,
        name: str,
        validate: Validate | None,
        team: Team,
    ) -> None:
        self.run, self.config, self.name, self.validate, self.team = run, config, name, validate, team
        self.device = devices.choose(config.device)
        self.model = model.to(self.device)
        self.data = data.to(self.device)
        self.holdout = holdout
        # The last partial batch of an epoch is left out: its individuals come early in some other epoch's order.
        self.batch_size = min(config.batch_size, len(data))
        self.weight = len(team.share(torch.arange(self.batch_size))) / self.batch_size
        self._join(team)
        self.clock = TrainingClock(config.epochs, max(1, len(data) // self.batch_size), self.device)
        self.shuffle = torch.Generator().manual_seed(config.seed)
        self.epoch_start = self.shuffle.get_state()
        self.history = _History()
        self.sums: dict[str, Tensor] = {}

    def _join(self, team: Team) -> None:
        """Let the model average its gradients with other processes. Raises InputError where it cannot."""
        if team.size == 1:
            return
        if self.model.undivided or not self.weight:
            why = self.model.undivided or f"a batch has {self.batch_size} for {team.size} processes"
            raise InputError(f"This training cannot be shared by processes: {why}; set training.processes=1.")
        self.model.gradients_shared = functools.partial(team.average_gradients, weight=self.weight)

    def begin(self, resume: bool) -> None:
        """Prepare the model; on resume put every state back where the checkpoint has it."""
        self.model.prepare(self.data)
        self._restore(resume)
        self.team.agree(self.model)

    def _restore(self, resume: bool) -> None:
        last = self.run.checkpoint_dir / "last"
        if not (resume and checkpoints.exists(last)):
            return
        tensors, facts = checkpoints.load(last)
        self.model.load({k: v for k, v in tensors.items() if not k.startswith(checkpoints.RANDOM)})
        self.clock.restore(facts["clock"])
        self.history = _History(**facts["history"])
        self.sums = {k: torch.tensor(v, device=self.device) for k, v in self.history.totals.items()}
        self.epoch_start = checkpoints.restore_random(tensors)
        self.run.log(f"Resumed at epoch {self.clock.epoch}, step {self.clock.step}.")

    def run_epochs(self) -> Outcome:
        """Every epoch that is left, and how it ended."""
        if self.model.closed_form:
            self._save("last")
            self._save("best")
            return Outcome("succeeded", "Fitted in closed form.", 0, {})
        if not self.config.epochs:
            raise InputError("This model learns in steps, and training.epochs is 0; set it to a hundred or more.")
        if self.team.first:
            self._begin_held_out()
        step = devices.stepper(self.model, self.config, self.device)
        self.model.train()
        started = time.monotonic() - self.history.seconds
        while not self.clock.finished:
            for index in self._rest_of_epoch():
                if self.team.any(self.run.should_stop()):
                    return self._stopped()
                self.team.seed(self.config.seed, self.clock.step)
                losses = step(self.data.index(self.team.share(index)), self.clock)
                for key, value in losses.values.items():
                    self.sums[key] = self.sums.get(key, torch.zeros((), device=self.device)) + value
                self.history.seconds = time.monotonic() - started
                self.clock.tick()
            if reason := self._end_of_epoch():
                return self._succeeded(reason)
        return self._succeeded(f"All {self.clock.epochs} epochs are trained.")

    def _rest_of_epoch(self) -> Iterator[Tensor]:
        """The batches of this epoch that are still to come, in an order that depends on seed and epoch alone."""
        self.shuffle.set_state(self.epoch_start)
        order = torch.randperm(len(self.data), generator=self.shuffle).to(self.device)
        first, b = self.clock.position, self.batch_size
        for i in range(first, self.clock.steps_per_epoch):
            yield order[i * b : (i + 1) * b]

    def _end_of_epoch(self) -> str:
        """Metrics, NaN guard, validation, checkpoint; a reason where training should end here, else ""."""
        self.epoch_start = self.shuffle.get_state()
        sums, self.sums = self.team.mean(self.sums, self.weight), {}
        means = {k: float(v) / self.clock.steps_per_epoch for k, v in sums.items()}
        self._refuse_nan(means)
        reason = self._close_epoch(means) if self.team.first else ""
        return (reason or "Ended by the first process.") if self.team.any(bool(reason)) else ""

    def _close_epoch(self, means: dict[str, float]) -> str:
        """What the first process does at the end of an epoch; a reason where training should end here, else ""."""
        epoch, config = self.clock.epoch, self.config
        self.run.record(self.clock.step, epoch, means)
        spent = bool(config.minutes) and self.history.seconds >= 60 * config.minutes and not self.clock.finished
        due = epoch % config.evaluate_every == 0 or self.clock.finished or spent
        improved = due and self._validate(means)
        if epoch % config.checkpoint_every == 0 or due or self.clock.finished:
            self._save("last")
        if improved:
            self._save("best")
        if config.patience and self.history.stale >= config.patience:
            return f"Stopped early at epoch {epoch}: {config.patience} validations without a better {config.score}."
        if spent:
            return f"The time budget of {config.minutes:g} minutes was spent at epoch {epoch} of {self.clock.epochs}."
        return ""

    def _refuse_nan(self, means: dict[str, float]) -> None:
        """Raise RunError where a loss or a weight is no longer a number; nothing is saved after that."""
        broken = [k for k, v in means.items() if not math.isfinite(v)]
        broken += [k for k, p in self.model.named_parameters() if not broken and not bool(p.isfinite().all())][:1]
        if broken:
            saved = checkpoints.exists(self.run.checkpoint_dir / "last")
            kept = "the last good checkpoint is kept" if saved else "no checkpoint had been written yet"
            raise RunError(
                f"Training diverged in epoch {self.clock.epoch}: {broken[0]!r} is not a number; {kept}. "
                "Take a smaller training.learning_rate and start again."
            )

    def _begin_held_out(self) -> None:
        """The held-out loss of a model of sets before its first step: what training must not make worse."""
        if self.model.kind != "sets" or self.clock.step or self.history.best:
            return
        values = self._held_out_values()
        if HELD_OUT not in values:
            return
        self.history.first = self.history.held_out = _plain(values[HELD_OUT])
        self.run.record(0, 0, {HELD_OUT: values[HELD_OUT]})
        result = score(self.config.score, values, {})
        if self.config.score == "held_out" and math.isfinite(result):
            self.history.best = {"epoch": 0, "score": result, "name": self.config.score, **values}
            self._save("best")

    def _held_out_values(self) -> dict[str, float]:
        """What the averaged model scores on the holdout, by name; nothing without a holdout."""
        if self.validate is None or self.holdout is None or not len(self.holdout):
            return {}
        self.model.eval()
        self.model.settle()
        noise = torch.Generator(self.device).manual_seed(self.config.seed + VALIDATION_SEED)
        values = dict(self.validate(self.model, self.holdout, noise)) | dict(self.model.held_out(self.holdout))
        self.model.train()
        return values

    def _validate(self, means: dict[str, float]) -> bool:
        """Score samples against the holdout; True where it is the best score so far."""
        values = self._held_out_values()
        result = score(self.config.score, values, means)
        if values:
            # A state that is kept whatever it scores has no score to tell of, and a held-out loss tells of itself.
            told = {} if self.config.score in ("last", "held_out") else {"score": result}
            self.run.record(self.clock.step, self.clock.epoch, values | told)
        if HELD_OUT in values:
            self.history.held_out = _plain(values[HELD_OUT])
            if not math.isfinite(values[HELD_OUT]):
                self.run.log(f"The held-out loss of epoch {self.clock.epoch} is not a number; this state is not kept.")
                self.history.stale += 1
                return False
        chosen_by_last = self.config.score == "last" or (not values and self.config.score != "loss")
        if not chosen_by_last and result <= self.history.best.get("score", -math.inf):
            self.history.stale += 1
            return False
        self.history.stale = 0
        self.history.best = {"epoch": self.clock.epoch, "score": result, "name": self.config.score, **values}
        return True

    def _stopped(self) -> Outcome:
        """A stop on request: the moment is saved so that a resume continues at the very next step."""
        self.sums = self.team.mean(self.sums, self.weight)
        self._save("last")
        untrained = self.history.best.get("epoch") == 0 and self.history.stale == 0
        if untrained or not checkpoints.exists(self.run.checkpoint_dir / "best"):
            self._save("best")
        reason = f"Stopped on request in epoch {self.clock.epoch + 1} of {self.clock.epochs}; it can be resumed."
        return Outcome("cancelled", reason, self.clock.epoch, self.history.best)

    def _succeeded(self, reason: str) -> Outcome:
        if not checkpoints.exists(self.run.checkpoint_dir / "best"):
            self._save("best")
        return Outcome("succeeded", reason + self._doubt(), self.clock.epoch, self.history.best)

    def _doubt(self) -> str:
        """A warning where the held-out loss is no number or worse than before training, and which state was kept."""
        first, now = self.history.first, self.history.held_out
        if first is None or now is None or not worse(float(first), float(now)):
            return ""
        epoch = self.history.best.get("epoch", self.clock.epoch)
        kept = f"the state of epoch {epoch:,}" if epoch else "the untrained state"
        return (
            f" Warning: the held-out loss is {float(now):.4g} and was {float(first):.4g} before training; {kept} was "
            "kept. Look at the values of the features (raw counts, outliers), take a smaller "
            "training.learning_rate, or more sets."
        )

    def _save(self, which: Literal["last", "best"]) -> None:
        """`last` holds all that a resume needs, `best` what sampling needs; the first process saves for all."""
        if not self.team.first:
            return
        last = which == "last"
        self.model.settle()
        self.history.totals = {k: float(v) for k, v in self.sums.items()}
        states = checkpoints.random_states(self.epoch_start) if last else {}
        facts = {
            "kind": self.model.kind,
            "model": {"name": self.name, **self.model.settings()},
            "training": to_dict(self.config),
            "spec": self.model.spec.to_dict(),
            "clock": self.clock.to_dict(),
            "history": vars(self.history),
        }
        checkpoints.save(self.run.checkpoint_dir / which, self.model.state(optimisers=last) | states, facts)


def _plain(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)
