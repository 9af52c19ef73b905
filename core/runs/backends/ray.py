"""Ray as the engine: the same command line, sent to a cluster by the Jobs API over HTTP."""

from __future__ import annotations

import ipaddress
import json
import os
import shlex
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from core.config.home import REPOSITORY
from core.errors import RunError
from core.runs import heartbeat
from core.runs.backends.base import Life, backends
from core.runs.directory import Run
from core.runs.intervals import Intervals

_ADDRESS, _TOKEN = "RAY_ADDRESS", "RAY_AUTH_TOKEN"
_DEFAULT = "http://127.0.0.1:8265"
_PATIENCE = 10.0  # seconds for an answer
_TAKING = 60.0  # seconds for a job to be taken
_NO_AGENT = "No available agent"  # what a cluster says that has just started, and then asks to try again later
_LIVING = ("PENDING", "RUNNING")


class _Unreachable(Exception):
    """The cluster does not answer; what it says is in the message."""


@backends.register(
    "ray",
    title="Ray",
    kind="runs",
    help="Jobs on a Ray cluster that shares this folder (RAY_ADDRESS); CPUs and GPUs are reserved there.",
    source="Ray Jobs API, https://docs.ray.io/en/latest/cluster/running-applications/job-submission/",
)
class RayBackend:
    """Workers as jobs of a Ray cluster. Its machines see the run directory under the same path, by a shared disk.

    Nothing of Ray is imported here: its Jobs API is plain HTTP, and the worker does not need Ray either.
    """

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self.intervals = Intervals.from_environment()

    def submit(self, run: Run) -> str:
        """Send the job; the handle is its id. Raises RunError where the cluster refuses it or does not answer."""
        resources = run.config.get("resources", {})
        gpus = float(resources.get("gpus", 1 if resources.get("device") == "cuda" else 0))
        attempt = int(run.status.get("attempt", 0)) + 1
        handle = f"{run.id}-{attempt}"  # Ray keeps an id for ever, and a resumed run is another job
        run.note(backend="ray", handle=handle, attempt=attempt, queue=None)
        worker = shlex.join([sys.executable, "-m", "core", "worker", str(run.path)])
        log = shlex.quote(str(run.path / "log.txt"))
        wish = {
            "entrypoint": f"cd {shlex.quote(str(REPOSITORY))} && exec {worker} >> {log} 2>&1",
            "submission_id": handle,
            "metadata": {"popscape_run": run.id, "popscape_runs": str(self.runs)},
            "entrypoint_num_cpus": float(resources.get("cpus", 1)),
            "entrypoint_num_gpus": gpus,
            "runtime_env": {
                "env_vars": {"POPSCAPE_HOME": str(self.runs.parent), "PYTHONUNBUFFERED": "1", **_threads()}
            },
        }
        deadline = time.monotonic() + _TAKING
        while True:
            try:
                _ask("POST", "/api/jobs/", wish, patience=_TAKING)
                return handle
            except _Unreachable as error:
                if _knows(handle):
                    return handle
                if _NO_AGENT not in str(error) or time.monotonic() > deadline:
                    raise RunError(
                        f"Ray at {_address()} did not take the run: {error}. Start it, or choose the local engine."
                    ) from error
            time.sleep(1)

    def status(self, run: Run) -> tuple[Life, str]:
        """What the cluster says of the job; where it does not answer, what the heartbeat says."""
        handle = run.status.get("handle")
        if not handle:
            return Life.DEAD, "It was never sent to the cluster."
        try:
            job = _ask("GET", f"/api/jobs/{quote(handle)}")
        except RunError as error:
            return self._by_heartbeat(run, str(error))
        except _Unreachable as error:
            return self._by_heartbeat(run, f"The Ray cluster at {_address()} cannot be reached ({error}).")
        if job is None:
            return self._by_heartbeat(run, "The Ray cluster was restarted and no longer knows the job.")
        if job["status"] in _LIVING:
            return Life.ALIVE, ""
        return Life.DEAD, f"Ray says {job['status'].lower()}: {_sentence(job.get('message'))}"

    def logs(self, run: Run, since: int = 0) -> tuple[str, int]:
        """The text of `log.txt` from byte `since`; the worker writes it on the shared disk."""
        return run.log_since(since)

    def cancel(self, run: Run, *, force: bool = False) -> None:
        """Touch the cancel file; with `force` also let the cluster end the job."""
        run.request_cancel(hurry=force)
        handle = run.status.get("handle")
        if force and handle:
            try:
                _ask("POST", f"/api/jobs/{quote(handle)}/stop")
            except (_Unreachable, RunError):
                return  # the cancel file has said it, and who does not answer cannot be asked again

    def list(self) -> list[str]:
        """The ids of the runs of this folder whose jobs live on the cluster. Raises RunError if it does not answer."""
        try:
            jobs = _ask("GET", "/api/jobs/") or []
        except _Unreachable as error:
            raise RunError(f"Ray at {_address()} does not answer: {error}.") from error
        own = [job for job in jobs if (job.get("metadata") or {}).get("popscape_runs") == str(self.runs)]
        return sorted({job["metadata"]["popscape_run"] for job in own if job["status"] in _LIVING})

    def about(self) -> str:
        """The version of the cluster, or why there is none."""
        if _ADDRESS not in os.environ:
            return f"not chosen: {_ADDRESS} is not set"
        try:
            return f"ready: Ray {(_ask('GET', '/api/version') or {}).get('ray_version', 'of an unknown version')}"
        except (RunError, _Unreachable) as error:
            return f"not usable: {error}"

    def _by_heartbeat(self, run: Run, why: str) -> tuple[Life, str]:
        silence = heartbeat.age(run.path)
        return (Life.ALIVE, "") if silence is not None and silence < self.intervals.silent else (Life.DEAD, why)


