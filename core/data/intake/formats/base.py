"""What every reader is given and gives back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Calls, Genotypes, Strings
from core.data.intake.cohort_options import CohortOptions
from core.data.intake.collection_options import CollectionOptions
from core.data.intake.samples import SampleTable
from core.errors import InputError
from core.registry import Registry

# Calls are int8: this many bytes on disk twice (as read, as stored) stay inside the child's address space.
CALLS_MAX = 2_000_000_000
# Entries of the observation array: float32 four bytes each, within the child's address space.
ENTRIES_MAX = 600_000_000

Column = npt.NDArray[np.str_] | npt.NDArray[np.float64]
Options = TypeVar("Options", CohortOptions, CollectionOptions)


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
class Source(Generic[Options]):
    """The files of one import: `main` is the one whose format was recognised, `others` came with it.

    `folder` is the child's own scratch folder. Of a cohort, `samples` and `variants` are optional tables given by the
    user, and `beside` is the folder in which companions (bim, fam, legend) may lie.
    """

    main: Head
    others: tuple[Head, ...]
    folder: Path
    options: Options
    samples: SampleTable | None = None
    variants: Head | None = None
    beside: Path | None = None

    @property
    def known_ids(self) -> frozenset[str]:
        """The ids of the sample table, a hint at which axis is the individuals."""
        return self.samples.ids() if self.samples else frozenset()


CohortSource = Source[CohortOptions]
CollectionSource = Source[CollectionOptions]


@dataclass(frozen=True)
class ReadResult:
    """Genotypes as read, what was dropped on the way (reason → count), and remarks for the user."""

    genotypes: Genotypes
    dropped: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass
class ObservationTable:
    """Observations before they are grouped.

    Attributes:
        observations: (k, d) float32, (k, c, h, w) uint8 or (k, l) int8.
        columns: name → (k,) strings ("" missing) or float64 (NaN missing).
        feature: (d,) names, empty for images and sequences.
        modality, alphabet: as in SetCollection.
        layers: what else of the file could be the observations, as the setting `layer` names it.
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

    def rows(self, keep: npt.NDArray[Any]) -> None:
        """Keep the observations at `keep`, in place."""
        self.observations = self.observations[keep]
        self.columns = {name: column[keep] for name, column in self.columns.items()}


class Format(ABC):
    """A reader of one kind of data.

    `fallback` marks the one of its kind that is tried when no other recognises the file, `zipped` one that reads zip
    files itself; any other zip file is unpacked first.
    """

    fallback = False
    zipped = False

    @staticmethod
    @abstractmethod
    def matches(head: Head) -> bool:
        """Whether the file is of this format, judged by its first bytes and then by its name's ending."""


class CohortFormat(Format):
    """A reader of genotypes."""

    @staticmethod
    @abstractmethod
    def read(source: CohortSource) -> ReadResult:
        """The whole file; raises InputError with one sentence on anything that cannot be read as genotypes."""

    @staticmethod
    @abstractmethod
    def preview(source: CohortSource) -> dict[str, Any]:
        """What the first part of the file shows: {"individuals", "variants", "orientation", "rows", "notes"}."""


class CollectionFormat(Format):
    """A reader of observations."""

    @staticmethod
    @abstractmethod
    def read(source: CollectionSource) -> ObservationTable:
        """The whole file; raises InputError with one sentence on anything that cannot be read as observations."""


formats: Registry[type[Format]] = Registry("format", "core.data.intake.formats")


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


def check_entries(count: int, name: str) -> None:
    """Refuse an array of observations that is larger than a dataset may be, before it is allocated."""
    if count > ENTRIES_MAX:
        raise InputError(
            f"{name} declares {count:,} numbers; at most {ENTRIES_MAX:,} are read at once: choose features, "
            "an embedding (layer=obsm:X_pca) or fewer observations."
        )


def only_file(source: Source[Any]) -> None:
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
