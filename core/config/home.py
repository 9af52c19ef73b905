"""Where things lie on disk, and the one function that turns an id into a path."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from pathlib import Path

from core.errors import InputError

REPOSITORY = Path(__file__).resolve().parents[2]
ASSETS = REPOSITORY / "assets"
PRETRAINED = REPOSITORY / "pretrained"

_STALE_SECONDS = 86_400  # nobody comes back to what is a day old: whoever made it has died
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


def home() -> Path:
    """$POPSCAPE_HOME, or ./.popscape; holds `datasets/`, `runs/` and `cache/`, each made when first written."""
    return Path(os.environ.get("POPSCAPE_HOME", ".popscape")).resolve()


def nearest_folder() -> Path:
    """The home, or where it is not made yet, the folder above it that exists."""
    folder = home()
    while not folder.exists():
        folder = folder.parent
    return folder


def environment() -> dict[str, str]:
    """The environment of a child: this process's own, and the same home wherever the child works."""
    return os.environ | {"POPSCAPE_HOME": str(home())}


def scratch_folder(parent: Path, prefix: str) -> Path:
    """A new folder below `parent`; those of the same prefix that are a day old are removed first."""
    parent.mkdir(parents=True, exist_ok=True)
    for folder in parent.glob(f"{prefix}*"):
        if time.time() - folder.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=prefix, dir=parent))


def resolve_inside(root: Path, identifier: str) -> Path:
    """The path of `identifier` directly below `root`.

    An id is letters, digits, '-' and '_' only: separators, '..', NUL, drive letters and look-alike
    characters are refused, and so is a symbolic link that leads out of `root`. Raises InputError.
    """
    if not _SAFE_ID.fullmatch(identifier):
        raise InputError(f"{identifier[:80]!r} is not an id; an id has only letters, digits, '-' and '_'.")
    folder = os.path.realpath(root)
    path = os.path.realpath(os.path.join(folder, identifier))  # noqa: PTH118
    if os.path.dirname(path) != folder:  # noqa: PTH120
        raise InputError(f"{identifier!r} leads outside its folder; use the id that the library lists.")
    return Path(path)
