"""NumPy archives (.npz): an array of observations with columns beside it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from core.data.intake.formats import npy
from core.data.intake.formats.base import CollectionFormat, CollectionSource, Head, formats
from core.data.intake.formats.observations import Column, ObservationTable, as_written, check_entries
from core.errors import InputError

NAMES = ("X", "observations", "x", "data", "images", "sequences", "X_pca")


@formats.register(
    "npz",
    title="npz",
    kind="sets",
    help="npz: the array X (k, d) or images (k, h, w, c), with columns of length k.",
    source="NumPy",
)
class NpzFormat(CollectionFormat):
    """The first array of a known name, or the largest, holds the observations; arrays of its length are columns."""

    zipped = True

    @staticmethod
    def matches(head: Head) -> bool:
        return head.first.startswith(b"PK") and (head.suffix == ".npz" or b".npy" in head.first[:400])

    @staticmethod
    def read(source: CollectionSource) -> ObservationTable:
        name = source.main.name
        shapes = {key: header.shape for key, header in npy.headers(source.main).items()}
        main = next((key for key in NAMES if len(shapes.get(key, ())) >= 2), None)
        main = main or max(shapes, key=lambda key: (len(shapes[key]) >= 2, math.prod(shapes[key])), default="")
        shape = shapes.get(main, ())
        if len(shape) not in (2, 3, 4):
            raise InputError(f"{name} has no array of observations; one of shape (k, d) or (k, h, w, c) is expected.")
        check_entries(math.prod(shape), name)
        arrays = npy.load(source.main, [key for key in shapes if key == main or shapes[key] == shape[:1]])
        named = npy.load(source.main, [key for key in shapes if shapes[key] == shape[1:2]])
        x = arrays.pop(main)
        feature = next((np.asarray(v, dtype=np.str_) for n, v in named.items() if v.dtype.kind == "U"), None)
        columns = {n: _column(v) for n, v in arrays.items()}
        texts = {n: as_written(v) for n, v in arrays.items() if v.dtype.kind == "f"}
        if len(shape) == 2:
            if x.dtype.kind not in "fiub":
                raise InputError(f"The array {main!r} of {name} is of type {x.dtype}; numbers are expected.")
            names = feature if feature is not None else np.array([f"x{i + 1}" for i in range(shape[1])])
            return ObservationTable(x, columns, feature=names, texts=texts)
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


def _column(values: Any) -> Column:
    return values.astype(np.float64) if values.dtype.kind == "f" else np.asarray(values, dtype=np.str_)
