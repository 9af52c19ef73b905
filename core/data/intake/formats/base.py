"""What every reader is given and gives back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from core.data.genotypes import Calls, Genotypes, Strings
from core.data.intake.cohort_options import ImportOptions
from core.errors import InputError

# Calls are int8: this many bytes on disk twice (as read, as stored) stay inside the child's address space.
CALLS_MAX = 2_000_000_000


@dataclass(frozen=True)
class Head:
    """One file before it is read: where it lies, the name the user knows it by, and its first 64 KiB unfolded."""

    path: Path
    name: str
    first: bytes

    @property
    def suffix(self) -> str:
        """Lower-case ending of the user's name without .gz, such as ".vcf"; only a hint, never a path."""
        name = self.name.lower().removesuffix(".gz").removesuffix(".bgz")
        return Path(name).suffix


@dataclass(frozen=True)
class Source:
    """The files of one import: `main` is the one whose format was recognised, `others` came with it.

    `folder` is the child's own scratch folder; `variants` an optional table of variants given by the user; `beside` the
    folder in which companions (bim, fam, legend) may lie; `known_ids` the ids of the sample table, a hint at which axis
    is the individuals.
    """

    main: Head
    others: tuple[Head, ...]
    folder: Path
    options: ImportOptions
    variants: Head | None = None
    beside: Path | None = None
    known_ids: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ReadResult:
    """Genotypes as read, what was dropped on the way (reason → count), and remarks for the user."""

    genotypes: Genotypes
    dropped: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    format: str = ""


class Format(ABC):
    """A reader; `fallback` marks the one that is tried when no other recognises the file."""

    fallback = False

    @staticmethod
    @abstractmethod
    def matches(head: Head) -> bool:
        """Whether the file is of this format, judged by its first bytes and then by its name's ending."""

    @staticmethod
    @abstractmethod
    def read(source: Source) -> ReadResult:
        """The whole file; raises InputError with one sentence on anything that cannot be read as genotypes."""

    @staticmethod
    @abstractmethod
    def preview(source: Source) -> dict[str, Any]:
        """What the first part of the file shows: {"individuals", "variants", "orientation", "rows", "notes"}."""


class CallsWriter:
    """Rows of int8 calls written to a scratch file as they are read, then mapped as a (rows, width) matrix."""

    def __init__(self, folder: Path, width: int, name: str) -> None:
        self._path = folder / "rows.int8"
        self._file = self._path.open("wb")
        self._name = name
        self.width = width
        self.rows = 0

    def append(self, rows: Calls) -> None:
        """Add one row (width,) or several (r, width)."""
        self.rows += rows.size // self.width
        check_size(self.rows, self.width, self._name)
        self._file.write(np.ascontiguousarray(rows).data)

    def matrix(self) -> Calls:
        """The rows written so far as a read-only map; no row can be added afterwards."""
        self._file.close()
        if self.rows == 0:
            return np.zeros((0, self.width), dtype=np.int8)
        return np.memmap(self._path, dtype=np.int8, mode="r", shape=(self.rows, self.width))


def check_size(rows: int, columns: int, name: str) -> None:
    """Refuse a matrix that has more calls than a dataset may hold."""
    if rows * columns > CALLS_MAX:
        raise InputError(
            f"{name} holds at least {rows:,} x {columns:,} calls; at most {CALLS_MAX:,} are read at once: "
            "cut it by region, by minor-allele frequency or by individuals first."
        )


def only_file(source: Source) -> None:
    """Refuse companions where a format is one file."""
    if source.others:
        names = ", ".join(head.name for head in source.others[:3])
        raise InputError(f"{source.main.name} is a file by itself, but {names} came with it; import one at a time.")


def number_ids(prefix: str, count: int) -> np.ndarray[Any, np.dtype[np.str_]]:
    """Made-up ids `prefix_1` … for an axis that the file does not name."""
    return np.array([f"{prefix}_{i + 1}" for i in range(count)], dtype=np.str_)


def column(values: Iterable[object], longest: int = 100) -> Strings:
    """A string column with every entry cut at `longest` characters.

    numpy gives each entry the width of the longest, so one indel of a megabase would cost a megabase per variant.
    """
    return np.array([_cut(str(value), longest) for value in values], dtype=np.str_)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 12]}...({len(text)})"
