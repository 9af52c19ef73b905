"""A line of the run table, and how it is read from a run directory."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import InputError
from core.runs.directory import Run
from core.runs.files import seconds_between
from core.runs.metrics import last_values
from core.runs.states import ACTIVE, State


@dataclass(frozen=True)
class RunSummary:
    """A line of the run table.

    Attributes:
        run: id.
        state, reason: where it stands, and why, in words for the user.
        phase: waiting, loading, training, sampling or evaluating while a worker lives, else "".
        model, experiment, title: names; `experiment` is "" for a run that was put together by hand.
        dataset, dataset_name: digest, and the name at the time of submit.
        created, started, ended: ISO 8601 in UTC, "" where not yet.
        epoch, epochs: done, and wanted.
        last: metric name → newest value (NaN where it was not finite).
        has_report: whether the run has been evaluated.
        embedded: shipped with Popscape, read-only.
        kind: what it is trained on, "genotypes" or "sets".
        owners, shared: who submitted it where people sign in, and whether everybody may see it.
    """

    run: str
    state: str
    reason: str
    phase: str
    model: str
    experiment: str
    title: str
    dataset: str
    dataset_name: str
    created: str
    started: str
    ended: str
    epoch: int
    epochs: int
    last: dict[str, float]
    has_report: bool
    embedded: bool
    kind: str = "genotypes"
    owners: tuple[str, ...] = ()
    shared: bool = False

    @property
    def active(self) -> bool:
        """Whether a worker lives or is waiting for its turn."""
        return self.state in ACTIVE

    @property
    def seconds(self) -> float | None:
        """Wall-clock seconds from start to end, or until now; None before the start."""
        return seconds_between(self.started or None, self.ended or None)


def summarise(run: Run) -> RunSummary:
    """The line of a run, from its directory alone."""
    status = run.status
    try:
        config = run.config
    except InputError as error:
        config, status = {}, {"state": State.FAILED.value, "reason": str(error)}
    dataset = config.get("dataset", {})
    epoch, last = last_values(run.path / "metrics.jsonl")
    return RunSummary(
        run=run.id,
        **moment(status),
        model=config.get("model", {}).get("name", ""),
        experiment=config.get("name", ""),
        title=config.get("title", ""),
        dataset=dataset.get("id", ""),
        dataset_name=dataset.get("name", ""),
        created=config.get("created", ""),
        epoch=epoch,
        epochs=config.get("training", {}).get("epochs", 0),
        last=last,
        has_report=(run.path / "report.json").is_file(),
        embedded=run.embedded,
        kind=config.get("kind", "genotypes"),
        owners=tuple(run.owners),
        shared=run.shared,
    )


def moment(status: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that `status.json` tells."""
    return {k: str(status.get(k) or "") for k in ("state", "reason", "phase", "started", "ended")}


def to_json(summary: RunSummary) -> dict[str, Any]:
    """A summary as JSON types (NaN as null)."""
    plain = dataclasses.asdict(summary)
    return plain | {"last": {k: v if math.isfinite(v) else None for k, v in summary.last.items()}}


def from_json(plain: Mapping[str, Any]) -> RunSummary:
    """The inverse of `to_json`. Raises TypeError, KeyError, AttributeError where it is of another version."""
    owners = tuple(plain["owners"])
    return RunSummary(
        **{**plain, "owners": owners, "last": {k: math.nan if v is None else v for k, v in plain["last"].items()}}
    )
