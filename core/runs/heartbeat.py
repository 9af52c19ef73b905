"""The heartbeat file: its modification time says when the worker last lived."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from core.runs.files import locked

HEARTBEAT = "heartbeat"


def age(run: Path) -> float | None:
    """Seconds since the last beat in the run directory `run`, None if there was none.

    Measured against a file touched now in the same folder: on a network disk both times come from the
    server's clock, so a wrong clock on either machine does no harm.
    """
    probe = run / ".clock"
    try:
        beat = (run / HEARTBEAT).stat().st_mtime
        with locked(probe):
            probe.touch()
            return probe.stat().st_mtime - beat
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def beating(run: Path, every: float) -> Iterator[None]:
    """Touch the heartbeat of `run` every `every` seconds from a thread, until the block is left."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.is_set():
            with contextlib.suppress(OSError):  # a full or slow disk must not end the thread: the next beat tries again
                (run / HEARTBEAT).touch()
            ended.wait(every)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
