"""Slurm as the engine, through submitit: a job a run, which waits for another place when its own is taken back."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from core.config.home import REPOSITORY
from core.errors import RunError
from core.runs import heartbeat
from core.runs.backends.base import Life, backends
from core.runs.directory import Run
from core.runs.intervals import Intervals
from core.runs.slurm_job import SlurmJob

_PATIENCE = 20.0  # seconds for an answer of Slurm's commands
_LIVING = {
    "PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESIZING",
    "SIGNALING", "SPECIAL_EXIT", "STAGE_OUT", "STOPPED", "SUSPENDED", "RESV_DEL_HOLD", "POWER_UP_NODE",
}  # fmt: skip
_ENDS = {
    "OUT_OF_MEMORY": "It used more memory than was reserved; ask for more.",
    "NODE_FAIL": "Its node failed.",
    "CANCELLED": "Its job was cancelled in Slurm.",
    "TIMEOUT": "Its time was up, and it could not be queued again.",
    "PREEMPTED": "Slurm gave its place to another job.",
}
_TIMEOUTS = 1000  # how often a run may be queued again: as often as it takes


@backends.register(
    "slurm",
    title="Slurm",
    kind="runs",
    help="Jobs of the Slurm cluster of this machine, on nodes that share this folder (needs submitit).",
    source="submitit, https://github.com/facebookincubator/submitit",
)
class SlurmBackend:
    """Workers as Slurm jobs. Their nodes see the run directory and this installation under the same paths."""

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self.intervals = Intervals.from_environment()

    def submit(self, run: Run) -> str:
        """Queue a job that starts the worker; the handle is Slurm's job id. Raises RunError."""
        if shutil.which("sbatch") is None:
            raise RunError("There is no Slurm on this machine (no `sbatch`); choose another engine.")
        try:
            import submitit
        except ImportError as error:
            raise RunError("Slurm is used through submitit: pip install -r requirements-slurm.txt") from error
        wish = run.config.get("resources", {})
        environment = {"PYTHONPATH": str(REPOSITORY), "POPSCAPE_HOME": str(self.runs.parent), "PYTHONUNBUFFERED": "1"}
        run.note(backend="slurm", queue=None)
        executor = submitit.AutoExecutor(folder=run.path / "slurm", cluster="slurm", slurm_max_num_timeout=_TIMEOUTS)
        executor.update_parameters(
            name=f"popscape-{run.id[:8]}",
            cpus_per_task=int(wish.get("cpus", 1)),
            timeout_min=int(wish.get("time_limit", 120)),
            slurm_setup=[f"export {name}={value}" for name, value in environment.items()],
            slurm_additional_parameters={"requeue": True},
            **_optional(wish),
        )
        try:
            handle = str(executor.submit(SlurmJob(str(run.path))).job_id)
        except (OSError, submitit.core.utils.FailedJobError) as error:
            raise RunError(f"Slurm did not take the run: {_last_line(str(error))}") from error
        run.note(handle=handle)
        return handle

    def status(self, run: Run) -> tuple[Life, str]:
        """What `squeue` says of the job; where Slurm does not answer, what the heartbeat says."""
        handle = run.status.get("handle")
        if not handle:
            return Life.DEAD, "It was never handed to Slurm."
        state, problem = _state(handle)
        if problem:
            silence = heartbeat.age(run.path)
            alive = silence is not None and silence < self.intervals.silent
            return (Life.ALIVE, "") if alive else (Life.DEAD, f"Slurm does not answer: {problem}")
        if state in _LIVING:
            return Life.ALIVE, ""
        return Life.DEAD, _ENDS.get(state, "" if state == "COMPLETED" else f"Slurm says {state.lower()} of its job.")

    def logs(self, run: Run, since: int = 0) -> tuple[str, int]:
        """The text of `log.txt` from byte `since`; the worker writes it on the shared disk."""
        return run.log_since(since)

    def cancel(self, run: Run, *, force: bool = False) -> None:
        """Touch the cancel file; a job that waits, and with `force` any, is cancelled in Slurm as well."""
        run.request_cancel(hurry=force)
        handle = run.status.get("handle")
        if handle and (force or _state(handle)[0] == "PENDING"):
            _call("scancel", handle)

    def list(self) -> list[str]:
        """The ids of the runs of this folder whose jobs Slurm has. Raises RunError if it does not answer."""
        done = _call("squeue", "--noheader", "--format=%i")
        if done.returncode:
            raise RunError(f"Slurm does not answer: {_last_line(done.stderr)}")
        jobs = set(done.stdout.split())
        runs = [Run(path) for path in self.runs.iterdir() if not path.name.startswith(".") and path.is_dir()]
        return sorted(r.id for r in runs if r.status.get("handle") in jobs and self.status(r)[0] is Life.ALIVE)

    def about(self) -> str:
        """The partitions of the cluster, or why there are none."""
        if shutil.which("sbatch") is None:
            return "not here: there is no `sbatch`"
        done = _call("sinfo", "--noheader", "--format=%R (%D nodes, %t)")
        return f"ready: {', '.join(done.stdout.splitlines())}" if done.returncode == 0 else _last_line(done.stderr)


def _optional(wish: dict[str, Any]) -> dict[str, Any]:
    """What not every cluster can be asked for: only what was asked."""
    asked = {
        "gpus_per_node": wish.get("gpus"),
        "slurm_partition": wish.get("partition"),
        "mem_gb": wish.get("memory_gb"),
    }
    return {name: value for name, value in asked.items() if value}


def _state(handle: str) -> tuple[str, str]:
    """(state, "") of a job in Slurm's words, "GONE" where Slurm has forgotten it; ("", why) if it does not answer."""
    done = _call("squeue", "--noheader", "--states=all", f"--jobs={handle}", "--format=%T")
    if done.returncode == 0:
        words = done.stdout.split()
        return (words[0] if words else "GONE"), ""
    return ("GONE", "") if "Invalid job id" in done.stderr else ("", _last_line(done.stderr))


def _call(*words: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=_PATIENCE, check=False, env=os.environ)
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(words, 1, "", str(error))


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it ended without a word."
