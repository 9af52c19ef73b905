"""`python -m core worker RUN_DIR`: the life of one run, from its place in the queue to its last state."""

from __future__ import annotations

import faulthandler
import os
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import InputError
from core.runs import heartbeat
from core.runs.backends.base import Life, backends
from core.runs.directory import Run
from core.runs.ending import Ending, explain
from core.runs.files import log, now, try_lock
from core.runs.intervals import Intervals
from core.runs.process import ProcessIdentity
from core.runs.queue import Queue, places
from core.runs.states import IllegalMove, State

if TYPE_CHECKING:
    from core.training.loop import Outcome

DONE, FAILED = 0, 1


def main(directory: Path) -> int:
    """Live the life of the run in `directory`; the exit status. Every end is a state with a reason, never an error."""
    faulthandler.enable()
    run = Run(directory.resolve())
    intervals = Intervals.from_environment()
    if not _claim(run, patience=intervals.start):
        log("Another worker has this run; this one ends.")
        return FAILED
    ending = Ending(run)
    ending.watch()
    run.note(**ProcessIdentity.of(os.getpid()).to_status())
    with heartbeat.beating(run.path, intervals.heartbeat):
        try:
            return _live(run, intervals, ending)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the run must say what happened
            traceback.print_exc()
            ending.write(State.FAILED, explain(error))
            return FAILED


def _claim(run: Run, patience: float) -> bool:
    """Become the run's only worker until this process ends, whatever the status says; False if another one stays.

    A worker that has just written its last state still takes a moment to end, and a quick resume meets it.
    """
    deadline = time.monotonic() + patience
    while try_lock(run.path / ".worker") is None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _live(run: Run, intervals: Intervals, ending: Ending) -> int:
    if not _await_turn(run, intervals):
        ending.write(State.CANCELLED, "Stopped while it waited for its turn; nothing was trained.")
        return DONE
    _go_on(run, State.STARTING, "Loading the dataset and the model.", phase="loading", started=now())
    from core.runs import work  # after the place is taken, for that says what torch may see

    _go_on(run, State.RUNNING, "Training.", phase="training")
    outcome = work.train(run, intervals.poll, ending)
    if outcome.state == "cancelled" and run.cancel_hurried:
        ending.write(State.CANCELLED, outcome.reason)
        return DONE
    return _report(run, outcome, ending)


def _report(run: Run, outcome: Outcome, ending: Ending) -> int:
    """Sample and evaluate what was trained; a run that was stopped stays cancelled even if this fails."""
    from core.runs import work

    cancelled = outcome.state == "cancelled"
    try:
        run.note(phase="sampling", reason="Sampling for the report.")
        work.sample(run)
        run.note(phase="evaluating", reason="Making the report.")
        work.evaluate(run)
    except Exception as error:  # noqa: BLE001
        traceback.print_exc()
        why = f"{outcome.reason} The report could not be made: {explain(error)}"
        ending.write(State.CANCELLED if cancelled else State.FAILED, why)
        return DONE if cancelled else FAILED
    ending.write(State.CANCELLED if cancelled else State.SUCCEEDED, outcome.reason)
    return DONE


def _await_turn(run: Run, intervals: Intervals) -> bool:
    """Wait in the queue and take a place until the process ends; False if the run was stopped meanwhile.

    Other engines reserve the device before they start a worker: then there is no queue.
    """
    status = run.status
    if status.get("queue") is None:
        return not run.cancel_requested
    runs = run.path.parent
    engine = backends[status.get("backend", "local")].value(runs)  # type: ignore[call-arg]

    def waits(other: str) -> bool:
        its = Run(runs / other)
        return its.status["state"] == State.QUEUED and engine.status(its)[0] is Life.ALIVE

    def tell(ahead: int) -> None:
        runs_ahead = f"{ahead} run{'s' if ahead > 1 else ''} ahead" if ahead else "next, when a place is free"
        run.note(phase="waiting", reason=f"Waiting for its turn: {runs_ahead}.")

    number = _gpus(run) if status["queue"] == "gpu" else 1
    queue = Queue(runs, status["queue"])
    place = queue.wait(run.id, waits, lambda: run.cancel_requested, tell, intervals.poll, number=number)
    if place is None:
        return False
    # Set before torch is imported, so that it sees its own GPU only.
    os.environ["CUDA_VISIBLE_DEVICES"] = place.name if place.kind == "gpu" else ""
    return True


def _gpus(run: Run) -> int:
    """How many GPUs the run takes, one a process. Raises InputError where there are fewer, for which it would wait."""
    wanted, there = int(run.config["training"].get("processes", 1)), len(places("gpu"))
    if wanted > there:
        raise InputError(f"training.processes is {wanted}, but this machine has {there} GPU(s); take {there}.")
    return wanted


def _go_on(run: Run, state: State, reason: str, **fields: Any) -> None:
    """Go to the next state, unless the run was asked to stop meanwhile: then it stays `stopping`."""
    log(f"{state}: {reason}")
    try:
        run.move(state, reason, **fields)
    except IllegalMove:
        if run.state is not State.STOPPING:
            raise
        run.note(**fields)
