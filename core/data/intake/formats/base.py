"""What every reader is given and gives back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from core.data.genotypes import Calls, Genotypes
from core.data.intake.cohort_options import CohortOptions
from core.data.intake.collection_options import CollectionOptions
from core.data.intake.formats.observations import ObservationTable
from core.data.intake.samples import ids_of
from core.data.intake.tables import Table
from core.data.intake.variants import VariantTable
from core.data.sets import SetCollection
from core.errors import InputError
from core.registry import Registry

P = TypeVar("P", bound=Genotypes | SetCollection)
Options = TypeVar("Options", CohortOptions, CollectionOptions)


@dataclass(frozen=True)
class Head:
    """One file before it is read: where it lies, the name the user knows it by, and its first 64 KiB unfolded."""

    path: Path
    name: str
    first: bytes

    @property
    def suffix(self) -> str:
        """Lower-case ending of the user's name without .gz or .xz, such as ".vcf"; only a hint, never a path."""
        name = self.name.lower().removesuffix(".gz").removesuffix(".bgz").removesuffix(".xz")
        return Path(name).suffix


@dataclass(frozen=True)
class Source(Generic[Options]):
    """The files of one import: `main` is the one whose format was recognised, `others` came with it.

    `folder` is the child's own scratch folder. Of a cohort, `samples` and `variants` are optional tables given by the
    user, `beside` is the folder in which companions (bim, fam, legend) may lie, and `least` the fewest individuals.
    """

    main: Head
    others: tuple[Head, ...]
    folder: Path
    options: Options
    samples: Table | None = None
    variants: VariantTable | None = None
    beside: Path | None = None
    least: int = 2

    @property
    def known_ids(self) -> frozenset[str]:
        """The ids of the sample table, a hint at which axis is the individuals."""
        return ids_of(self.samples) if self.samples else frozenset()


CohortSource = Source[CohortOptions]
CollectionSource = Source[CollectionOptions]


@dataclass(frozen=True)
class ReadResult(Generic[P]):
    """A population as read, what was dropped on the way (reason → count), remarks, the format's name, and the settings
    that were decided for the reader (`applied`)."""

    population: P
    dropped: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    format: str = ""
    applied: dict[str, Any] = field(default_factory=dict)


class Format(ABC):
    """A reader of one kind of data.

    `fallback` is 0 where a match is sure; the higher it is, the later a reader is tried when none before it recognises
    the file. `zipped` marks one that reads zip files itself; any other zip file is unpacked first. `companions` marks
    one that reads several files as one.
    """

    fallback = 0
    companions = False
    zipped = False

    @staticmethod
    @abstractmethod
    def matches(head: Head) -> bool:
        """Whether the file is of this format, judged by its first bytes and then by its name's ending."""


class CohortFormat(Format):
    """A reader of genotypes.

    `endings` are those of its files, `companion_endings` those of files that come with each, `joins` says whether
    several files of the same individuals are one cohort, and `recognised` how a file is known, for the documentation.
    """

    endings: tuple[str, ...] = ()
    companion_endings: tuple[str, ...] = ()
    joins = False
    recognised = ""

    @staticmethod
    @abstractmethod
    def read(source: CohortSource) -> ReadResult[Genotypes]:
        """The whole file; raises InputError with one sentence on anything that cannot be read as genotypes."""

    @staticmethod
    def preview(source: CohortSource) -> dict[str, Any]:
        """What the first part of the file shows: {"individuals", "variants", "orientation", "rows", "notes"}.

        Without more knowledge of the format, its first lines.
        """
        return lines_preview(source)


class CollectionFormat(Format):
    """A reader of observations; `delimited` where the file is text in columns."""

    delimited = False

    @staticmethod
    @abstractmethod
    def read(source: CollectionSource) -> ObservationTable:
        """The whole file; raises InputError with one sentence on anything that cannot be read as observations."""


formats: Registry[type[Format]] = Registry("format", "core.data.intake.formats")


def only_file(source: Source[Any]) -> None:
    """Refuse companions where a format is one file."""
    if source.others:
        names = ", ".join(head.name for head in source.others[:3])
        raise InputError(f"{source.main.name} is a file by itself, but {names} came with it; import one at a time.")


def matrix_preview(
    shape: tuple[int, int], ids: Sequence[str], variants: Sequence[str], calls: Calls, notes: list[str]
) -> dict[str, Any]:
    """The preview of a file of `shape` individuals × variants with the corner of its `calls`."""
    rows = [["", *variants[:8]]]
    for name, some in zip(ids[:8], calls[:8, :8].tolist(), strict=True):
        rows.append([name, *("." if call < 0 else str(call) for call in some)])
    return {
        "individuals": shape[0],
        "variants": shape[1],
        "orientation": "samples_in_rows",
        "rows": rows,
        "notes": notes,
    }


def rows_preview(width: int, by_variant: bool, rows: list[list[str]], notes: list[str]) -> dict[str, Any]:
    """The preview of a file of `width` calls a row; how many rows there are, only a full reading tells."""
    return {
        "individuals": width if by_variant else None,
        "variants": None if by_variant else width,
        "orientation": "samples_in_columns" if by_variant else "samples_in_rows",
        "rows": rows,
        "notes": notes,
    }


def lines_preview(source: CohortSource) -> dict[str, Any]:
    """The preview of a text file as its first cells; how much it holds, only its reading tells."""
    rows = [
        [cell[:20].decode("utf-8", "replace") for cell in line.split(None, 9)[:9]]
        for line in source.main.first.split(b"\n")[:8]
    ]
    return {"individuals": None, "variants": None, "orientation": "samples_in_rows", "rows": rows, "notes": []}
