"""Elements of AnnData as they lie in HDF5 or zarr: data frames column by column, matrices dense or sparse.

Only what is asked for is read, so that an unknown encoding elsewhere in the file does no harm.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Strings
from core.data.intake import archives
from core.data.intake.formats.hdf5 import UNREADABLE
from core.data.intake.formats.observations import (
    STORED_MAX,
    Column,
    ObservationTable,
    as_written,
    check_entries,
    forget_pages,
    row_blocks,
)
from core.data.intake.typed_columns import MISSING
from core.errors import InputError

_HIDDEN = ("__categories",)
_IN_MEMORY = 50_000_000  # numbers of a dense matrix up to which it is read at once


def is_group(node: Any) -> bool:
    """Whether a node holds others (h5py or zarr)."""
    return hasattr(node, "keys")


def index_of(frame: Any) -> list[str]:
    """The row names of a data frame, written as a group or (before AnnData 0.7) as a compound array."""
    if not is_group(frame):
        names = frame.dtype.names
        key = next((k for k in ("index", "_index") if k in names), names[0])
        return [_decoded(v) for v in frame[key].tolist()]
    key = _decoded(frame.attrs.get("_index", "_index"))
    key = key if key in frame else next(k for k in ("index", "_index") if k in frame)
    return [_decoded(v) for v in np.asarray(frame[key][()]).tolist()]


def add_columns(table: ObservationTable, frame: Any, uns: Any = None) -> None:
    """The columns of a data frame into `table`; one that cannot be read is left out and named in the notes."""
    for key in _column_names(frame):
        try:
            values = _column_values(frame, key, uns)
            column, text = column_of(values)
            if column.shape != (table.observations.shape[0],):
                raise ValueError(f"it has shape {column.shape}")
        except UNREADABLE as error:
            why = archives.reason(error)
            table.notes.append(f"The column {key!r} cannot be read and was left out ({why}).")
            continue
        table.columns[key] = column
        if text is not None:
            table.texts[key] = text


def column_of(values: Any) -> tuple[Column, Strings | None]:
    """Values of a column as words ("" missing), or as float64 with the text of each number beside them."""
    import pandas as pd

    if isinstance(values, pd.Categorical):
        categories = values.categories.to_numpy()
        numeric = categories.dtype.kind in "fiu"
        names = as_written(categories) if numeric else np.array([_word(v) for v in categories.tolist()], dtype=np.str_)
        names = np.append(names, "")  # code -1 is a missing value
        return np.asarray(names[values.codes], dtype=np.str_), None
    if isinstance(values, pd.api.extensions.ExtensionArray):
        plain = [None if gone else value for value, gone in zip(list(values), values.isna(), strict=True)]
        if pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
            numbers = np.array([np.nan if v is None else float(v) for v in plain], dtype=np.float64)
            return numbers, np.array(["" if v is None else str(v) for v in plain], dtype=np.str_)
        words = [_word(v) for v in plain]
        if values.dtype.kind == "M":  # days without a time of day
            words = [word.removesuffix(" 00:00:00") for word in words]
        return np.array(words, dtype=np.str_), None
    array = np.asarray(values)
    if array.dtype.kind in "fiu":
        return array.astype(np.float64), as_written(array)
    return np.array([_word(v) for v in array.reshape(len(array)).tolist()], dtype=np.str_), None


def matrix_of(node: Any, name: str) -> Any:
    """A matrix as it lies there, dense (any number of axes) or SciPy sparse (k, d). Raises InputError.

    A large dense one of two axes is copied, as float32, to a file of the child's, and comes as a map of it.
    """
    from scipy import sparse

    if not is_group(node):
        size = int(np.prod(node.shape, dtype=object))
        if size > _IN_MEMORY and len(node.shape) == 2 and np.dtype(node.dtype).kind in "fiub":
            check_entries(size, name, STORED_MAX)
            return _on_disk(node)
        check_entries(size, name)
        return np.asarray(node[()])
    attributes: dict[str, Any] = dict(node.attrs)
    kind = _decoded(attributes.get("encoding-type", attributes.get("h5sparse_format", "")))
    shape = tuple(int(n) for n in attributes.get("shape", attributes.get("h5sparse_shape", ())))
    if not kind.startswith(("csr", "csc")) or len(shape) != 2:
        raise InputError(f"{name} holds a matrix of the kind {kind[:40]!r}; dense, CSR or CSC is expected.")
    parts = [np.asarray(node[key][()]) for key in ("data", "indices", "indptr")]
    if parts[0].dtype == np.float16 or parts[0].dtype.kind == "b":
        parts[0] = parts[0].astype(np.float32)  # SciPy has no sparse matrices of these
    build = sparse.csr_matrix if kind.startswith("csr") else sparse.csc_matrix
    try:
        matrix = build(tuple(parts), shape=shape)
        matrix.check_format(full_check=True)  # an index outside would be read outside of memory
    except (ValueError, IndexError) as error:
        raise InputError(f"{name} holds a broken sparse matrix ({archives.reason(error)}); write it anew.") from None
    return matrix


def _on_disk(node: Any) -> npt.NDArray[np.float32]:
    """(k, d) float32 numbers of a dense node as a map, read and written a block of rows at a time."""
    path = Path(tempfile.gettempdir()) / "matrix.npy"
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=node.shape)
    for rows in row_blocks(out):
        # What single precision cannot hold becomes infinite here, and is refused with what else is not finite.
        with np.errstate(over="ignore"):
            out[rows] = np.asarray(node[rows])
        forget_pages(out)
    return out


def frame_matrix(frame: Any, name: str) -> tuple[npt.NDArray[Any], list[str], list[str]]:
    """The numeric columns of a data frame as a matrix (k, d), their names, and the names of the others."""
    columns, names, others = [], [], []
    for key in _column_names(frame):
        column, _ = column_of(_column_values(frame, key, None))
        if column.dtype.kind == "f":
            columns.append(column)
            names.append(key)
        else:
            others.append(key)
    if not columns:
        raise InputError(f"{name} is a table without numbers; choose another layer.")
    return np.column_stack(columns), names, others


def _column_names(frame: Any) -> list[str]:
    if not is_group(frame):
        return [key for key in frame.dtype.names if key not in ("index", "_index")]
    index = _decoded(frame.attrs.get("_index", "_index"))
    ordered = [_decoded(v) for v in np.asarray(frame.attrs.get("column-order", [])).tolist()]
    there = [key for key in frame if key not in (index, "_index", *_HIDDEN)]
    return [*(key for key in ordered if key in there), *(key for key in there if key not in ordered)]


def _column_values(frame: Any, key: str, uns: Any) -> Any:
    from anndata._io.specs.registry import IORegistryError
    from anndata.io import read_elem

    if not is_group(frame):
        values = frame[key]
        legacy = f"{key}_categories"
        if uns is not None and legacy in uns:
            categories = [_decoded(v) for v in np.atleast_1d(uns[legacy][()]).tolist()]
            return _words_of(values, categories)
        return values
    node = frame[key]
    if not is_group(node) and "categories" in node.attrs:  # AnnData 0.7: codes with a reference to their categories
        categories = [_decoded(v) for v in node.file[node.attrs["categories"]][()].tolist()]
        return _words_of(node[()], categories)
    try:
        return read_elem(node)
    except IORegistryError:
        kind = node.attrs.get("encoding-type", "")
        raise ValueError(f"its encoding {kind!r} is not known") from None


def _words_of(codes: Any, categories: list[str]) -> Strings:
    """The category of each code; "" for the code -1 of a missing value."""
    return np.array([*categories, ""], dtype=np.str_)[np.asarray(codes).astype(np.int64)]


def _decoded(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _word(value: Any) -> str:
    text = "" if value is None else _decoded(value)
    return "" if text in MISSING else text
