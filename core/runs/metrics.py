"""`metrics.jsonl`: the curves of a run, appended line by line and read while they grow."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

_TAIL_BYTES = 65536

PREFERRED = "score"
"""The metric that tells best how a run goes: the validation score where there is one; else the one with most."""


@dataclass
class Series:
    """One metric over training: equally long lists, sorted by step; a value that was not finite is NaN."""

    step: list[int] = field(default_factory=list)
    epoch: list[int] = field(default_factory=list)
    time: list[float] = field(default_factory=list)
    value: list[float] = field(default_factory=list)

    def append(self, entry: Mapping[str, Any]) -> None:
        """Add one line of the file."""
        self.step.append(int(entry["step"]))
        self.epoch.append(int(entry["epoch"]))
        self.time.append(float(entry["time"]))
        self.value.append(_number(entry["value"]))

    def copy(self) -> Series:
        """The same points in lists of their own."""
        return Series(self.step[:], self.epoch[:], self.time[:], self.value[:])


class MetricsWriter:
    """Appends to `metrics.jsonl`; a call is one write, so a reader sees whole calls but for a torn last line."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open("a", encoding="utf-8")

    def write(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        """One line {"step","epoch","time","name","value"} for each value; not-finite values are written as null."""
        moment = round(time.time(), 3)
        for name, value in values.items():
            number = float(value)
            line = {"step": step, "epoch": epoch, "time": moment, "name": name}
            self._stream.write(json.dumps(line | {"value": number if math.isfinite(number) else None}) + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


def rewind(path: Path, step: int) -> None:
    """Forget what came after `step`, and a torn last line: a resumed run lives through those steps again."""
    if not path.exists():
        return
    lines = [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    kept = [line for line in lines if (entry := _parse(line)) is not None and entry["step"] <= step]
    draft = path.with_name(f".{path.name}")
    draft.write_bytes(b"".join(kept))
    draft.replace(path)


class MetricsFile:
    """The series in a `metrics.jsonl`; each `read` parses only what was appended since the last one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0
        self._inode = -1
        self._series: dict[str, Series] = {}
        self._lock = threading.Lock()

    def read(self, names: list[str] | None = None) -> dict[str, Series]:
        """Series by metric name, in the order in which they first appeared; only `names` if given."""
        with self._lock:
            self._catch_up()
            return {name: s.copy() for name, s in self._series.items() if names is None or name in names}

    def _catch_up(self) -> None:
        try:
            facts = self.path.stat()
        except FileNotFoundError:
            return
        if facts.st_ino != self._inode or facts.st_size < self._offset:
            self._offset, self._inode, self._series = 0, facts.st_ino, {}
        if facts.st_size == self._offset:
            return
        with self.path.open("rb") as stream:
            stream.seek(self._offset)
            whole, newline, _ = stream.read().rpartition(b"\n")
        self._offset += len(whole) + len(newline)
        for entry in filter(None, map(_parse, whole.splitlines())):
            self._series.setdefault(entry["name"], Series()).append(entry)


@lru_cache(maxsize=64)
def _file(path: Path) -> MetricsFile:
    return MetricsFile(path)


def read(path: Path, names: list[str] | None = None) -> dict[str, Series]:
    """The series in `path`; what was parsed before is kept for the 64 files that were read last."""
    return _file(path).read(names)


def last_values(path: Path) -> tuple[int, dict[str, float]]:
    """(epoch, name → value) at the end of `path`: the newest value of each metric in its last 64 KB."""
    epoch, values = 0, dict[str, float]()
    for entry in tail(path):
        epoch = int(entry["epoch"])
        values[entry["name"]] = _number(entry["value"])
    return epoch, values


def tail(path: Path) -> list[dict[str, Any]]:
    """The lines in the last 64 KB of `path`, parsed; [] where there is no file."""
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(0, size - _TAIL_BYTES))
            lines = stream.read().splitlines()
    except FileNotFoundError:
        return []
    return list(filter(None, map(_parse, lines)))


def trace(run: Path) -> list[float]:
    """The newest values of the PREFERRED metric, oldest first; [] where there is none."""
    path = run / "metrics.jsonl"
    try:
        facts = path.stat()
    except FileNotFoundError:
        return []
    return list(_trace(path, facts.st_mtime_ns, facts.st_size))


@lru_cache(maxsize=1024)
def _trace(path: Path, _changed: int, _size: int) -> tuple[float, ...]:
    values: dict[str, list[float]] = {}
    for entry in tail(path):
        if entry["value"] is not None and math.isfinite(entry["value"]):
            values.setdefault(entry["name"], []).append(float(entry["value"]))
    return tuple(values.get(PREFERRED) or max(values.values(), key=len, default=[]))


def _parse(line: bytes) -> dict[str, Any] | None:
    """One line, None if it is torn (its writer was killed)."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and {"step", "epoch", "time", "name", "value"} <= entry.keys() else None


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
