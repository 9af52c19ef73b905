"""All runs of a home: list, submit, stop, resume, delete; what the pages and the command line call."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.config.home import PRETRAINED, home, resolve_inside
from core.config.resources import Resources
from core.config.schema import to_dict
from core.errors import InputError, RunError
from core.runs.backends.base import Backend, backends
from core.runs.directory import Run, create
from core.runs.files import now
from core.runs.index import Index
from core.runs.intervals import Intervals
from core.runs.reconcile import reconcile
from core.runs.states import ACTIVE, RESUMABLE, IllegalMove, State
from core.runs.summary import RunSummary, moment, summarise

_CLEARED = ("pid", "process_started", "host", "machine", "phase", "started", "ended")
_PREFIX = 6  # letters of an id that are enough to name a run, if no other begins so


class RunStore:
    """The runs in a folder (default `$POPSCAPE_HOME/runs`), and the shipped ones in `pretrained/`."""

    def __init__(self, root: Path | None = None, shipped: Path | None = PRETRAINED) -> None:
        self.root = root or home() / "runs"
        self.shipped = shipped
        self.intervals = Intervals.from_environment()
        self._index = Index(self.root.parent / "cache" / "runs.sqlite")

    def list(self) -> list[RunSummary]:
        """Every run, newest first, after correcting those whose worker died."""
        own = _directories(self.root)
        shipped = {k: v for k, v in _directories(self.shipped).items() if k not in own} if self.shipped else {}
        foreign = set(shipped.values())
        rows = self._index.summaries({**own, **shipped}, lambda path: summarise(Run(path, path in foreign)))
        for i, row in enumerate(rows):
            if row.active and not row.embedded:
                run = self.open(row)
                self._reconcile(run)
                rows[i] = dataclasses.replace(row, **moment(run.status))
        return sorted(rows, key=lambda s: s.created, reverse=True)

    def open(self, listed: RunSummary) -> Run:
        """The directory of a run that `list` gave; `get` looks for it and checks the name first."""
        root = self.shipped if listed.embedded and self.shipped else self.root
        return Run(root / listed.run, embedded=listed.embedded)

    def get(self, reference: str) -> Run:
        """The run called `reference`: an id, or at least six letters of it that no other run begins with.

        Raises InputError if there is none or more than one.
        """
        for root in filter(None, (self.root, self.shipped)):
            path = resolve_inside(root, reference)
            if (path / "config.json").is_file():
                run = Run(path, embedded=root == self.shipped)
                self._reconcile(run)
                return run
        if len(reference) >= _PREFIX:
            near = [name for r in filter(None, (self.root, self.shipped)) for name in _directories(r)]
            matches = [name for name in near if name.startswith(reference)]
            if len(matches) == 1:
                return self.get(matches[0])
            if matches:
                raise InputError(f"{reference!r} is the beginning of {len(matches)} runs; give more of the id.")
        raise InputError(f"There is no run {reference!r}; the command `runs` lists those that exist.")

    def submit(self, config: Mapping[str, Any], resources: Resources | None = None) -> Run:
        """Write the directory of a new run and hand it to an engine. Raises InputError, RunError.

        `config` is what `core.runs.submission.prepare` returns; it is stored as it is, with the `resources`.
        """
        wish = resources or Resources()
        processes = config.get("training", {}).get("processes", 1)
        if wish.engine != "local" and 0 < wish.gpus < processes:
            raise InputError(f"training.processes is {processes}, but {wish.gpus} GPU(s) are reserved: one for each.")
        engine = self.backend(wish.engine)
        asked = to_dict(wish) if wish.engine != "local" else {}
        run = create(
            self.root, {**config, "resources": {**config.get("resources", {}), **asked, "backend": wish.engine}}
        )
        self._start(run, engine)
        return run

    def stop(self, reference: str, *, now: bool = False) -> Run:
        """Ask a run to save and stop; with `now`, end it without its report. Raises InputError if it has ended."""
        run = self.get(reference)
        if run.embedded or run.state not in ACTIVE:
            raise InputError(f"Run {run.id} is {run.state}: there is nothing to stop.")
        self._engine_of(run).cancel(run, force=now)
        if run.state in (State.STARTING, State.RUNNING):
            try:
                run.move(State.STOPPING, "Saving a checkpoint, as asked.")
            except IllegalMove:  # it ended by itself in between, which is as good
                return run
        return run

    def resume(self, reference: str) -> Run:
        """Queue a run again that failed, was stopped or was lost; it goes on from its last checkpoint.

        Raises InputError for a run in another state, RunError if no worker can be started.
        """
        run = self.get(reference)
        if run.embedded or run.state not in RESUMABLE:
            raise InputError(f"Run {run.id} is {run.state}; only failed, cancelled and lost runs can be resumed.")
        run.withdraw_cancel()
        cleared: dict[str, Any] = dict.fromkeys(_CLEARED)
        run.move(State.QUEUED, "Waiting for its turn to go on.", queued=now(), resumed=True, **cleared)
        self._start(run, self._engine_of(run))
        return run

    def delete(self, reference: str) -> None:
        """Remove a run that has ended. Raises InputError while it lives, and for shipped runs."""
        self.get(reference).delete()

    def backend(self, name: str) -> Backend:
        """The engine called `name`. Raises InputError."""
        return backends[name].value(self.root)  # type: ignore[call-arg]

    def _engine_of(self, run: Run) -> Backend:
        return self.backend(run.config.get("resources", {}).get("backend", "local"))

    def _reconcile(self, run: Run) -> None:
        if not run.embedded and run.state in ACTIVE:
            reconcile(run, self._engine_of(run), self.intervals)

    def _start(self, run: Run, engine: Backend) -> None:
        try:
            engine.submit(run)
        except RunError as error:
            run.move(State.FAILED, str(error))
            raise


def _directories(root: Path) -> dict[str, Path]:
    """Name → path of each run directory."""
    try:
        with os.scandir(root) as entries:
            return {e.name: Path(e.path) for e in entries if not e.name.startswith((".", "_")) and e.is_dir()}
    except (FileNotFoundError, NotADirectoryError):
        return {}
