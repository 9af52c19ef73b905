"""A SQLite cache of run summaries: never the truth, rebuilt from the run directories at any time."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from core.runs.summary import RunSummary, from_json, to_json

_VERSION = 4
_SCHEMA = "CREATE TABLE IF NOT EXISTS runs (id TEXT PRIMARY KEY, signature TEXT NOT NULL, summary TEXT NOT NULL)"
_SIGNED = ("status.json", "report.json", "config.json", "metrics.jsonl")
_SETTLED = 3  # of these can change once a run has ended: no worker writes metrics any more

Signed = dict[str, tuple[str, RunSummary]]
"""Run id → (signature, summary)."""


def signature(run: Path, files: int = len(_SIGNED)) -> str:
    """A text that changes when one of the (first) files that a summary is made of changes."""
    parts = []
    for name in _SIGNED[:files]:
        try:
            facts = (run / name).stat()
            parts.append(f"{facts.st_mtime_ns}:{facts.st_size}:{facts.st_ino}")
        except FileNotFoundError:
            parts.append("-")
    return " ".join(parts)


def _holds(signed: str, summary: RunSummary, path: Path) -> bool:
    """Whether a summary is still true."""
    if summary.active:
        return signed == signature(path)
    return signed.split(" ")[:_SETTLED] == signature(path, _SETTLED).split(" ")


class Index:
    """Summaries by run id, kept while the signature of the directory stays the same."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def summaries(self, runs: Mapping[str, Path], read: Callable[[Path], RunSummary]) -> list[RunSummary]:
        """The summary of each run (id → path), from the cache where its signature still holds, else by `read`.

        A cache that is broken or cannot be written costs time, never an answer.
        """
        kept = self._stored()
        valid = {run: entry for run, entry in kept.items() if run in runs and _holds(*entry, runs[run])}
        fresh = {run: (signature(path), read(path)) for run, path in runs.items() if run not in valid}
        gone = kept.keys() - runs.keys()
        if fresh or gone:
            self._store(fresh, gone)
        return [summary for _, summary in (valid | fresh).values()]

    def clear(self) -> None:
        """Forget everything; the next listing rebuilds it."""
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def _stored(self) -> Signed:
        try:
            with self._connect() as cache:
                rows = cache.execute("SELECT id, signature, summary FROM runs").fetchall()
                return {run_id: (signed, from_json(json.loads(summary))) for run_id, signed, summary in rows}
        except (sqlite3.Error, OSError, ValueError, LookupError, TypeError, AttributeError):
            with contextlib.suppress(OSError):
                self.clear()
            return {}

    def _store(self, fresh: Signed, gone: Collection[str]) -> None:
        rows = [(run_id, signed, json.dumps(to_json(summary))) for run_id, (signed, summary) in fresh.items()]
        try:
            with self._connect() as cache, cache:
                cache.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)", rows)
                cache.executemany("DELETE FROM runs WHERE id = ?", [(run_id,) for run_id in gone])
        except (sqlite3.Error, OSError):
            with contextlib.suppress(OSError):
                self.clear()

    @contextlib.contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=5.0)
        try:
            if connection.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("DROP TABLE IF EXISTS runs")
                connection.execute(f"PRAGMA user_version={_VERSION}")
            connection.execute(_SCHEMA)
            yield connection
        finally:
            connection.close()
