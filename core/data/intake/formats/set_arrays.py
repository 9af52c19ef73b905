"""NumPy archives (.npz): an array of observations with columns beside it."""

from __future__ import annotations

import zipfile
from typing import Any

import numpy as np

from core.data.intake import archives
from core.data.intake.formats.base import Head
from core.data.intake.formats.set_base import Column, ObservationTable, SetFormat, SetSource, check_entries, set_formats
from core.errors import InputError

NAMES = ("X", "observations", "x", "data", "images", "sequences", "X_pca")


@set_formats.register(
    "npz", kind="sets", help="npz: the array X (k, d) or images (k, h, w, c), with columns of length k.", source="NumPy"
)
class NpzFormat(SetFormat):
    """The first array of a known name, or the largest, holds the observations; arrays of its length are columns."""

    @staticmethod
    def matches(head: Head) -> bool:
        return head.first.startswith(b"PK") and (head.suffix == ".npz" or b".npy" in head.first[:400])

    @staticmethod
    def read(source: SetSource) -> ObservationTable:
        name = source.main.name
        headers = _headers(source)
        main = next((n for n in NAMES if n in headers and len(headers[n]) >= 2), None)
        main = main or max(headers, key=lambda n: (len(headers[n]) >= 2, int(np.prod(headers[n]))))
        shape = headers[main]
        if len(shape) not in (2, 3, 4):
            raise InputError(f"{name} has no array of observations; one of shape (k, d) or (k, h, w, c) is expected.")
        check_entries(int(np.prod(shape)), name)
        try:
            with np.load(source.main.path, allow_pickle=False) as archive:
                arrays = {n: archive[n] for n in headers if n == main or (headers[n] == shape[:1])}
                named = {n: archive[n] for n in headers if len(headers[n]) == 1 and headers[n] == shape[1:2]}
        except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(f"{name} cannot be read ({archives.reason(error)}); save it with numpy.savez.") from None
        x = arrays.pop(main)
        feature = next((np.asarray(v, dtype=np.str_) for n, v in named.items() if v.dtype.kind == "U"), None)
        columns = {n: _column(v) for n, v in arrays.items()}
        if len(shape) == 2:
            if x.dtype.kind not in "fiu" or not np.isfinite(x).all():
                raise InputError(
                    f"The array {main!r} of {name} has values that are not finite numbers; clean it first."
                )
            names = feature if feature is not None else np.array([f"x{i + 1}" for i in range(shape[1])])
            return ObservationTable(x.astype(np.float32), columns, feature=names)
        return ObservationTable(as_images(x, name), columns, modality="image")


def as_images(x: Any, name: str) -> Any:
    """(k, h, w), (k, h, w, c) or (k, c, h, w) of 0–255 or 0–1 → uint8 (k, c, h, w). Raises InputError."""
    if x.ndim == 3:
        x = x[:, None]
    elif x.shape[-1] in (1, 3, 4) and x.shape[1] not in (1, 3, 4):
        x = x.transpose(0, 3, 1, 2)
    if min(x.shape[2:]) < 4 or max(x.shape[2:]) > 1024:
        raise InputError(f"{name} has images of {x.shape[3]} x {x.shape[2]} pixels; 4 to 1,024 a side are expected.")
    if x.dtype == np.uint8:
        return np.ascontiguousarray(x)
    low, high = float(x.min()), float(x.max())
    if not np.isfinite([low, high]).all() or low < 0:
        raise InputError(f"The images of {name} run from {low:g} to {high:g}; 0 to 255 or 0 to 1 are expected.")
    scale = 255.0 if high <= 1 else 1.0 if high <= 255 else 255.0 / high
    return np.ascontiguousarray(np.round(x.astype(np.float64) * scale).astype(np.uint8))


def _headers(source: SetSource) -> dict[str, tuple[int, ...]]:
    """Shapes declared in the archive, read without allocating; object arrays and lies about sizes are refused."""
    name = source.main.name
    shapes: dict[str, tuple[int, ...]] = {}
    members = archives.checked_zip(source.main.path, name)
    try:
        with zipfile.ZipFile(source.main.path) as archive:
            for member in members:
                with archive.open(member) as file:
                    version = np.lib.format.read_magic(file)
                    read = (
                        np.lib.format.read_array_header_1_0
                        if version == (1, 0)
                        else np.lib.format.read_array_header_2_0
                    )
                    shape, _, dtype = read(file)
                if dtype.hasobject:
                    raise InputError(
                        f"{name} holds Python objects in {member.filename!r}, which may run code when read; "
                        "save plain numbers and strings."
                    )
                declared = int(np.prod(shape)) * dtype.itemsize
                if declared > member.file_size:
                    raise InputError(
                        f"{member.filename!r} in {name} declares {declared:,} bytes but has {member.file_size:,}; "
                        "save it again."
                    )
                shapes[member.filename.removesuffix(".npy")] = tuple(int(n) for n in shape)
    except archives.UNREADABLE as error:
        raise InputError(f"{name} is not an npz that can be read ({archives.reason(error)}); save it again.") from None
    if not shapes:
        raise InputError(f"{name} is empty; an npz with an array X of observations is expected.")
    return shapes


def _column(values: Any) -> Column:
    return values.astype(np.float64) if values.dtype.kind == "f" else np.asarray(values, dtype=np.str_)
