"""What Slurm runs for a run: its worker, ended and queued again when the place is taken back."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import child
from core.runs.directory import Run
from core.runs.process import start_time
from core.runs.states import State

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission

_RUNNING = (State.STARTING, State.RUNNING, State.STOPPING)
_LOOK = 0.2  # seconds between two looks at a worker that saves and ends
_TAKEN = "Slurm took its place back (time limit or pre-emption); it waits for another and goes on from its checkpoint."


class SlurmJob:
    """The function of a job. Submitit calls it, and `checkpoint` shortly before the job is stopped and queued again.

    The worker is a process of its own: the signals of Slurm are heard here, and it hears one SIGTERM, which it knows.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.worker: subprocess.Popen[bytes] | None = None

    def __call__(self) -> int:
        """Start the worker and wait for it; its exit status."""
        run = Run(Path(self.path))
        if run.state in _RUNNING:
            run.move(State.LOST, "Its node went away.")
        if run.state in (State.CANCELLED, State.LOST) and not run.cancel_requested:
            run.queue_again(_TAKEN)
        # Slurm signals every process of a job; what a process ignores, those that it starts ignore too.
        heard = signal.signal(signal.SIGUSR2, signal.SIG_IGN)
        try:
            log = run.path / "log.txt"
            self.worker = child.start("core", "worker", self.path, log=log, environment=dict(os.environ))
        finally:
            signal.signal(signal.SIGUSR2, heard)
        code = self.worker.wait()
        if run.state is State.CANCELLED and not run.cancel_requested:
            # The worker heard the SIGTERM of a pre-emption before this process heard of it.
            run.queue_again(_TAKEN)
            subprocess.run(["scontrol", "requeue", os.environ["SLURM_JOB_ID"]], check=False)
        return code

    def checkpoint(self, *_: Any) -> DelayedSubmission:
        """Let the worker save and end; what is to be run in the next place."""
        from submitit.helpers import DelayedSubmission

        run = Run(Path(self.path))
        if self.worker is not None and start_time(self.worker.pid):
            os.kill(self.worker.pid, signal.SIGTERM)
            # This interrupts the wait of `__call__`, which holds the lock of `Popen`: it cannot be asked here.
            while start_time(self.worker.pid):
                time.sleep(_LOOK)
        if run.state is State.CANCELLED and not run.cancel_requested:
            run.queue_again(_TAKEN)
        return DelayedSubmission(SlurmJob(self.path))
