"""What lies in a home that could go, and how many bytes that frees; nothing goes without a word."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.config.home import home
from core.config.quotas import bytes_by_owner, bytes_of
from core.data.library import Library
from core.runs.store import RunStore
from core.runs.summary import RunSummary

_ENDED = ("failed", "cancelled", "lost")


@dataclass(frozen=True)
class Waste:
    """Something that could go.

    Attributes:
        kind: a key of KINDS.
        path: what would be removed. size: its bytes.
        what: what it is, in words.
    """

    kind: str
    path: Path
    size: int
    what: str


@dataclass(frozen=True)
class _Home:
    store: RunStore
    library: Library
    runs: list[RunSummary]
    before: str


def _leftovers(found: _Home) -> Iterator[Waste]:
    for root in (found.store.root, found.library.root):
        for path in _hidden(root):
            yield Waste(
                "leftovers", path, bytes_of(path), "what an import, a run or a deletion that was cut short left"
            )


def _cache(found: _Home) -> Iterator[Waste]:
    for name in ("cache", "bench"):
        path = found.store.root.parent / name
        if path.is_dir():
            yield Waste("cache", path, bytes_of(path), "made again when it is needed")


def _resumable(found: _Home) -> Iterator[Waste]:
    """A run that has succeeded goes on from nowhere: of its two checkpoints the best is what is sampled from."""
    for run in found.runs:
        last, best = (found.store.root / run.run / "checkpoints" / name for name in ("last", "best"))
        if run.state == "succeeded" and not run.embedded and last.is_dir() and best.is_dir():
            yield Waste(
                "checkpoints", last, bytes_of(last), f"state of training of {run.title or run.run[:12]}, succeeded"
            )


def _ended(found: _Home) -> Iterator[Waste]:
    for run in found.runs:
        if run.state in _ENDED and not run.embedded and (run.ended or run.created) < found.before:
            path = found.store.root / run.run
            yield Waste(
                "runs", path, bytes_of(path), f"{run.title or run.run[:12]}: {run.state}, {(run.ended or '')[:10]}"
            )


def _unused(found: _Home) -> Iterator[Waste]:
    used = {run.dataset for run in found.runs}
    for meta in found.library.list():
        if not meta.embedded and meta.id not in used and meta.created < found.before:
            path = found.library.root / meta.id
            yield Waste("datasets", path, bytes_of(path), f"{meta.name}: no run was trained on it, {meta.created[:10]}")


KINDS: dict[str, tuple[Callable[[_Home], Iterable[Waste]], str]] = {
    "leftovers": (_leftovers, "what was cut short"),
    "cache": (_cache, "what is made again when it is needed"),
    "checkpoints": (_resumable, "the last checkpoint of runs that have succeeded, whose best one stays"),
    "runs": (_ended, "runs that failed, were stopped or lost"),
    "datasets": (_unused, "datasets on which no run was trained"),
}
"""What can go: name → (what finds it, what it is)."""


def wasted(kinds: Iterable[str] = tuple(KINDS), days: int = 30) -> list[Waste]:
    """What of these kinds could go, the largest first; runs and datasets only if they are older than `days`."""
    store, library = RunStore(), Library()
    moment = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days)
    found = _Home(store, library, store.list(), moment.isoformat())
    return sorted((one for kind in kinds for one in KINDS[kind][0](found)), key=lambda one: -one.size)


def remove(waste: Iterable[Waste]) -> int:
    """Remove these; the bytes that were freed. A run or a dataset goes as by its own command."""
    store, library, freed = RunStore(), Library(), 0
    for one in waste:
        if one.kind == "runs":
            store.delete(one.path.name)
        elif one.kind == "datasets":
            library.remove(one.path.name)
        else:
            shutil.rmtree(one.path, ignore_errors=True)
        freed += one.size
    return freed


def usage() -> dict[str, int]:
    """Bytes of each part of this home."""
    return {name: bytes_of(home() / name) for name in ("datasets", "runs", "cache", "bench")}


def usage_by_owner() -> dict[str, dict[str, int]]:
    """{"bytes", "trainings" that wait or run} of each person who has something here, "" for what is nobody's."""
    used = {owner: {"bytes": size, "trainings": 0} for owner, size in bytes_by_owner().items()}
    for run in RunStore().list():
        if run.active and not run.embedded:
            for owner in run.owners or [""]:
                used.setdefault(owner, {"bytes": 0, "trainings": 0})["trainings"] += 1
    return used


def _hidden(root: Path) -> list[Path]:
    return [path for path in root.iterdir() if path.name.startswith(".") and path.is_dir()] if root.is_dir() else []
