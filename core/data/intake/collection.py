"""Import of sets: read in the resource-limited child process, then stored in the library."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.config.schema import to_dict
from core.data.intake import sandbox
from core.data.intake.cohort import check_regular, scratch_folder, shown_name, stem
from core.data.intake.collection_options import SetImportOptions
from core.data.intake.sandbox import Limits
from core.data.library import DatasetMeta, Library
from core.data.set_files import read_sets
from core.data.sets import SetCollection

READER = "core.data.intake.collection_reader"
_DEFAULTS = SetImportOptions()


def import_sets(
    path: Path,
    *,
    library: Library,
    name: str | None = None,
    options: SetImportOptions = _DEFAULTS,
    shown: str | None = None,
    limits: Limits | None = None,
) -> DatasetMeta:
    """Read a file of observations, group them, and store the sets; the same content again is a no-op.

    `shown` is the user's name of the file where `path` is a temporary one. Raises InputError with one sentence.
    """
    with scratch_folder() as folder:
        answer = sandbox.run(READER, _job("read", path, options, shown), folder, limits).value
        file = shown_name(shown or path.name)
        return library.add_sets(
            read_sets(folder),
            name=name or stem(file),
            source=file,
            dropped=answer["dropped"],
            notes=answer["notes"],
            import_options=to_dict(options) | {"format": answer["format"]},
        )


def read_collection(
    path: Path, *, options: SetImportOptions = _DEFAULTS, shown: str | None = None, limits: Limits | None = None
) -> SetCollection:
    """Read a file of observations into sets without storing them. Raises InputError."""
    with scratch_folder() as folder:
        sandbox.run(READER, _job("read", path, options, shown), folder, limits)
        return read_sets(folder)


def preview_sets(path: Path, *, options: SetImportOptions = _DEFAULTS, shown: str | None = None) -> dict[str, Any]:
    """What a file holds, without storing it. Raises InputError.

    {"format", "observations", "modality", "shape", "columns": {name: {"kind", "distinct", "examples"}}, "features",
    "layers"}, and where `options` say what a set is, "built": {"sets", "observations", "least", "most", "dropped"}.
    """
    with scratch_folder() as folder:
        limits = Limits(cpu_seconds=60, wall_seconds=120)
        return sandbox.run(READER, _job("preview", path, options, shown), folder, limits).value


def _job(task: str, path: Path, options: SetImportOptions, shown: str | None) -> dict[str, Any]:
    check_regular(path)
    name = shown_name(shown or path.name)
    return {"task": task, "path": str(path.resolve()), "name": name, "options": asdict(options)}