def _address() -> str:
    return os.environ.get(_ADDRESS, _DEFAULT).rstrip("/")


def _threads() -> dict[str, str]:
    return {name: os.environ[name] for name in ("OMP_NUM_THREADS",) if name in os.environ}


def _sentence(message: Any) -> str:
    lines = [line.strip() for line in str(message or "no reason given").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no reason given"


def _checked() -> tuple[str, dict[str, str]]:
    """The address and the headers that go with it. Raises RunError where a request must not be sent there.

    Whoever reaches the Jobs API runs commands on the cluster (CVE-2023-48022): without a token only this machine is
    asked.
    """
    address = _address()
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RunError(f"{_ADDRESS} is {address!r}; the Jobs API wants http://HOST:8265.")
    token = os.environ.get(_TOKEN, "")
    if not token and not _loopback(parts.hostname):
        raise RunError(
            f"{_ADDRESS} names {parts.hostname}, which is not this machine, and there is no {_TOKEN}: whoever reaches "
            "a Ray cluster without a token can run commands on it. Start the cluster with RAY_AUTH_MODE=token."
        )
    return address, {"Authorization": f"Bearer {token}"} if token else {}


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _knows(handle: str) -> bool:
    """Whether the cluster has the job: it may have taken it and lost the line before it could say so."""
    try:
        return _ask("GET", f"/api/jobs/{quote(handle)}") is not None
    except _Unreachable:
        return False


def _ask(method: str, path: str, content: Any = None, *, patience: float = _PATIENCE) -> Any:
    """The JSON answer, None for 404. Raises _Unreachable, RunError."""
    address, headers = _checked()
    data = json.dumps(content).encode() if content is not None else None
    request = urllib.request.Request(
        address + path, data=data, method=method, headers=headers | {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=patience) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise _Unreachable(_sentence(error.read().decode(errors="replace"))) from error
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise _Unreachable(str(getattr(error, "reason", error))) from error
