"""What every job engine can do: five verbs over a run directory, and a word about itself."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from core.registry import Registry
from core.runs.directory import Run


class Life(StrEnum):
    """What an engine knows of the worker of a run."""

    ALIVE = "alive"
    DEAD = "dead"


class Backend(Protocol):
    """An engine that runs `python -m core worker RUN_DIR` somewhere; all it knows and says is in the run directory."""

    def submit(self, run: Run) -> str:
        """Start (or queue) the worker of `run`; the handle by which the engine knows it. Raises RunError."""
        ...

    def status(self, run: Run) -> tuple[Life, str]:
        """Whether the worker lives, and if it is dead what the engine knows of its end (one sentence or "")."""
        ...

    def logs(self, run: Run, since: int = 0) -> tuple[str, int]:
        """What the worker wrote after byte `since`, and the byte to ask from next time."""
        ...

    def cancel(self, run: Run, *, force: bool = False) -> None:
        """Ask the worker to save and end; with `force`, end it at once."""
        ...

    def list(self) -> list[str]:
        """The ids of the runs whose workers live here."""
        ...

    def about(self) -> str:
        """Whether it can be used from here right now, and if not why, in one line for `doctor`."""
        ...


backends: Registry[type[Backend]] = Registry("backend", "core.runs.backends")
"""The engines by name; a class is called with the folder of the runs."""
