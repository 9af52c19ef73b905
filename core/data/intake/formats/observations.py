"""Observations before they are grouped, within the limits of memory."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Strings
from core.data.loadings import Loadings
from core.errors import InputError

# Entries of the observation array: float32 four bytes each, within the child's address space.
ENTRIES_MAX = 600_000_000
# Entries where they are kept in a file and read by blocks: what the child may write, with room for the copy by sets.
STORED_MAX = 2_000_000_000
_BLOCK_BYTES = 32 << 20

Column = npt.NDArray[np.str_] | npt.NDArray[np.float64]


@dataclass
class ObservationTable:
    """Observations before they are grouped.

    Attributes:
        observations: (k, d) numbers, a SciPy sparse matrix of them, (k, c, h, w) uint8 or (k, l) int8.
        columns: name → (k,) strings ("" missing; of a million rows or more, objects that share them) or float64 (NaN
            missing).
        feature: (d,) names, empty for images and sequences.
        modality, alphabet: as in SetCollection.
        texts: name → (k,) strings, how the numbers of a column are written in the file ("" missing); names of sets are
            taken from here, because 007, 1E1 and 20210301 are names that a float does not keep.
        layers: what else of the file could be the observations, as the setting `layer` names it.
        origin: what wrote vectors: "cells" (counts of genes), "cytometry", or "table" where that is not known.
        aliases: other names by which a feature may be chosen → its place, such as protein_1.
        a_file_a_set: whether several files were given, each of which is a set unless the options say otherwise.
        loadings: the way from the features, components of an embedding, back to genes.
        hint: what to do where a column is missed, such as giving a table of barcodes.
        applied: settings that were decided for the reader, such as how counts are normalised.
        notes: what was done, in sentences. dropped: reason → count of observations.
    """

    observations: npt.NDArray[Any]
    columns: dict[str, Column]
    feature: Strings = field(default_factory=lambda: np.array([], dtype=np.str_))
    modality: str = "vector"
    alphabet: str = ""
    layers: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)
    texts: dict[str, Strings] = field(default_factory=dict)
    origin: str = "table"
    aliases: dict[str, int] = field(default_factory=dict)
    loadings: Loadings | None = None
    hint: str = ""
    a_file_a_set: bool = False
    applied: dict[str, Any] = field(default_factory=dict)

    def rows(self, keep: npt.NDArray[Any]) -> None:
        """Keep the observations at `keep`, in place."""
        self.observations = self.observations[keep]
        self.columns = {name: column[keep] for name, column in self.columns.items()}
        self.texts = {name: text[keep] for name, text in self.texts.items()}

    def text(self, column: str) -> Strings:
        """(k,) the values of a column as words, as the file writes them; "" missing."""
        values = self.columns[column]
        if values.dtype.kind != "f":
            return values if values.dtype.kind == "O" else np.asarray(values, dtype=np.str_)  # type: ignore[return-value]
        if column in self.texts:
            return self.texts[column]
        return as_written(np.asarray(values, dtype=np.float64))


def in_order(observations: npt.NDArray[Any], order: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """The observations at `order`; those of a map as a read-only map of the file observations.npy beside its own.

    Pages of either map are given back after each block, so that neither file ever stands in memory whole.
    """
    if not (isinstance(observations, np.memmap) and observations.filename):
        return np.ascontiguousarray(observations[order])
    path = Path(observations.filename).with_name("observations.npy")
    with path.open("wb") as file:
        shape = (len(order), *observations.shape[1:])
        header = {"descr": np.lib.format.dtype_to_descr(observations.dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for rows in row_blocks(observations, len(order)):
            file.write(np.ascontiguousarray(observations[order[rows]]).tobytes())
            forget_pages(observations)
    return np.asanyarray(np.load(path, mmap_mode="r", allow_pickle=False))


def row_blocks(observations: npt.NDArray[Any], count: int | None = None) -> Iterator[slice]:
    """Slices of `count` rows (of all of them), each of some 32 MB."""
    n = len(observations) if count is None else count
    step = max(1, _BLOCK_BYTES // max(1, observations[:1].nbytes))
    for start in range(0, n, step):
        yield slice(start, min(n, start + step))


def forget_pages(observations: npt.NDArray[Any]) -> None:
    """Give the pages of a map back to the system, which reads them again where they are needed; others stay."""
    pages = getattr(observations, "_mmap", None)
    if pages is not None and hasattr(mmap, "MADV_DONTNEED"):
        pages.flush() if observations.flags.writeable else None
        pages.madvise(mmap.MADV_DONTNEED)


def check_entries(count: int, name: str, most: int = ENTRIES_MAX) -> None:
    """Refuse an array of observations that is larger than a dataset may be, before it is allocated."""
    if count > most:
        raise InputError(
            f"{name} declares {count:,} numbers; at most {most:,} are read at once: choose features, "
            "an embedding (layer=obsm:X_pca) or fewer observations."
        )


def as_written(numbers: npt.NDArray[Any]) -> Strings:
    """(k,) the shortest text that gives each number back, whole numbers without a point; "" where not finite."""
    if numbers.dtype.kind in "iub":
        return np.array([str(v) for v in numbers.tolist()], dtype=np.str_)
    return np.array([_number(v) for v in numbers], dtype=np.str_)


def _number(value: Any) -> str:
    if not np.isfinite(value):
        return ""
    if value == np.rint(value) and abs(value) < 2**53:
        return str(int(value))
    return str(value)  # NumPy's own shortest text, which knows single from double precision
