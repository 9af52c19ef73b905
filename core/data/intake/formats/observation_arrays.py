"""NumPy archives (.npz): an array of observations with columns beside it."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from core.data.intake.collection_options import CollectionOptions
from core.data.intake.formats import npy
from core.data.intake.formats.base import CollectionFormat, CollectionSource, Head, formats
from core.data.intake.formats.observations import Column, ObservationTable, as_written, check_entries
from core.data.intake.image_sizes import reduced, reduction_said
from core.data.intake.pixels import eight_bit
from core.errors import InputError

_SIDE_MIN, _SIDE_MAX = 4, 8192
_COLOURS = (1, 3, 4)
_FEATURES = re.compile(r".*(feature|gene|var|marker|channel|column|protein).*|names?", re.IGNORECASE)
NAMES = ("X", "observations", "x", "data", "images", "sequences", "X_pca")


@formats.register(
    "npz",
    title="npz",
    kind="sets",
    help="The array X (k, d) or images (k, h, w, c), with columns of length k.",
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
        beside = [key for key in shapes if key != main and shapes[key] in (shape[:1], (*shape[:1], 1))]
        notes = _left_out(shapes, main, beside, name)
        arrays = {key: v if key == main else v.reshape(-1) for key, v in npy.load(source.main, [main, *beside]).items()}
        named = _feature_names(source.main, shapes, main, shape)
        feature = _words(npy.load(source.main, [named])[named]) if named else None
        x = arrays.pop(main)
        arrays.pop(named, None)
        columns = {n: _column(v) for n, v in arrays.items()}
        texts = {n: as_written(v) for n, v in arrays.items() if v.dtype.kind == "f"}
        if len(shape) == 2:
            if x.dtype.kind not in "fiub":
                raise InputError(f"The array {main!r} of {name} is of type {x.dtype}; numbers are expected.")
            names = feature if feature is not None else np.array([f"x{i + 1}" for i in range(shape[1])])
            return ObservationTable(x, columns, feature=names, texts=texts, notes=notes)
        pixels, said = as_images(x, name, source.options)
        return ObservationTable(pixels, columns, modality="image", texts=texts, notes=[*notes, *said])


def as_images(x: Any, name: str, options: CollectionOptions) -> tuple[Any, list[str]]:
    """(k, h, w), (k, h, w, c) or (k, c, h, w) of numbers → uint8 (k, c, h, w), and remarks. Raises InputError."""
    notes: list[str] = []
    if x.ndim == 3:
        x = x[:, None]
    elif _channels_last(x.shape, name, options.channels, notes):
        x = x.transpose(0, 3, 1, 2)
    if min(x.shape[2:]) < _SIDE_MIN or max(x.shape[2:]) > _SIDE_MAX:
        raise InputError(f"{name} has images of {x.shape[3]} x {x.shape[2]} pixels; 4 to 8,192 a side are expected.")
    if x.shape[1] not in _COLOURS:
        notes.append(f"Each image of {name} has {x.shape[1]} channels of {x.shape[3]} x {x.shape[2]} pixels.")
    most = x.shape[2:]
    share = options.longest_side / max(most)
    if share < 1 and x.dtype.kind in "biuf":
        x = reduced(x.astype(np.uint8) * 255 if x.dtype == np.bool_ else x, share)  # the mean of a mask is a grey
        notes += reduction_said(most, share, name)
    scaled, said = eight_bit([x], name)
    return np.ascontiguousarray(scaled[0]), [*notes, *said]


def _channels_last(shape: tuple[int, ...], name: str, channels: str, notes: list[str]) -> bool:
    """Whether the last axis of (k, a, b, c) holds the channels rather than the first of an image.

    Channels are at one end. Two equal axes beside each other are the sides; else the channels are fewer than a side;
    where that holds at both ends, one, three or four are likelier than other numbers, and the fewer than the more.
    """
    if channels != "auto":
        return channels == "last"
    _, a, b, c = shape
    if (a == b) != (b == c) and b >= _SIDE_MIN:
        return a == b
    first = min(b, c) >= _SIDE_MIN and a < max(b, c)
    last = min(a, b) >= _SIDE_MIN and c < max(a, b)
    if first != last:
        return last
    if (a in _COLOURS) != (c in _COLOURS):
        return c in _COLOURS
    answer = c <= a
    notes.append(
        f"The images of {name} ({a} x {b} x {c}) do not tell which axis holds the channels; the "
        f"{'last' if answer else 'first'} was taken (channels={'first' if answer else 'last'} takes the other)."
    )
    return answer


def _left_out(shapes: dict[str, tuple[int, ...]], main: str, beside: list[str], name: str) -> list[str]:
    """A remark on the arrays that are neither the observations nor columns or names beside them."""
    other = [key for key, shape in shapes.items() if key not in (main, *beside) and shape != shapes[main][1:2]]
    if not other:
        return []
    size = " x ".join(map(str, shapes[other[0]]))
    return [
        f"The array {main!r} of {name} was taken; {len(other)} others were not read (such as {other[0]!r}, {size})."
    ]


def _column(values: Any) -> Column:
    return values.astype(np.float64) if values.dtype.kind == "f" else _words(values)


def _words(values: Any) -> Any:
    if values.dtype.kind == "S":
        return np.array([v.decode("utf-8", "replace") for v in values.tolist()], dtype=np.str_)
    return np.asarray(values, dtype=np.str_)


def _feature_names(head: Head, shapes: dict[str, tuple[int, ...]], main: str, shape: tuple[int, ...]) -> str:
    """The array of distinct words that names the features, "" where there is none.

    Where there are as many features as observations, the array's own name has to say so.
    """
    fitting = [key for key in shapes if key != main and len(shape) == 2 and shapes[key] == shape[1:]]
    fitting.sort(key=lambda key: not _FEATURES.fullmatch(key))
    for key in fitting:
        if shape[0] == shape[1] and not _FEATURES.fullmatch(key):
            continue
        values = npy.load(head, [key])[key]
        if values.dtype.kind in "SU" and len(set(values.tolist())) == len(values):
            return key
    return ""
