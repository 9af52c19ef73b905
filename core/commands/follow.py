"""Watch a run from the terminal until it ends."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from core.runs.directory import Run
from core.runs.metrics import last_values
from core.runs.states import ACTIVE
from core.runs.store import RunStore

_SECONDS = 0.3  # between two looks
_LINES = 100  # about how many progress lines a whole training prints, if it is quick
_QUIET = 10.0  # seconds after which a slow one tells its newest epoch anyway


def follow(store: RunStore, run: Run, *, stop_on_interrupt: bool) -> Run:
    """Print progress to stderr until `run` has ended; the run as it then is.

    The first Ctrl-C (or SIGTERM) asks the run to stop and save, the second to skip its report; without
    `stop_on_interrupt` Ctrl-C ends the watching alone. The run itself lives in another process and survives this one.
    """
    line = _Line(run)
    asked = 0
    with _interrupts(stop_on_interrupt) as interrupts:
        while (run := store.get(run.id)).state in ACTIVE:
            line.show(run)
            if interrupts.wait(_SECONDS):
                interrupts.clear()
                asked += 1
                _tell("Stopping; press Ctrl-C again to skip the report." if asked == 1 else "Stopping at once.")
                if run.state in ACTIVE:
                    store.stop(run.id, now=asked > 1)
    line.show(run)
    return run


class _Line:
    """Progress of one run: a line every hundredth part of it, or every ten seconds."""

    def __init__(self, run: Run) -> None:
        self.epochs = int(run.config["training"]["epochs"])
        self.every = max(1, self.epochs // _LINES)
        self.epoch = 0
        self.reason = ""
        self.told = time.monotonic()

    def show(self, run: Run) -> None:
        """Print the state's reason where it is new, and the newest values where enough epochs have passed."""
        status = run.status
        if status["reason"] != self.reason:
            self.reason = status["reason"]
            _tell(f"{status['state']}: {self.reason}")
        epoch, values = last_values(run.path / "metrics.jsonl")
        late = time.monotonic() - self.told > _QUIET
        if epoch >= self.epoch + (1 if late else self.every):
            self.epoch, self.told = epoch, time.monotonic()
            _tell(f"epoch {epoch}/{self.epochs}  " + "  ".join(f"{k} {v:.4g}" for k, v in values.items()))


@contextmanager
def _interrupts(wanted: bool) -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set while the block lasts."""
    event = threading.Event()
    if not wanted or threading.current_thread() is not threading.main_thread():
        yield event
        return
    before = {number: signal.signal(number, lambda *_: event.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
