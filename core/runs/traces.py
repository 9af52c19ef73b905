"""How runs have gone lately, for a line in a table: little is read, and only where a file has changed."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path

from core.runs.metrics import tail

PREFERRED = "score"
"""The validation score where there is one; else the first loss in the file."""


def trace(run: Path) -> list[float]:
    """The newest values of the metric that tells best how the run goes, oldest first; [] where there is none."""
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
    return tuple(values.get(PREFERRED) or next(iter(values.values()), []))
