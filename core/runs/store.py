"""All runs of a home: list, submit, stop, resume, delete; what the pages and the command line call."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.config.access import Viewer, refuse_if_only_read
from core.config.access import viewer as current_viewer
from core.config.home import PRETRAINED, home, resolve_inside, writing_home
from core.config.quotas import refuse_disk, refuse_trainings
from core.config.resources import Resources
from core.config.schema import to_dict
from core.errors import InputError, RunError
from core.runs.backends.base import Backend, backends
from core.runs.directory import Run, create
from core.runs.index import Index
from core.runs.intervals import Intervals
from core.runs.reconcile import reconcile
from core.runs.states import ACTIVE, RESUMABLE, IllegalMove, State
from core.runs.summary import RunSummary, moment, summarise

_PREFIX = 6  # letters of an id that are enough to name a run, if no other begins so


class RunStore:
    """The runs in a folder (default `$POPSCAPE_HOME/runs`), and the shipped ones in `pretrained/`.

    What `viewer` (default: who looks) may not see is not there.
    """

    def __init__(
        self, root: Path | None = None, shipped: Path | None = PRETRAINED, *, viewer: Viewer | None = None
    ) -> None:
        self.root = root or home() / "runs"
        self.shipped = shipped
        self.viewer = viewer or current_viewer()
        self.intervals = Intervals.from_environment()
        self._index = Index(self.root.parent / "cache" / "runs.sqlite")

    def list(self) -> list[RunSummary]:
        """Every run, newest first, after correcting those whose worker died."""
        own = _directories(self.root)
        shipped = {k: v for k, v in _directories(self.shipped).items() if k not in own} if self.shipped else {}
        foreign = set(shipped.values())
        every = self._index.summaries({**own, **shipped}, lambda path: summarise(Run(path, path in foreign)))
        rows = [row for row in every if row.embedded or self.viewer.sees(row.owners, row.shared)]
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
                if not run.embedded and not self.viewer.sees(run.owners, run.shared):
                    break
                self._reconcile(run)
                return run
        if len(reference) >= _PREFIX:
            matches = [row.run for row in self.list() if row.run.startswith(reference)]
            if len(matches) == 1:
                return self.get(matches[0])
            if matches:
                raise InputError(f"{reference!r} is the beginning of {len(matches)} runs; give more of the id.")
        raise InputError(f"There is no run {reference!r}; the command `runs` lists those that exist.")

    def submit(self, config: Mapping[str, Any], resources: Resources | None = None) -> Run:
        """Write the directory of a new run and hand it to an engine. Raises InputError, RunError.

        `config` is what `core.runs.submission.prepare` returns; it is stored as it is, with the `resources`.
        """
        owner = self.viewer.signature()
        self.room()
        wish = resources or Resources()
        processes = config.get("training", {}).get("processes", 1)
        if wish.engine != "local" and 0 < wish.gpus < processes:
            raise InputError(f"training.processes is {processes}, but {wish.gpus} GPU(s) are reserved: one for each.")
        engine = self.backend(wish.engine)
        asked = to_dict(wish) if wish.engine != "local" else {}
        signed = {"owner": owner} if owner else {}
        reserved = {**config.get("resources", {}), **asked, "backend": wish.engine}
        with writing_home():
            run = create(self.root, {**config, **signed, "resources": reserved})
        self._start(run, engine)
        return run

    def room(self, trainings: int = 1) -> None:
        """Raise InputError where who looks may not have so many trainings more, or more on disk."""
        refuse_trainings(self.viewer, self._active, trainings)
        refuse_disk(self.viewer)

    def _active(self) -> int:
        """Trainings of the viewer, or without a login of everybody, that wait or run."""
        active = [run for run in self.list() if run.active and not run.embedded]
        return sum(self.viewer.name is None or self.viewer.owns(run.owners) for run in active)

    def stop(self, reference: str, *, now: bool = False) -> Run:
        """Ask a run to save and stop; with `now`, end it without its report. Raises InputError if it has ended."""
        run = self._own(reference)
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
        run = self._own(reference)
        if run.embedded or run.state not in RESUMABLE:
            raise InputError(f"Run {run.id} is {run.state}; only failed, cancelled and lost runs can be resumed.")
        self.room()
        run.withdraw_cancel()
        run.queue_again("Waiting for its turn to go on.")
        self._start(run, self._engine_of(run))
        return run

    def delete(self, reference: str) -> None:
        """Remove a run that has ended. Raises InputError while it lives, and for shipped runs."""
        self._own(reference).delete()

    def share(self, reference: str, shared: bool) -> None:
        """Let everybody who signs in see a run and its report, or its owner alone. Raises InputError."""
        run = self._own(reference)
        if run.embedded:
            raise InputError(f"Run {run.id} is shipped with Popscape: everybody sees it.")
        run.note(shared=shared)

    def backend(self, name: str) -> Backend:
        """The engine called `name`. Raises InputError."""
        return backends[name].value(self.root)  # type: ignore[call-arg]

    def _own(self, reference: str) -> Run:
        refuse_if_only_read()
        run = self.get(reference)
        if not run.embedded and not self.viewer.changes(run.owners):
            raise InputError(f"Run {run.id} is not yours: only who started it can stop, resume, share or delete it.")
        return run

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
