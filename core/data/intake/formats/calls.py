"""Calls and the names of their axes on the way into memory, within its limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Calls, Strings, unmap_pages
from core.errors import InputError

# Calls are int8 and stay in files of this size at most: those that are read, and those that filters leave of them.
CALLS_MAX = 30_000_000_000
_IN_MEMORY = 1 << 28  # calls that are copied in memory
_BLOCK = 1 << 26  # calls that are copied at a time from file to file


class NoVariantError(InputError):
    """A file was read and has no variant to keep; of several files of a cohort it may be left out."""


class CallsWriter:
    """Rows of int8 calls, or numbers of another `dtype`, written to a scratch file, then mapped as (rows, width)."""

    def __init__(self, folder: Path, width: int, name: str, dtype: type[np.integer[Any]] = np.int8) -> None:
        self._dtype = dtype
        self._path = folder / "rows.int8"
        self._path.unlink(missing_ok=True)  # another writer's file stays its own
        self._file = self._path.open("wb")
        self._name = name
        self.width = width
        self.rows = 0

    def append(self, rows: npt.NDArray[Any]) -> None:
        """Add one row (width,) or several (r, width)."""
        self.rows += rows.size // self.width
        check_size(self.rows, self.width, self._name)
        self._file.write(np.ascontiguousarray(rows).data)

    def matrix(self) -> Any:
        """The rows written so far as a read-only map; no row can be added afterwards.

        The file has no name any more: its room is given back as soon as nobody has the map.
        """
        self._file.close()
        shape = (self.rows, self.width)
        rows = np.memmap(self._path, self._dtype, mode="r", shape=shape) if self.rows else np.zeros(shape, self._dtype)
        self._path.unlink(missing_ok=True)
        return rows


def taken(calls: Calls, index: npt.NDArray[Any], axis: int) -> Calls | None:
    """Calls (n, m) at an index (integers or a Boolean mask) of individuals, axis 0, or of variants, axis 1.

    They are copied from the file in which they lie into another, block by block; None where memory will do.
    """
    kept = np.flatnonzero(index) if index.dtype == np.bool_ else index
    file = getattr(calls, "filename", None)
    if file is None or len(kept) * calls.shape[1 - axis] <= _IN_MEMORY:
        return None
    by_variant = not calls.flags.c_contiguous
    rows, of_rows = (calls.T if by_variant else calls), axis == (1 if by_variant else 0)
    out = CallsWriter(Path(file).parent, rows.shape[1] if of_rows else len(kept), Path(file).name)
    step = max(1, _BLOCK // rows.shape[1])
    for start in range(0, len(kept) if of_rows else len(rows), step):
        part = slice(start, start + step)
        out.append(rows[kept[part]] if of_rows else rows[part][:, kept])
        unmap_pages(rows)
    matrix: Calls = out.matrix().T if by_variant else out.matrix()
    return matrix


def check_size(rows: int, columns: int, name: str) -> None:
    """Refuse a matrix that has more calls than a dataset may hold."""
    if rows * columns > CALLS_MAX:
        raise InputError(
            f"{name} holds at least {rows:,} x {columns:,} calls; at most {CALLS_MAX:,} are read at once: "
            "cut it by region, by minor-allele frequency or by individuals first."
        )


def refuse_repeats(ids: Sequence[str], name: str) -> None:
    """Refuse a file that names an individual twice."""
    repeated = [one for one, count in Counter(ids).items() if count > 1]
    if repeated:
        raise InputError(
            f"{name} names {len(repeated):,} individuals more than once (such as {repeated[0]!r}); "
            "ids must be unique: rename or remove the repeats."
        )


def variant_columns(
    ids: Iterable[str], contigs: Iterable[str], positions: Iterable[int], alleles: Iterable[Iterable[str]]
) -> dict[str, Any]:
    """The columns of the variants as `Genotypes` names them; `alleles` are pairs, reference and alternate."""
    return {
        "variant_id": column(ids),
        "variant_contig": column(contigs),
        "variant_position": np.array(list(positions), dtype=np.int64),
        "variant_allele": column((allele for pair in alleles for allele in pair), 50).reshape(-1, 2),
    }


def column(values: Iterable[object], longest: int = 100) -> Strings:
    """A string column with every entry cut at `longest` characters.

    numpy gives each entry the width of the longest, so one indel of a megabase would cost a megabase per variant.
    """
    return np.array([_cut(str(value), longest) for value in values], dtype=np.str_)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 12]}...({len(text)})"
