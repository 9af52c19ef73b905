"""The embedded engine: a detached process a run on this machine, which waits for its own turn."""

from __future__ import annotations

import os
import signal
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from core import child
from core.errors import RunError
from core.runs import heartbeat
from core.runs.backends.base import Life, backends
from core.runs.directory import Run
from core.runs.intervals import Intervals
from core.runs.process import ProcessIdentity
from core.runs.queue import Queue, kind_for, places
from core.runs.states import ACTIVE

# The workers that this very process started: it alone knows the way they ended.
_children: dict[Path, subprocess.Popen[bytes]] = {}


@backends.register(
    "local",
    title="Local",
    kind="runs",
    help="Detached processes on this machine, one a GPU, first come first served.",
    source="own",
)
class LocalBackend:
    """Workers that outlive whoever started them: own session, no terminal, output to `log.txt`."""

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self.intervals = Intervals.from_environment()

    def submit(self, run: Run) -> str:
        """Take a ticket and start the worker; the pid is the handle. Raises RunError if no process can be started."""
        queue = Queue(self.runs, kind_for(run.config.get("training", {}).get("device", "auto")))
        run.note(backend="local", queue=queue.kind)
        queue.join(run.id, run.status["queued"])
        try:
            worker = child.start(
                "core",
                "worker",
                str(run.path),
                log=run.path / "log.txt",
                environment=os.environ | {"PYTHONUNBUFFERED": "1", "POPSCAPE_HOME": str(self.runs.parent)},
            )
        except OSError as error:
            queue.leave(run.id)
            raise RunError(
                f"The worker process could not be started ({error.strerror}); free memory and resume."
            ) from error
        _children[run.path] = worker
        child.let_go(worker)
        run.note(**ProcessIdentity.of(worker.pid).to_status())  # from its first moment it can be looked up and stopped
        return str(worker.pid)

    def status(self, run: Run) -> tuple[Life, str]:
        """By process where it can be looked up, by heartbeat where it cannot (another machine, container or boot)."""
        status = run.status
        process = ProcessIdentity.from_status(status)
        if process is None:
            if _seconds_since(status.get("queued")) < self.intervals.start:
                return Life.ALIVE, ""
            return Life.DEAD, "The worker never started; the end of the log may say why."
        worker = _children.get(run.path)
        if worker is not None and worker.pid == process.pid:
            code = worker.poll()
            return (Life.ALIVE, "") if code is None else (Life.DEAD, _how_it_ended(code))
        if process.here:
            return (Life.ALIVE if process.alive else Life.DEAD), ""
        silence = heartbeat.age(run.path)
        if silence is not None and silence < self.intervals.silent:
            return Life.ALIVE, ""
        return Life.DEAD, f"Its machine ({process.host}) was restarted or cannot be reached."

    def logs(self, run: Run, since: int = 0) -> tuple[str, int]:
        """The text of `log.txt` from byte `since`."""
        return run.log_since(since)

    def cancel(self, run: Run, *, force: bool = False) -> None:
        """Touch the cancel file; with `force` also send SIGTERM to the process group, if it is on this machine."""
        run.request_cancel(hurry=force)
        process = ProcessIdentity.from_status(run.status)
        if force and process is not None:
            process.signal_group(signal.SIGTERM)

    def list(self) -> list[str]:
        """The ids of the runs in this folder whose worker lives."""
        runs = [Run(p) for p in self.runs.iterdir() if not p.name.startswith(".") and p.is_dir()]
        return sorted(r.id for r in runs if r.state in ACTIVE and self.status(r)[0] is Life.ALIVE)

    def about(self) -> str:
        """The places of this machine."""
        return f"ready: {len(places('gpu'))} GPU and {len(places('cpu'))} CPU places"


def _seconds_since(moment: str | None) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds() if moment else float("inf")


def _how_it_ended(code: int) -> str:
    if code == -signal.SIGKILL:
        return "It was killed (signal 9), most often because the machine ran out of memory."
    if code < 0:
        return f"It was ended by signal {-code} ({signal.Signals(-code).name})."
    return f"It ended with exit status {code} without saying why."
