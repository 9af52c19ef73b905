"""A sweep that searches: Optuna chooses settings from ranges by the validation scores of the trainings before."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import child
from core.config.access import viewer
from core.config.command import search_words
from core.config.experiments import compose
from core.config.home import environment, home
from core.config.overrides import Choice, Range, searchable
from core.config.resources import Resources
from core.errors import InputError, RunError
from core.runs.directory import Run
from core.runs.files import try_lock
from core.runs.metrics import PREFERRED
from core.runs.states import ACTIVE, State
from core.runs.store import RunStore
from core.runs.submission import prepare, sweep_name
from core.training.scoring import HELD_OUT, score

if TYPE_CHECKING:
    import optuna

MOST = 1000  # trainings of one search
_RUN, _PRUNED = "run", "pruned"  # what the storage knows of a trial beside its values
_BLIND = 4  # trainings with values drawn evenly, and run to their end, before anything is concluded
_SECONDS = 0.3  # between two looks at the runs


@dataclass(frozen=True)
class Plan:
    """What is searched: the same overrides on the same dataset are the same sweep, which a second call goes on with."""

    overrides: tuple[str, ...]
    fixed: tuple[str, ...]
    spaces: tuple[Range | Choice, ...]
    dataset: str | None
    title: str
    sweep: str
    seed: int
    epochs: int

    def config(self, values: dict[str, Any], trial: int) -> dict[str, Any]:
        """The config of the run of a trial. Raises InputError."""
        experiment = compose([*self.fixed, *(f"{key}={value}" for key, value in values.items())])
        told = [f"{key.rpartition('.')[2]} {_short(value)}" for key, value in values.items()]
        config = prepare(experiment | {"title": ", ".join([self.title, *told])}, self.dataset)
        return config | {"sweep": {"name": self.sweep, "title": self.title, "trial": trial}}


@dataclass
class Found:
    """What a search found: its runs in the order of their trials, and the best of them."""

    sweep: str
    runs: list[Run] = field(default_factory=list)
    pruned: int = 0
    failed: int = 0
    best: Run | None = None
    score: float = math.nan
    values: dict[str, Any] = field(default_factory=dict)


def plan(overrides: Sequence[str], dataset: str | None) -> Plan:
    """Read and check a search: both ends of every range and every choice make a valid run. Raises InputError."""
    fixed, spaces = searchable(overrides)
    if not spaces:
        raise InputError("There is nothing to search; give a range, such as training.learning_rate=1e-4..1e-2.")
    lowest = {one.key: one.ends[0] for one in spaces}
    title = str(compose(fixed)["title"])
    draft = Plan(tuple(overrides), tuple(fixed), tuple(spaces), dataset, title, "", 0, 0)
    config = draft.config(lowest, 0)
    for one in spaces:
        for end in one.ends[1:]:
            draft.config(lowest | {one.key: end}, 0)
    if not config["training"]["epochs"]:
        raise InputError(
            f"{config['title']!r} is fitted in closed form and has no validation score to search by; "
            "name values instead of a range, without --search."
        )
    if config["training"]["score"] == "loss":
        raise InputError("training.score=loss is no score of held-out data to search by; take quality or held_out.")
    training = config["training"]
    return replace(draft, sweep=sweep_name(overrides, config), seed=training["seed"], epochs=training["epochs"])


def search(
    plan: Plan,
    trials: int,
    store: RunStore,
    resources: Resources,
    *,
    at_once: int = 1,
    tell: Callable[[str], None] = lambda text: None,
) -> Found:
    """Train until the sweep has had `trials` trainings, `at_once` at a time; goes on where an earlier call was killed.

    TPE (Bergstra et al. 2011) chooses; a run whose validation score is below the median of the earlier ones at the
    same epoch is stopped without a report. Raises InputError where the sweep is already going on.
    """
    if not 1 <= trials <= MOST:
        raise InputError(f"--search is {trials}; it must be at least 1 and at most {MOST} trainings.")
    folder = home() / "sweeps"
    folder.mkdir(parents=True, exist_ok=True)
    lock = try_lock(folder / f".{plan.sweep}.lock")
    if lock is None:
        raise InputError(f"Sweep {plan.sweep} is already going on; `runs` lists its trainings.")
    try:
        return _Search(plan, store, resources, folder, tell).go_on(trials, at_once)
    finally:
        os.close(lock)


def launch(plan: Plan, trials: int, resources: Resources | None = None, *, at_once: int = 1) -> None:
    """Start the search as a process that outlives this one; its words go to `sweeps/NAME.log`. Raises RunError."""
    folder = home() / "sweeps"
    folder.mkdir(parents=True, exist_ok=True)
    command = search_words(plan.overrides, plan.dataset, trials, resources, at_once=at_once)
    try:
        around = environment() | viewer().environment()  # its runs belong to whoever asked for it
        child.let_go(child.start("core", *command, log=folder / f"{plan.sweep}.log", environment=around))
    except OSError as error:
        raise RunError(f"The search could not be started ({error.strerror}); free memory and try again.") from error


@dataclass
class _Trial:
    """A trial whose run has not ended: the last epoch that was reported, and whether the run was told to stop."""

    trial: optuna.Trial
    run: Run
    epoch: int = -1
    pruned: bool = False


class _Search:
    """One call of `search`."""

    def __init__(
        self, plan: Plan, store: RunStore, resources: Resources, folder: Path, tell: Callable[[str], None]
    ) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.plan, self.store, self.resources, self.tell = plan, store, resources, tell
        self.study = optuna.create_study(
            storage=f"sqlite:///{folder / 'sweeps.sqlite'}",
            study_name=plan.sweep,
            direction="maximize",
            load_if_exists=True,
            # What has had a quarter of its epochs has shown whether it learns.
            pruner=optuna.pruners.MedianPruner(n_startup_trials=_BLIND, n_warmup_steps=plan.epochs // 4),
        )
        self.active: dict[int, _Trial] = {}

    def go_on(self, trials: int, at_once: int) -> Found:
        self._adopt()
        if done := self._counted():
            self.tell(f"Sweep {self.plan.sweep} goes on: {done} of {trials} trainings were begun.")
        while True:
            for number in list(self.active):
                self._look(number)
            while len(self.active) < at_once and self._counted() < trials:
                self._start()
            if not self.active:
                return self._found()
            time.sleep(_SECONDS)

    def _adopt(self) -> None:
        """Take over the runs that an earlier call began; a trial that never became a run is given up."""
        import optuna

        begun = self.study.get_trials(states=[optuna.trial.TrialState.RUNNING])
        own = {run.config["sweep"]["trial"]: run for run in self._runs()} if begun else {}
        for frozen in begun:
            trial = optuna.Trial(self.study, frozen._trial_id)
            if frozen.number in own:
                trial.set_user_attr(_RUN, own[frozen.number].id)
                last = max(frozen.intermediate_values, default=-1)
                pruned = bool(frozen.user_attrs.get(_PRUNED))
                self.active[frozen.number] = _Trial(trial, own[frozen.number], last, pruned)
            else:
                self.study.tell(trial, state=optuna.trial.TrialState.FAIL)

    def _runs(self) -> list[Run]:
        """The runs of this sweep that are there, in the order of their trials."""
        paths = sorted(self.store.root.glob("*/config.json")) if self.store.root.is_dir() else []
        runs = [Run(path.parent) for path in paths if not path.parent.name.startswith(".")]
        own = [run for run in runs if (run.config.get("sweep") or {}).get("name") == self.plan.sweep]
        return sorted(own, key=lambda run: int(run.config["sweep"].get("trial", 0)))

    def _counted(self) -> int:
        """Trials that became a run."""
        return sum(_RUN in trial.user_attrs for trial in self.study.get_trials(deepcopy=False))

    def _start(self) -> None:
        import optuna

        number = len(self.study.get_trials(deepcopy=False))
        # A seed for each trial: a search that was killed goes on as if it had not been.
        self.study.sampler = optuna.samplers.TPESampler(seed=self.plan.seed + number, n_startup_trials=_BLIND)
        trial = self.study.ask({one.key: _distribution(one) for one in self.plan.spaces})
        run = self.store.submit(self.plan.config(trial.params, trial.number), self.resources)
        trial.set_user_attr(_RUN, run.id)
        self.active[trial.number] = _Trial(trial, run)
        self.tell(f"Trial {trial.number + 1}: run {run.id}, {run.config['title']}.")

    def _look(self, number: int) -> None:
        """Report what a run has scored since; stop it where others did better, and count it once it has ended."""
        import optuna

        one = self.active[number]
        state = self.store.get(one.run.id).state
        points = _scores(one.run)
        fresh = [epoch for epoch in points if epoch > one.epoch]
        for epoch in fresh:
            one.trial.report(points[epoch], epoch)
            one.epoch = epoch
        if state in ACTIVE:
            if fresh and not one.pruned and one.trial.should_prune():
                one.pruned = True
                one.trial.set_user_attr(_PRUNED, True)
                self.tell(f"Trial {number + 1} is below the median at epoch {one.epoch}; it is stopped.")
                self._stop(one.run)
            return
        del self.active[number]
        if one.pruned:
            self.study.tell(one.trial, state=optuna.trial.TrialState.PRUNED)
        elif not points or state in (State.FAILED, State.LOST):
            self.study.tell(one.trial, state=optuna.trial.TrialState.FAIL)
            self.tell(f"Trial {number + 1}: {state}. {one.run.status['reason']}")
        else:
            result = _result(one.run, points)
            self.study.tell(one.trial, result)
            self.tell(f"Trial {number + 1}: score {result:.4g}.")

    def _stop(self, run: Run) -> None:
        try:
            self.store.stop(run.id, now=True)
        except InputError:
            return  # it ended by itself in between

    def _found(self) -> Found:
        import optuna

        states = [trial.state for trial in self.study.get_trials(deepcopy=False) if _RUN in trial.user_attrs]
        found = Found(self.plan.sweep, self._runs())
        found.pruned = states.count(optuna.trial.TrialState.PRUNED)
        found.failed = states.count(optuna.trial.TrialState.FAIL)
        if optuna.trial.TrialState.COMPLETE in states:
            best = self.study.best_trial
            found.score, found.values = float(best.value or 0.0), best.params
            found.best = next((run for run in found.runs if run.id == best.user_attrs[_RUN]), None)
        return found


def _distribution(one: Range | Choice) -> optuna.distributions.BaseDistribution:
    from optuna import distributions

    if isinstance(one, Choice):
        return distributions.CategoricalDistribution(one.values)
    if one.whole:
        return distributions.IntDistribution(int(one.low), int(one.high), log=one.log)
    return distributions.FloatDistribution(one.low, one.high, log=one.log)


def _scores(run: Run) -> dict[int, float]:
    """Epoch → validation score, higher is better: the run's own; else that of the held-out data by its model, or the
    "quality" of samples, where the run keeps its last state whatever it scores."""
    curves = run.metrics()
    likelihoods = [name for name in curves if name.startswith("held_out")]
    name = next((name for name in (PREFERRED, HELD_OUT, *likelihoods) if name in curves), None)
    if name is None:
        epochs: dict[int, dict[str, float]] = {}
        for part in ("precision", "recall", "ld_r"):
            if part in curves:
                for epoch, value in zip(curves[part].epoch, curves[part].value, strict=True):
                    epochs.setdefault(epoch, {})[part] = value
        return {epoch: score("quality", values, {}) for epoch, values in epochs.items()}
    sign = -1.0 if name == HELD_OUT else 1.0
    points = zip(curves[name].epoch, curves[name].value, strict=True)
    return {epoch: sign * value for epoch, value in points if math.isfinite(value)}


def _result(run: Run, points: dict[int, float]) -> float:
    """The score of the state that the run keeps: its best, or its last where that is what it is told to keep."""
    return points[max(points)] if run.config["training"]["score"] == "last" else max(points.values())


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
