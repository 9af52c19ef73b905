"""Where things lie on disk, and the one function that turns an id into a path."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from core.config.access import without_viewer
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
    return without_viewer(dict(os.environ)) | {"POPSCAPE_HOME": str(home())}


_UNUSABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENOENT, errno.EIO, errno.ESTALE)
_CUT = re.compile(r"\d+ requested and \d+ written")
_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def writing_home() -> Iterator[None]:
    """Inside, an error that says that the home cannot be written is an InputError in one sentence."""
    try:
        yield
    except OSError as error:
        if sentence := home_fault(error):
            raise InputError(sentence) from error
        raise


def home_fault(error: OSError) -> str:
    """What is wrong with the home, in one sentence; "" where the error is about something else."""
    if error.errno in _FULL:
        return f"The disk of {home()} is full: free some space (`python -m core gc` lists what can go) and try again."
    # NumPy counts what was written and names no error.
    if error.errno == errno.EFBIG or (error.errno is None and _CUT.fullmatch(str(error))):
        return (
            f"The disk of {home()} took only a part of a file: it is full, or a size limit of this account (ulimit -f) "
            "is reached. Free some space, or raise the limit, and try again."
        )
    inside = error.filename is not None and Path(os.fsdecode(error.filename)).is_relative_to(home())
    if error.errno in _UNUSABLE and inside:
        return (
            f"The home folder {home()} cannot be used ({error.strerror}): set POPSCAPE_HOME to a folder that you can "
            "write to."
        )
    return ""


def scratch_folder(parent: Path, prefix: str) -> Path:
    """A new folder below `parent`; those of the same prefix that are a day old are removed first."""
    with writing_home():
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
