"""Bring what the files say in line with what is true: dead workers are lost, deaf ones are ended."""

from __future__ import annotations

import contextlib
import shutil
import signal
import time
from datetime import UTC, datetime

from core.runs.backends.base import Backend, Life
from core.runs.directory import Run
from core.runs.intervals import Intervals
from core.runs.metrics import last_values
from core.runs.process import ProcessIdentity
from core.runs.states import ACTIVE, IllegalMove, State

_FULL_BYTES = 1 << 20
# What a worker is doing while it turns a finished or stopped training into a report; it is not deaf then.
_CLOSING = ("sampling", "evaluating")


def reconcile(run: Run, backend: Backend, intervals: Intervals) -> None:
    """Correct the state of a run whose worker died or does not answer a wish to stop; cheap, done at every listing."""
    state = run.state
    if state not in ACTIVE:
        return
    life, end = backend.status(run)
    if life is Life.ALIVE:
        if state is State.STOPPING and run.status.get("phase") not in _CLOSING:
            _insist(run, intervals)
        return
    # The worker may have written its last state and ended since we read it: then the move is refused, rightly.
    with contextlib.suppress(IllegalMove):
        if run.cancel_requested:
            run.move(State.CANCELLED, _cancelled_reason(run), ended=_last_sign(run))
        else:
            run.move(State.LOST, _lost_reason(run, end), ended=_last_sign(run))


def _insist(run: Run, intervals: Intervals) -> None:
    """A worker that should stop and has not: SIGTERM after `stop` seconds, SIGKILL `kill` seconds later."""
    process = ProcessIdentity.from_status(run.status)
    with contextlib.suppress(FileNotFoundError):
        waited = time.time() - (run.path / "cancel").stat().st_mtime
        if process is not None and waited > intervals.stop + intervals.kill:
            process.signal_group(signal.SIGKILL)
        elif process is not None and waited > intervals.stop:
            process.signal_group(signal.SIGTERM)


def _lost_reason(run: Run, end: str) -> str:
    pid = run.status.get("pid")
    who = f"The worker (process {pid})" if pid else "The worker"
    if run.state is State.QUEUED and pid:
        what = f"{who} disappeared while the run waited for its turn."
    elif pid:
        epoch, _ = last_values(run.path / "metrics.jsonl")
        what = f"{who} disappeared {f'in epoch {epoch + 1}' if epoch else 'early'} without a word."
    else:
        what = ""
    if shutil.disk_usage(run.path).free < _FULL_BYTES:
        end = "The disk is full: free some space first."
    elif not end:
        end = "It was killed, or the machine ran out of memory."
    return " ".join(filter(None, [what, end, _advice(run)]))


def _cancelled_reason(run: Run) -> str:
    return f"Stopped on request before the worker could close the run. {_advice(run)}"


def _advice(run: Run) -> str:
    if (run.checkpoints / "last").is_dir():
        return "Resume continues from the last checkpoint."
    return "There was no checkpoint yet: resume starts from the beginning."


def _last_sign(run: Run) -> str:
    """When the run was last heard of: the newest of its heartbeat and its curves."""
    times = [p.stat().st_mtime for n in ("heartbeat", "metrics.jsonl") if (p := run.path / n).exists()]
    return datetime.fromtimestamp(max(times, default=time.time()), UTC).isoformat(timespec="microseconds")
