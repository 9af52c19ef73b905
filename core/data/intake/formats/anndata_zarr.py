"""AnnData as zarr, packed into one zip file."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from core.data.intake import archives
from core.data.intake.formats import hdf5
from core.data.intake.formats.base import CollectionFormat, CollectionSource, Head, formats
from core.data.intake.formats.h5ad import read_anndata
from core.data.intake.formats.observations import ObservationTable
from core.errors import InputError

_MARKS = (".zgroup", "zarr.json", ".zmetadata")


@formats.register(
    "zarr",
    title="AnnData zarr",
    kind="sets",
    help="AnnData as zarr (version 2 or 3), its folder zipped: X, a layer, raw or an embedding, with obs columns.",
    source="anndata 0.12, zarr 3",
)
class ZarrFormat(CollectionFormat):
    """The zarr group that holds obs, wherever it lies in the zip file."""

    zipped = True

    @staticmethod
    def matches(head: Head) -> bool:
        return head.first.startswith(b"PK") and head.suffix != ".npz" and _root(head) is not None

    @staticmethod
    def read(source: CollectionSource) -> ObservationTable:
        import zarr

        head = source.main
        root = _root(head) or ""
        try:
            store = zarr.storage.ZipStore(head.path, mode="r")
            group: Any = zarr.open_group(store, path=root, mode="r")
            _check_declared(group, head)
            if "obs" not in group:
                raise InputError(f"{head.name} is zarr but no AnnData: it has no obs; write it with AnnData.")
            return read_anndata(group, source.options.layer, head.name)
        except hdf5.UNREADABLE as error:
            why = archives.reason(error)
            raise InputError(f"{head.name} is zarr that cannot be read ({why}); write it with AnnData.") from None


def _check_declared(group: Any, head: Head) -> None:
    """Refuse arrays that are far larger than the file, whose chunks are not there and count as zeros."""
    declared = sum(int(node.nbytes) for _, node in group.members(max_depth=None) if hasattr(node, "nbytes"))
    if declared > max(hdf5.RATIO_MAX * head.path.stat().st_size, 64 << 20):
        raise InputError(
            f"{head.name} declares {declared:,} bytes of data in a file of {head.path.stat().st_size:,}; "
            "write it anew with AnnData."
        )


def _root(head: Head) -> str | None:
    """The folder of the uppermost zarr group in a zip file ("" at its top), None where there is none."""
    try:
        members = archives.checked_zip(head.path, head.name)
    except InputError:
        return None
    paths = [PurePosixPath(m.filename) for m in members]
    roots = {path.parent.as_posix() for path in paths if path.name in _MARKS}
    roots = {"" if root == "." else root for root in roots}
    return min(roots, key=len) if roots else None
