"""Is a process the one that we started, and does it still live?"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ProcessIdentity:
    """A process that no later one can be mistaken for.

    A bare pid is used again after a while and a zombie still answers `kill(pid, 0)`, so a process is known by its pid
    together with its start time (clock ticks since boot), on one machine since one boot, in one pid namespace.
    """

    pid: int
    started: str
    host: str
    machine: str

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity:
        """The identity of process `pid` on this machine."""
        return cls(pid, start_time(pid) or "", socket.gethostname(), machine())

    @classmethod
    def from_status(cls, status: dict[str, Any]) -> ProcessIdentity | None:
        """The identity that `status.json` holds, None where no process has been noted."""
        pid = status.get("pid")
        if not isinstance(pid, int):
            return None
        return cls(pid, *(str(status.get(k, "")) for k in ("process_started", "host", "machine")))

    def to_status(self) -> dict[str, Any]:
        """The fields of `status.json` that `from_status` reads."""
        return {"pid": self.pid, "process_started": self.started, "host": self.host, "machine": self.machine}

    @property
    def here(self) -> bool:
        """Whether it runs (or ran) where this process can look it up: same machine, boot and pid namespace."""
        return self.machine == machine()

    @property
    def alive(self) -> bool:
        """Whether this very process still runs; only meaningful where `here` is true."""
        return start_time(self.pid) == self.started

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the whole process group, if it still is the one that was noted."""
        with contextlib.suppress(ProcessLookupError):  # it may end between the two
            if self.here and self.alive:
                os.killpg(self.pid, number)


def start_time(pid: int) -> str | None:
    """When process `pid` started (clock ticks since boot), None if it has ended or is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None if Path("/proc/self/stat").exists() else _start_time_from_ps(pid)
    # proc(5): after the name come the state (field 3) and, as field 22, the start time.
    return None if fields[0] in "ZX" else fields[19]


@cache
def machine() -> str:
    """This machine since its last start, as seen from this pid namespace."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return socket.gethostname()


def _start_time_from_ps(pid: int) -> str | None:
    """The same where there is no /proc (macOS)."""
    found = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split(maxsplit=1)
    return None if len(found) < 2 or found[0].startswith("Z") else found[1].strip()
