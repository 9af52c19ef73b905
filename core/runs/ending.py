"""How a run ends: in words that are written once, whether its work is done or SIGTERM cuts it short."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import threading
import traceback
from collections.abc import Iterator
from typing import NoReturn

from core.errors import PopscapeError
from core.runs.directory import Run
from core.runs.files import log
from core.runs.states import State

_FULL = "The disk is full: free some space, then resume; the last checkpoint is whole."
_MEMORY = "Memory ran out: take a smaller training.batch_size or fewer variants, then start a new run."


class Ending:
    """The end of the one run of this process.

    SIGTERM is heard by a thread, which writes the end and leaves. An exception raised by the handler would come up
    anywhere in the main thread: a library that is being imported may turn it into an error of its own, a destructor
    loses it, and a long computation lets it wait.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.terminated = threading.Event()
        self._saving = threading.Lock()
        self._word = threading.Lock()

    def watch(self) -> None:
        """From now on SIGTERM ends the run at once; only the main thread may ask for this."""
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        # The C side of a handler writes the signal's number at once; the Python side waits for the main thread.
        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.set_wakeup_fd(writer)
        threading.Thread(target=self._listen, args=(reader,), name="sigterm", daemon=True).start()

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Inside, SIGTERM sets `terminated` and no more: the training loop sees it, saves and leaves the block."""
        with self._saving:
            yield
        if self.terminated.is_set():
            self._leave()

    def write(self, state: State, reason: str) -> None:
        """Write the last state; who comes second waits here until the process has ended."""
        self._word.acquire()
        log(f"{state}: {reason}")
        try:
            self.run.move(state, reason)
        except (OSError, PopscapeError):
            traceback.print_exc()  # the reconciler will say `lost`; the log says why

    def _listen(self, reader: int) -> None:
        while os.read(reader, 1) != bytes([signal.SIGTERM]):
            pass
        self.terminated.set()
        with self._saving:
            self._leave()

    def _leave(self) -> NoReturn:
        asked = self.run.cancel_requested
        reason = "Stopped at once, as asked." if asked else "The machine asked the worker to end (SIGTERM)."
        saved = self.run.has_checkpoint
        resume = "Resume continues from the last checkpoint." if saved else "There was no checkpoint yet."
        try:
            self.write(State.CANCELLED, f"{reason} {resume}")
        finally:
            os._exit(0)


def explain(error: BaseException) -> str:
    """One sentence for the user: the error's own where it is ours, a plain one for full disks and full memories.

    Anything else is a fault of the program; its name and message are given, the log has the traceback.
    """
    if isinstance(error, PopscapeError):
        return str(error)
    text = str(error)
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "No space left on device" in text:
        return _FULL
    if getattr(error, "errno", None) == errno.EFBIG:
        return "A file grew beyond the size limit of this account (ulimit -f): raise it, then resume."
    lower = text.lower()
    if isinstance(error, MemoryError) or "out of memory" in lower or "allocate memory" in lower:
        return _MEMORY
    first = text.strip().splitlines()[0][:300] if text.strip() else "no message"
    return f"The program failed ({type(error).__name__}: {first}); the log has the details."
