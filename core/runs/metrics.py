"""`metrics.jsonl`: the curves of a run, appended line by line and read while they grow."""

from __future__ import annotations

import json
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_TAIL_BYTES = 65536


@dataclass
class Series:
    """One metric over training: equally long lists, sorted by step; a value that was not finite is NaN."""

    step: list[int] = field(default_factory=list)
    epoch: list[int] = field(default_factory=list)
    time: list[float] = field(default_factory=list)
    value: list[float] = field(default_factory=list)


class MetricsWriter:
    """Appends to `metrics.jsonl`; a call is one write, so a reader sees whole calls but for a torn last line."""

    def __init__(self, path: Path) -> None:
        torn = path.exists() and not _ends_in_newline(path)
        self._stream = path.open("a", encoding="utf-8")
        if torn:  # a killed worker left half a line; what follows must not be glued to it
            self._stream.write("\n")

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


class MetricsFile:
    """The series in a `metrics.jsonl`; each `read` parses only what was appended since the last one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0
        self._inode = -1
        # name → step → (epoch, time, value). A resumed run repeats steps after its checkpoint: the last line counts.
        self._points: dict[str, dict[int, tuple[int, float, float]]] = {}
        self._lock = threading.Lock()

    def read(self, names: list[str] | None = None) -> dict[str, Series]:
        """Series by metric name, in the order in which they first appeared; only `names` if given."""
        with self._lock:
            self._catch_up()
            wanted = [n for n in self._points if names is None or n in names]
            return {name: _series(self._points[name]) for name in wanted}

    def _catch_up(self) -> None:
        try:
            facts = self.path.stat()
        except FileNotFoundError:
            return
        if facts.st_ino != self._inode or facts.st_size < self._offset:
            self._offset, self._inode, self._points = 0, facts.st_ino, {}
        if facts.st_size == self._offset:
            return
        with self.path.open("rb") as stream:
            stream.seek(self._offset)
            whole, newline, _ = stream.read().rpartition(b"\n")
        self._offset += len(whole) + len(newline)
        for line in whole.splitlines():
            if (entry := _parse(line)) is not None:
                point = (int(entry["epoch"]), float(entry["time"]), _number(entry["value"]))
                self._points.setdefault(entry["name"], {})[int(entry["step"])] = point


_open_files: OrderedDict[Path, MetricsFile] = OrderedDict()
_OPEN_FILES = 64


def read(path: Path, names: list[str] | None = None) -> dict[str, Series]:
    """The series in `path`; what was parsed before is kept for the 64 files that were read last."""
    file = _open_files.pop(path, None) or MetricsFile(path)
    _open_files[path] = file
    while len(_open_files) > _OPEN_FILES:
        _open_files.popitem(last=False)
    return file.read(names)


def last_values(path: Path) -> tuple[int, dict[str, float]]:
    """(epoch, name → value) at the end of `path`: the newest value of each metric in its last 64 KB."""
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(0, size - _TAIL_BYTES))
            lines = stream.read().splitlines()
    except FileNotFoundError:
        return 0, {}
    epoch, values = 0, dict[str, float]()
    for entry in filter(None, map(_parse, lines)):
        epoch = int(entry["epoch"])
        values[entry["name"]] = _number(entry["value"])
    return epoch, values


def _ends_in_newline(path: Path) -> bool:
    with path.open("rb") as stream:
        if not stream.seek(0, 2):
            return True
        stream.seek(-1, 2)
        return stream.read() == b"\n"


def _parse(line: bytes) -> dict[str, Any] | None:
    """One line, None if it is torn (its writer was killed)."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and {"step", "epoch", "time", "name", "value"} <= entry.keys() else None


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _series(points: dict[int, tuple[int, float, float]]) -> Series:
    series = Series()
    for step in sorted(points):
        epoch, moment, value = points[step]
        series.step.append(step)
        series.epoch.append(epoch)
        series.time.append(moment)
        series.value.append(value)
    return series
