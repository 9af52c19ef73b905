"""Calls and the names of their axes on the way into memory, within its limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Strings
from core.errors import InputError

# Calls are int8, kept in a file; what filters leave of them is copied once, inside the child's memory.
CALLS_MAX = 6_000_000_000


class NoVariantError(InputError):
    """A file was read and has no variant to keep; of several files of a cohort it may be left out."""


class CallsWriter:
    """Rows of int8 calls, or numbers of another `dtype`, written to a scratch file, then mapped as (rows, width)."""

    def __init__(self, folder: Path, width: int, name: str, dtype: type[np.integer[Any]] = np.int8) -> None:
        self._dtype = dtype
        self._path = folder / "rows.int8"
        self._path.unlink(missing_ok=True)  # a map of an earlier file of the cohort stays as it is
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
        """The rows written so far as a read-only map; no row can be added afterwards."""
        self._file.close()
        if self.rows == 0:
            return np.zeros((0, self.width), dtype=self._dtype)
        return np.memmap(self._path, dtype=self._dtype, mode="r", shape=(self.rows, self.width))


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
