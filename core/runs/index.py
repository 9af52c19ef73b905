"""A SQLite cache of run summaries: never the truth, rebuilt from the run directories at any time."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

_VERSION = 2
_SCHEMA = "CREATE TABLE IF NOT EXISTS runs (id TEXT PRIMARY KEY, signature TEXT NOT NULL, summary TEXT NOT NULL)"
_SIGNED = ("status.json", "metrics.jsonl", "report.json", "config.json")

Summary = dict[str, Any]


def signature(run: Path) -> str:
    """A text that changes when one of the files that a summary is made of changes."""
    parts = []
    for name in _SIGNED:
        try:
            facts = (run / name).stat()
            parts.append(f"{facts.st_mtime_ns}:{facts.st_size}:{facts.st_ino}")
        except FileNotFoundError:
            parts.append("-")
    return " ".join(parts)


class Index:
    """Summaries by run id, kept while the signature of the directory stays the same."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def summaries(self, runs: Mapping[str, Path], read: Callable[[Path], Summary]) -> list[Summary]:
        """The summary of each run, from the cache where its signature still holds, else by `read`.

        A cache that is broken or cannot be written costs time, never an answer.
        """
        try:
            with self._connect() as cache:
                return self._through(cache, runs, read)
        except (sqlite3.Error, OSError):
            with contextlib.suppress(OSError):
                self.clear()
            return [read(path) for path in runs.values()]

    def clear(self) -> None:
        """Forget everything; the next listing rebuilds it."""
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def _through(
        self, cache: sqlite3.Connection, runs: Mapping[str, Path], read: Callable[[Path], Summary]
    ) -> list[Summary]:
        known = {row[0]: row[1:] for row in cache.execute("SELECT id, signature, summary FROM runs")}
        found: list[Summary] = []
        changed: list[tuple[str, str, str]] = []
        for run_id, path in runs.items():
            current = signature(path)
            if run_id in known and known[run_id][0] == current:
                found.append(json.loads(known[run_id][1]))
                continue
            summary = read(path)
            found.append(summary)
            changed.append((run_id, current, json.dumps(summary)))
        gone = [(run_id,) for run_id in known.keys() - runs.keys()]
        if changed or gone:
            with cache:
                cache.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)", changed)
                cache.executemany("DELETE FROM runs WHERE id = ?", gone)
        return found

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
