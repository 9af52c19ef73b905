"""What the training loop tells its run, and what it asks of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path

from core.runs.directory import Run
from core.runs.files import read_json
from core.runs.metrics import MetricsWriter, rewind


class RunProgress:
    """The loop's view of a run directory: metrics go to `metrics.jsonl`, messages to the log, `cancel` asks to stop."""

    def __init__(self, run: Run, poll: float, terminated: threading.Event) -> None:
        self.checkpoint_dir: Path = run.checkpoints
        self._run = run
        self._terminated = terminated
        self._poll = poll
        rewind(run.path / "metrics.jsonl", _checkpointed_step(run))
        self._metrics = MetricsWriter(run.path / "metrics.jsonl")
        self._looked = -poll
        self._stop = False

    def record(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        """Append metrics of a moment, at once visible to readers."""
        self._metrics.write(step, epoch, values)

    def should_stop(self) -> bool:
        """Whether SIGTERM came or a stop was asked for; the disk is asked a few times a second only."""
        if self._terminated.is_set():
            return True
        moment = time.monotonic()
        if not self._stop and moment - self._looked >= self._poll:
            self._looked = moment
            self._stop = self._run.cancel_requested
        return self._stop

    def log(self, message: str) -> None:
        """One line in `log.txt`, which is the worker's standard output."""
        print(message, flush=True)  # noqa: T201

    def close(self) -> None:
        """Close the metrics."""
        self._metrics.close()


class Follower:
    """The view of a process that trains beside the first: it hears SIGTERM, and leaves words and files to that one."""

    def __init__(self, run: Run, terminated: threading.Event) -> None:
        self.checkpoint_dir: Path = run.checkpoints
        self._terminated = terminated

    def record(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        """The first process records."""

    def should_stop(self) -> bool:
        """Whether SIGTERM came; the first process looks for the cancel file."""
        return self._terminated.is_set()

    def log(self, message: str) -> None:
        """The first process tells."""

    def close(self) -> None:
        """There is nothing to close."""


def _checkpointed_step(run: Run) -> int:
    """The step from which the run will go on: that of its checkpoint `last`, 0 where there is none."""
    facts = read_json(run.checkpoints / "last" / "checkpoint.json") or {}
    return int(facts.get("clock", {}).get("step", 0))
