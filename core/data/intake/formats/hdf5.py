"""HDF5 files before and while they are read: links outside and lies about sizes refused, layouts told apart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.data.intake import archives
from core.errors import InputError

MAGIC = b"\x89HDF"
RATIO_MAX = 200  # declared bytes over file bytes: unwritten chunks of a hostile file count as zeros without end

# What h5py, zarr and AnnData raise over what they cannot read.
UNREADABLE = (OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError, IndexError, NotImplementedError)


@contextmanager
def opened(path: Path, name: str) -> Iterator[Any]:
    """The file, found harmless, as an h5py group; what cannot be read in it is an InputError of one sentence."""
    check(path, name)
    import h5py

    try:
        with h5py.File(path, "r") as file:
            yield file
    except UNREADABLE as error:
        what = archives.reason(error)
        raise InputError(
            f"{name} is HDF5 but not an h5ad, 10x, loom or h5mu file that can be read ({what}); write it with AnnData."
        ) from None


def keys_of(path: Path) -> dict[str, bool]:
    """The names at the top of a file → whether each is a group; {} where it cannot be opened."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return {key: file.get(key, getclass=True) is h5py.Group for key in file}
    except UNREADABLE:
        return {}


def check(path: Path, name: str) -> None:
    """Refuse an HDF5 file that links outside itself or declares far more bytes than it has. Raises InputError."""
    import h5py

    declared = 0

    def visit(key: str, node: Any) -> None:
        nonlocal declared
        if isinstance(node, h5py.Dataset):
            if node.external or node.is_virtual:
                raise InputError(f"{name} keeps {key[:60]!r} in another file; write a self-contained h5ad.")
            # A null dataspace (None, as scanpy writes it) has no size.
            declared += int(node.size or 0) * max(node.dtype.itemsize, 1)

    try:
        with h5py.File(path, "r") as file:
            _refuse_links(file, name)
            file.visititems(visit)
    except (OSError, RuntimeError, KeyError):
        raise InputError(f"{name} is a damaged HDF5 file; copy or export it again.") from None
    if declared > max(RATIO_MAX * path.stat().st_size, 64 << 20):
        raise InputError(
            f"{name} declares {declared:,} bytes of data in a file of {path.stat().st_size:,}; "
            "write it anew with AnnData."
        )


def _refuse_links(group: Any, name: str, depth: int = 0) -> None:
    import h5py

    if depth > 20:
        raise InputError(f"{name} nests groups more than 20 deep; an h5ad does not: write it anew with AnnData.")
    for key in group:
        link = group.get(key, getlink=True)
        if isinstance(link, h5py.ExternalLink | h5py.SoftLink):
            raise InputError(f"{name} holds a link ({key[:60]!r}); write a self-contained h5ad.")
        if group.get(key, getclass=True) is h5py.Group:
            _refuse_links(group[key], name, depth + 1)
