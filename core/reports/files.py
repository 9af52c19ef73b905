"""A report on disk: report.json, and arrays/*.npz beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


def write_report(report: dict[str, Any], arrays: dict[str, dict[str, npt.NDArray[Any]]], out: Path) -> None:
    """Write the arrays, then report.json by an atomic rename, so that a report that is there is whole.

    Each entry of `arrays` becomes arrays/<stem>.npz, compressed, without pickles.
    """
    folder = out / "arrays"
    folder.mkdir(parents=True, exist_ok=True)
    for stem, columns in arrays.items():
        np.savez_compressed(folder / f"{stem}.npz", allow_pickle=False, **columns)
    draft = out / "report.json.partial"
    draft.write_text(json.dumps(plain(report), allow_nan=False), encoding="utf-8")
    draft.rename(out / "report.json")


def plain(value: Any) -> Any:
    """`value` in JSON types: numpy scalars and arrays become Python's, numbers that JSON has no word for null."""
    if isinstance(value, dict):
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
