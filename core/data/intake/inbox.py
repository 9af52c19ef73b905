"""Files on their way into the library: uploads in a temporary folder, and files below a folder that may be named.

A client's file name is shown and never becomes a path.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core.config.home import home, scratch_folder
from core.errors import InputError

IMPORT_ROOT = "POPSCAPE_IMPORT_ROOT"
"""Environment variable with the folder from which files may be imported by path; unset: none."""

_LISTED = 500
_SKIPPED = (".md", ".py", ".pdf", ".png", ".html", ".json", ".tbi", ".csi")


@dataclass(frozen=True)
class UserFile:
    """A file that a user gave: the name that the user knows, where it lies, its bytes."""

    name: str
    path: Path
    size: int


def receive(stream: BinaryIO, name: str) -> UserFile:
    """Copy an upload to a temporary folder of its own."""
    path = scratch_folder(home() / "cache", "upload-") / "content"
    with path.open("wb") as file:
        shutil.copyfileobj(stream, file)
    return UserFile(name, path, path.stat().st_size)


def discard(files: list[UserFile]) -> None:
    """Delete uploads that were imported or are no longer wanted."""
    for one in files:
        shutil.rmtree(one.path.parent, ignore_errors=True)


def import_root() -> Path | None:
    """The folder from which files may be imported by path, None where none is allowed or it does not exist."""
    named = os.environ.get(IMPORT_ROOT)
    root = Path(named).resolve() if named else None
    return root if root is not None and root.is_dir() else None


def importable(root: Path) -> list[str]:
    """Files below `root` as relative paths, sorted; the first 500, without hidden ones and documents."""
    found: list[str] = []
    for folder, inner, files in os.walk(root):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        here = Path(folder).relative_to(root)
        names = sorted(n for n in files if not n.startswith(".") and not n.lower().endswith(_SKIPPED))
        found += [(here / name).as_posix() for name in names]
        if len(found) >= _LISTED:
            break
    return found[:_LISTED]


def below(root: Path, relative: str) -> Path:
    """The file `relative` below `root`. Raises InputError where it leads out of `root` or is no file."""
    path = (root / relative).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise InputError(f"{relative[:100]!r} is no file in the import folder; choose a listed one.")
    return path
