"""The run directory: the truth about a run, for every backend, readable with `cat`."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.reports.files import read_report
from core.reports.report import Report
from core.runs import metrics
from core.runs.files import locked, now, read_json, write_json
from core.runs.states import ACTIVE, State, check_move

SCHEMA = 1
_RESERVE_BYTES = 65536
_LOG_BYTES = 262144
_HURRY = "now\n"
_OF_A_WORKER = ("pid", "process_started", "host", "machine", "phase", "started", "ended")


@dataclass(frozen=True)
class Run:
    """One training of one model on one dataset: a view of the files in `path`.

    `embedded` marks a shipped run: finished, read-only.
    """

    path: Path
    embedded: bool = False

    @property
    def id(self) -> str:
        """The random name of the directory."""
        return self.path.name

    @cached_property
    def config(self) -> dict[str, Any]:
        """`config.json`, immutable after submit. Raises InputError if it is missing, broken or of a later schema."""
        config = read_json(self.path / "config.json")
        if config is None:
            raise InputError(f"Run {self.id} has no readable config.json; delete the run and train again.")
        if config.get("schema", 0) > SCHEMA:
            raise InputError(
                f"Run {self.id} was written by a later Popscape (schema {config['schema']}, this one reads {SCHEMA}); "
                "update Popscape to read it."
            )
        return config

    @property
    def status(self) -> dict[str, Any]:
        """`status.json`: state, reason, phase, pid, host, created, queued, started, ended (ISO 8601, UTC)."""
        found = read_json(self.path / "status.json")
        if found is None and self.embedded:
            return {"state": State.SUCCEEDED.value, "reason": "Shipped with Popscape."}
        return found or {"state": State.LOST.value, "reason": "The status of this run cannot be read."}

    @property
    def state(self) -> State:
        """Where the run stands, as last written; `RunStore` corrects it for workers that died."""
        return State(self.status["state"])

    @property
    def owners(self) -> list[str]:
        """Who submitted it, where people sign in: one name or none."""
        try:
            return [name] if (name := str(self.config.get("owner", ""))) else []
        except InputError:
            return [""]  # nobody's name: what cannot be read is shown to nobody who has to sign in

    @property
    def shared(self) -> bool:
        """Whether its owner lets everybody see it."""
        return self.status.get("shared") is True

    @property
    def env(self) -> dict[str, Any]:
        """`env.json`: versions, commit, device, argv of the worker; empty before it started."""
        return read_json(self.path / "env.json") or {}

    @property
    def checkpoints(self) -> Path:
        """The folder of `last` and `best`."""
        return self.path / "checkpoints"

    @property
    def arrays(self) -> Path:
        """The folder of the report's arrays (`*.npz`)."""
        return self.path / "arrays"

    @property
    def samples(self) -> Path:
        """The synthetic individuals that the report judges (.npz of the genotype format)."""
        return self.path / "synthetic.npz"

    @property
    def has_checkpoint(self) -> bool:
        """Whether there is something to sample from or to resume."""
        return any((self.checkpoints / name).is_dir() for name in ("best", "last"))

    def report(self) -> Report | None:
        """`report.json` with its arrays, None while there is none."""
        return read_report(self.path)

    def metrics(self, names: list[str] | None = None) -> dict[str, metrics.Series]:
        """The training curves by name (only `names` if given), in the order in which they first appeared."""
        return metrics.read(self.path / "metrics.jsonl", names)

    def log_tail(self, lines: int = 200) -> str:
        """The last `lines` lines that the worker wrote."""
        try:
            with (self.path / "log.txt").open("rb") as stream:
                stream.seek(max(0, stream.seek(0, 2) - _LOG_BYTES))
                text = stream.read().decode("utf-8", errors="replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def log_since(self, since: int) -> tuple[str, int]:
        """What the worker wrote after byte `since`, and the byte to ask from next time."""
        with (self.path / "log.txt").open("rb") as stream:
            stream.seek(since)
            text = stream.read()
        return text.decode("utf-8", errors="replace"), since + len(text)

    @property
    def cancel_requested(self) -> bool:
        """Whether somebody asked the run to stop."""
        return (self.path / "cancel").exists()

    @property
    def cancel_hurried(self) -> bool:
        """Whether the run was asked to stop without making its report."""
        try:
            return (self.path / "cancel").read_text() == _HURRY
        except FileNotFoundError:
            return False

    def request_cancel(self, *, hurry: bool = False) -> None:
        """Ask the run to stop, with `hurry` without a report; works over NFS and on every engine."""
        (self.path / "cancel").write_text(_HURRY if hurry else "")

    def withdraw_cancel(self) -> None:
        """Forget that the run was asked to stop."""
        (self.path / "cancel").unlink(missing_ok=True)

    def move(self, state: State, reason: str, **fields: Any) -> None:
        """Go to `state` with a reason written for the user, and set further fields. Raises IllegalMove.

        A run that ends has no phase any more and has its time, whoever ends it: `ended` is now unless it is given.
        """
        if state not in ACTIVE:
            fields = {"phase": None, "ended": now(), **fields}
        with self._locked():
            status = self.status
            check_move(self.id, State(status["state"]), state)
            self._write_status(status | fields | {"state": state.value, "reason": reason, "updated": now()})

    def queue_again(self, reason: str) -> None:
        """Wait for another worker, which goes on from the last checkpoint. Raises IllegalMove."""
        forgotten: dict[str, Any] = dict.fromkeys(_OF_A_WORKER)
        self.move(State.QUEUED, reason, queued=now(), resumed=True, **forgotten)

    def note(self, **fields: Any) -> None:
        """Set fields of the status without leaving the state."""
        with self._locked():
            self._write_status(self.status | fields)

    def delete(self) -> None:
        """Remove the directory; refused by InputError while a worker may live in it, and for shipped runs."""
        if self.embedded:
            raise InputError(f"Run {self.id} is shipped with Popscape and cannot be deleted.")
        if self.state in ACTIVE:
            raise InputError(f"Run {self.id} is {self.state}; stop it before deleting it.")
        # One rename takes it out of every listing, so a deletion that is cut short leaves no half run.
        grave = self.path.with_name(f".deleted-{self.id}")
        self.path.rename(grave)
        shutil.rmtree(grave)

    def _locked(self) -> contextlib.AbstractContextManager[None]:
        return locked(self.path / ".lock")

    def _write_status(self, status: dict[str, Any]) -> None:
        """Write the status even when the disk is full: a few blocks were set aside for this at submit."""
        try:
            write_json(self.path / "status.json", status)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            (self.path / ".reserve").unlink(missing_ok=True)
            write_json(self.path / "status.json", status)


def create(root: Path, config: Mapping[str, Any]) -> Run:
    """Make the directory of a new run, state queued, under a random 128-bit id; it appears whole or not at all."""
    run_id = secrets.token_hex(16)
    draft = root / f".new-{run_id}"
    draft.mkdir(parents=True)
    created = now()
    write_json(draft / "config.json", {"schema": SCHEMA, **config, "created": created})
    (draft / "config.json").chmod(0o444)
    status = {"state": State.QUEUED.value, "reason": "Waiting for its turn.", "created": created, "queued": created}
    write_json(draft / "status.json", status)
    (draft / "metrics.jsonl").touch()
    (draft / "log.txt").touch()
    (draft / "checkpoints").mkdir()
    _reserve(draft / ".reserve")
    draft.rename(root / run_id)
    return Run(root / run_id)


def _reserve(path: Path) -> None:
    """Blocks that really exist (not a hole), to be given back for the last words of a run on a full disk."""
    path.write_bytes(os.urandom(_RESERVE_BYTES))
