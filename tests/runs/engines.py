"""Real engines for the contract suite: a Ray head and a Slurm of one node, started here where they are installed."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.serving import free_port
from tests.waiting import wait_until

RAY = "POPSCAPE_TEST_RAY"  # a `ray` command of another environment

_SLURM_CONF = """\
ClusterName=popscape
SlurmctldHost={host}(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmUser=root
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
JobRequeue=1
KillWait=5
SchedulerParameters=batch_sched_delay=0,sched_interval=1
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing(engine: str) -> str:
    """Why an engine cannot be started here; "" where it can."""
    if engine == "ray" and ray_command() is None:
        return f"Ray is not installed (pip install -r requirements-ray.txt, or {RAY})"
    if engine == "slurm":
        if lacking := [one for one in ("slurmctld", "slurmd", "munged") if shutil.which(one) is None]:
            return f"Slurm is not installed ({', '.join(lacking)}: apt-get install slurmctld slurmd munge)"
        if os.geteuid() != 0:
            return "a Slurm of its own can be started by root only"
    return ""


def ray_command() -> str | None:
    """The `ray` command: of this environment, or of the one that $POPSCAPE_TEST_RAY names."""
    own = Path(sys.prefix) / "bin" / "ray"
    return os.environ.get(RAY) or (str(own) if own.exists() else None)


@contextlib.contextmanager
def started(engine: str, environment: pytest.MonkeyPatch) -> Iterator[str]:
    """The engine runs inside the block, and the variables say where; gives the folder that its processes name."""
    if engine == "local":
        yield ""
        return
    start = _ray if engine == "ray" else _slurm
    scratch = tempfile.TemporaryDirectory(prefix="engine-", ignore_cleanup_errors=True)
    with scratch as folder, start(Path(folder), environment):
        yield folder


@contextlib.contextmanager
def _ray(folder: Path, environment: pytest.MonkeyPatch) -> Iterator[None]:
    command, port, dashboard = ray_command(), free_port(), free_port()
    assert command
    subprocess.run(
        [
            command, "start", "--head", f"--port={port}", "--dashboard-host=127.0.0.1",
            f"--dashboard-port={dashboard}", "--num-cpus=4", "--object-store-memory=80000000", "--disable-usage-stats",
            f"--temp-dir={folder}",
            # Not the usual one, which the head of another test may still hold: without its agent no job is taken.
            f"--dashboard-agent-listen-port={free_port()}",
        ],
        check=True, capture_output=True, env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0"},
    )  # fmt: skip
    address = f"http://127.0.0.1:{dashboard}"
    environment.setenv("RAY_ADDRESS", address)
    try:
        wait_until(lambda: _answers(f"{address}/api/version"), "the Jobs API does not answer")
        yield
    finally:
        subprocess.run([command, "stop", "--force"], check=False, capture_output=True)


@contextlib.contextmanager
def _slurm(folder: Path, environment: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("state", "spool"):
        (folder / name).mkdir()
    folder.chmod(0o755)
    key, conf = folder / "munge.key", folder / "slurm.conf"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    conf.write_text(
        _SLURM_CONF.format(
            host=socket.gethostname().split(".")[0],
            folder=folder,
            ports=(free_port(), free_port()),
            cpus=os.cpu_count(),
            memory=memory * 9 // 10,
        )
    )
    environment.setenv("SLURM_CONF", str(conf))
    munge = ["--force", f"--key-file={key}", f"--socket={folder}/munge.socket", f"--pid-file={folder}/munged.pid"]
    logs = [f"--log-file={folder}/munge.log", f"--seed-file={folder}/munge.seed"]
    daemons = [["munged", "--foreground", *munge, *logs], ["slurmctld", "-D"], ["slurmd", "-D"]]
    running: list[subprocess.Popen[bytes]] = []
    try:
        for words in daemons:
            running.append(subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            if words[0] == "munged":
                wait_until((folder / "munge.socket").exists, "munged does not answer")
        wait_until(lambda: b"idle" in _said("sinfo", "--noheader", "--format=%t"), "Slurm has no idle node")
        yield
    finally:
        _said("scancel", "--user=root")
        for daemon in reversed(running):
            daemon.terminate()
        for daemon in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                daemon.wait(10)


def _answers(address: str) -> bool:
    with contextlib.suppress(OSError):
        urllib.request.urlopen(address, timeout=5).close()
        return True
    return False


def _said(*words: str) -> bytes:
    return subprocess.run(words, check=False, capture_output=True).stdout
