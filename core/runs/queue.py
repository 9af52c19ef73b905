"""First come, first served, for the places that this machine has, with nobody in charge.

At submit a run takes a ticket; its own worker process waits until the tickets before it are served and a place is free.
A place is a file lock that the kernel takes back when its holder dies, however it dies; so neither the death
of the server nor that of a worker can block or lose the queue.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.runs.files import try_lock


def gpus() -> list[str]:
    """The GPUs that runs may use, as CUDA_VISIBLE_DEVICES names them; found without torch and without touching CUDA."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name for name in visible.split(",") if name not in ("", "-1")]
    if importlib.metadata.version("torch").endswith("+cpu"):
        return []
    return sorted(m[1] for p in Path("/dev").glob("nvidia*") if (m := re.fullmatch(r"nvidia(\d+)", p.name)))


def places(kind: str) -> list[str]:
    """The places of a kind: one a GPU ("gpu"), or $POPSCAPE_CPU_SLOTS (default 1) numbered ones ("cpu")."""
    if kind == "gpu":
        return gpus()
    return [str(i) for i in range(max(1, int(os.environ.get("POPSCAPE_CPU_SLOTS", "1"))))]


def kind_for(device: str) -> str:
    """The kind of place that a run with `training.device` = "auto", "cpu" or "cuda" takes on this machine."""
    return "gpu" if device != "cpu" and gpus() else "cpu"


@dataclass(frozen=True)
class Place:
    """One or more places that are held as long as their `descriptors` are open: until the process ends.

    `name`: theirs, parted by commas, as CUDA_VISIBLE_DEVICES has them.
    """

    kind: str
    name: str
    descriptors: tuple[int, ...]


class Queue:
    """The waiting line for one kind of place on this machine, kept in `<runs>/.queue/<host>-<kind>/`."""

    def __init__(self, runs: Path, kind: str) -> None:
        self.kind = kind
        self.folder = runs / ".queue" / f"{socket.gethostname()}-{kind}"

    def join(self, run: str, queued: str) -> None:
        """Take a ticket for `run`, ordered by the moment `queued` (ISO 8601)."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"{queued}.{run}.ticket").touch()

    def leave(self, run: str) -> None:
        """Give the ticket of `run` back."""
        for ticket in self.folder.glob(f"*.{run}.ticket"):
            ticket.unlink(missing_ok=True)

    def ahead(self, run: str, waits: Callable[[str], bool]) -> list[str]:
        """The runs before `run`, oldest first; tickets of runs that no longer wait are thrown away."""
        before: list[str] = []
        for ticket in sorted(self.folder.glob("*.ticket")):
            other = ticket.name.split(".")[-2]
            if other == run:
                break
            if waits(other):
                before.append(other)
            else:
                ticket.unlink(missing_ok=True)
        return before

    def take(self, number: int = 1) -> Place | None:
        """So many free places, or None, and none taken, where fewer are free."""
        self.folder.mkdir(parents=True, exist_ok=True)
        held: dict[str, int] = {}
        for name in places(self.kind):
            if len(held) == number:
                break
            descriptor = try_lock(self.folder / f"{re.sub('[^A-Za-z0-9-]', '_', name)}.place")
            if descriptor is not None:
                held[name] = descriptor
        if len(held) == number:
            return Place(self.kind, ",".join(held), tuple(held.values()))
        for descriptor in held.values():
            os.close(descriptor)
        return None

    def wait(
        self,
        run: str,
        waits: Callable[[str], bool],
        stop: Callable[[], bool],
        tell: Callable[[int], None],
        poll: float,
        *,
        number: int = 1,
    ) -> Place | None:
        """Wait for the turn of `run` and return its place (`number` of them), or None if `stop` became true.

        `waits` says of another run whether it still waits; `tell` hears how many runs are ahead when that changes.
        """
        told = -1
        while not stop():
            before = self.ahead(run, waits)
            if not before and (place := self.take(number)):
                self.leave(run)
                return place
            if len(before) != told:
                told = len(before)
                tell(told)
            time.sleep(poll)
        self.leave(run)
        return None
