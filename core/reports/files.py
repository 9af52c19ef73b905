"""A report on disk: report.json, and arrays/*.npz beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.reports.report import Report

FILE = "report.json"
_KEPT = 64  # reports in memory


def write_report(report: Report, arrays: Mapping[str, Mapping[str, npt.NDArray[Any]]], folder: Path) -> Report:
    """Write the arrays, then report.json by an atomic rename, so that a report that is there is whole.

    Each entry of `arrays` becomes arrays/<stem>.npz, compressed, without pickles. Returns the report in its folder.
    """
    for stem, columns in arrays.items():
        write_arrays(folder, stem, columns)
    draft = folder / f"{FILE}.partial"
    draft.write_text(json.dumps(report.content, allow_nan=False), encoding="utf-8")
    draft.rename(folder / FILE)
    return Report(report.content, folder)


def write_arrays(folder: Path, stem: str, columns: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write arrays/<stem>.npz in the folder of a report, compressed, without pickles."""
    (folder / "arrays").mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "arrays" / f"{stem}.npz", allow_pickle=False, **columns)


def read_report(folder: Path) -> Report | None:
    """The report in `folder`, read once for each version of its file; None where there is none that can be read."""
    try:
        return _report(folder, (folder / FILE).stat().st_mtime_ns)
    except (OSError, ValueError):
        return None


def plain(value: Any) -> Any:
    """`value` in JSON types: numpy scalars and arrays become Python's, numbers that JSON has no word for null."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


@lru_cache(maxsize=_KEPT)
def _report(folder: Path, _changed: int) -> Report:
    content = json.loads((folder / FILE).read_bytes())
    if not isinstance(content, dict):
        raise ValueError(f"{FILE} holds no JSON object")
    return Report(content, folder)
