"""What runs in the child process for sets: recognise the file, read observations, build sets, write plain arrays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.config.schema import from_dict
from core.data.intake import archives
from core.data.intake.cohort_reader import refuse_wrong_kind
from core.data.intake.collection_options import SetImportOptions
from core.data.intake.formats.base import Head
from core.data.intake.formats.set_base import ObservationTable, SetSource, set_formats
from core.data.intake.grouping import build_sets
from core.data.set_files import write_sets
from core.errors import InputError

# Ambiguous beginnings are tried in this order: a zip of images before an npz, FASTA before a table.
_ORDER = ("h5ad", "images", "npz", "fasta", "table")
FEATURES = 500  # names of features in a preview


def main(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    """{"task": "read" | "preview", "path", "name", "options"} to a JSON answer; the sets go to `folder` as files."""
    path, name = Path(job["path"]), str(job["name"])
    if path.stat().st_size == 0:
        raise InputError(f"{name} is empty; a file of observations is expected: copy or export it again.")
    head = Head(path, name, archives.first_bytes(path))
    refuse_wrong_kind(head, allow_hdf5=True)
    entry = next((set_formats[n] for n in _ORDER if set_formats[n].value.matches(head)), None)
    if entry is None:
        raise InputError(
            f"{name} is in no known format of observations; h5ad, npz, CSV, TSV, FASTA or a zip of images is expected."
        )
    options = from_dict(SetImportOptions, job["options"])
    table = entry.value.read(SetSource(head, folder, options))
    if not len(table.observations):
        raise InputError(f"{name} has no observation that can be used; check the columns and the missing values.")
    if job["task"] == "preview":
        return _preview(entry.name, table, options, name)
    built = build_sets(table, options, name)
    write_sets(folder, built.sets)
    return {"dropped": built.dropped, "notes": built.notes, "format": entry.name}


def _preview(format: str, table: ObservationTable, options: SetImportOptions, name: str) -> dict[str, Any]:
    """What the file holds, and the sets that `options` would make of it where they say what a set is."""
    found: dict[str, Any] = {
        "format": format,
        "observations": len(table.observations),
        "modality": table.modality,
        "shape": list(table.observations.shape[1:]),
        "columns": {c: _summary(v) for c, v in table.columns.items()},
        "features": [str(f) for f in table.feature[:FEATURES]],
        "layers": table.layers,
    }
    if options.set_column or options.whole or options.neighbourhood:
        # Components and scale change the features, not which observations belong together.
        built = build_sets(table, replace(options, components=0, scale=False), name)
        sizes = built.sets.sizes
        counts = {"sets": built.sets.s, "observations": built.sets.k}
        found["built"] = counts | {"least": int(sizes.min()), "most": int(sizes.max()), "dropped": built.dropped}
    return found


def _summary(values: Any) -> dict[str, Any]:
    """Kind and number of distinct values of a column, with the first few."""
    if values.dtype.kind == "f":
        return {"kind": "number", "distinct": len(np.unique(values[np.isfinite(values)]))}
    distinct = list(dict.fromkeys(values[:100_000].tolist()))
    return {"kind": "text", "distinct": len(distinct), "examples": [str(v) for v in distinct[:5]]}
