"""One dataset on disk: its description, its files, and how they are written and read.

A dataset is a folder that numpy and json suffice to read:

    meta.json                     DatasetMeta
    call_genotype, samples, variants   of a cohort (core.data.population_files)
    observations, sets            of a collection of sets (likewise)
    split.npz                     train, holdout
    profile.json, .npz            what the Datasets page shows
    truth.json, .npz              what a simulator knows (absent for imported data)
"""

from __future__ import annotations

import datetime
import json
import os
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from core.data.genotypes import Genotypes, Strings
from core.data.population_files import read_arrays, read_genotypes, read_sets, write_population
from core.data.sets import SetCollection
from core.data.split import Split
from core.errors import InputError

Population = Genotypes | SetCollection

_UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)

T = TypeVar("T")


@dataclass(frozen=True)
class CohortFacts:
    """What is known of a cohort without opening an array.

    Attributes:
        missing: fraction of calls that are -1.
        phenotypes: names.
        contigs: names in the order of the variants.
        has_positions: whether base-pair positions are known.
    """

    individuals: int
    variants: int
    ploidy: int = 2
    missing: float = 0.0
    phenotypes: list[str] = field(default_factory=list)
    contigs: list[str] = field(default_factory=list)
    has_positions: bool = False


@dataclass(frozen=True)
class CollectionFacts:
    """What is known of a collection of sets without opening an array.

    Attributes:
        sets, observations: how many.
        shape: of one observation.
        modality: "vector", "image" or "sequence".
        features: names of the coordinates of a vector, at most 200.
        covariates: names.
        sizes: {"min", "median", "max"} observations of a set.
        unit: the label column that the split keeps together, or "".
        alphabet: the letters of sequences, "" otherwise (and of sequences that came in before it was kept).
    """

    sets: int
    observations: int
    shape: list[int]
    modality: str
    features: list[str] = field(default_factory=list)
    covariates: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    unit: str = ""
    alphabet: str = ""


@dataclass(frozen=True)
class DatasetMeta:
    """What is known of a dataset without opening an array.

    Attributes:
        id: digest of the content, 24 hexadecimal digits.
        name: what the user calls it, unique in a library.
        facts: what only a population of its kind has; `cohort` and `collection` are the typed ways to them.
        labels: label column → its values, most frequent first; the first column of a cohort is "the population".
        source: the file name as the user knows it, never a path.
        created: ISO 8601, UTC.
        dropped: reason → how many individuals, variants, sets or observations the import left out.
        notes: sentences for the user.
        import_options: the settings of the import or of the simulation.
        owners: who brought it, where people sign in; nobody's is everybody's to see.
        shared: whether its owners let everybody see it.
        embedded: shipped with Popscape, read-only.
    """

    id: str
    name: str
    facts: CohortFacts | CollectionFacts
    n_train: int = 0
    n_holdout: int = 0
    labels: dict[str, list[str]] = field(default_factory=dict)
    has_truth: bool = False
    source: str = ""
    created: str = ""
    dropped: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    import_options: dict[str, Any] = field(default_factory=dict)
    owners: list[str] = field(default_factory=list)
    shared: bool = False
    embedded: bool = False

    @property
    def kind(self) -> str:
        """ "genotypes" or "sets"."""
        return "genotypes" if isinstance(self.facts, CohortFacts) else "sets"

    @property
    def cohort(self) -> CohortFacts:
        """The facts of a cohort. Raises InputError where the dataset holds sets."""
        if isinstance(self.facts, CohortFacts):
            return self.facts
        raise InputError(f"The dataset {self.name!r} holds sets; genotypes are expected: choose another dataset.")

    @property
    def collection(self) -> CollectionFacts:
        """The facts of a collection of sets. Raises InputError where the dataset holds genotypes."""
        if isinstance(self.facts, CollectionFacts):
            return self.facts
        raise InputError(f"The dataset {self.name!r} holds genotypes; sets are expected: choose another dataset.")

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types, with the kind, and with the facts under "cohort" or "collection"."""
        values = asdict(self)
        facts = values.pop("facts")
        first = {"id": self.id, "name": self.name, "kind": self.kind}
        return first | values | {_RECORDS[self.kind][0]: facts}

    @classmethod
    def read(cls, folder: Path, *, embedded: bool = False) -> DatasetMeta:
        """The meta.json of `folder`; keys of a newer version are left aside. Raises InputError if it cannot be read.

        Before the facts had a record of their own they stood among the others, and are still read there.
        """
        try:
            values = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
            key, record = _RECORDS[values.get("kind", "genotypes")]
            facts = record(**_known(record, values.get(key, values)))
            return cls(**_known(cls, values) | {"facts": facts, "embedded": embedded})
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"The description of dataset {folder.name!r} cannot be read ({type(error).__name__}); "
                "remove that dataset and import the file again."
            ) from error


_RECORDS: dict[str, tuple[str, Any]] = {"genotypes": ("cohort", CohortFacts), "sets": ("collection", CollectionFacts)}


def _known(cls: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f.name: values[f.name] for f in fields(cls) if f.name in values}


@dataclass(frozen=True)
class Dataset:
    """A dataset of the library; arrays are read when asked for."""

    meta: DatasetMeta
    path: Path

    def genotypes(self) -> Genotypes:
        """The whole cohort; the calls are a read-only memory map (a matrix in memory for shipped data)."""
        ploidy = self.meta.cohort.ploidy
        return self._read(lambda: read_genotypes(self.path, ploidy, self.truth()))

    def collection(self) -> SetCollection:
        """The sets; observations are a read-only memory map (an array in memory for shipped data)."""
        return self._read(lambda: read_sets(self.path, self.truth()))

    def split(self) -> Split:
        """The train / holdout partition fixed at import."""
        return Split(**self._arrays("split.npz"))

    def profile(self) -> dict[str, Any]:
        """What was found at import; `["arrays"]` holds the per-variant and per-individual columns."""
        profile: dict[str, Any] = self._json("profile.json")
        return profile | {"arrays": self._arrays("profile.npz")}

    def truth(self) -> dict[str, Any]:
        """What the simulator knew (nested, arrays in place), {} for imported data."""
        if not self.meta.has_truth:
            return {}
        truth: dict[str, Any] = self._json("truth.json")
        for key, array in self._arrays("truth.npz").items():
            node = truth
            *parents, leaf = key.split("/")
            for parent in parents:
                node = node.setdefault(parent, {})
            node[leaf] = array
        return truth

    def _arrays(self, name: str) -> dict[str, Any]:
        return self._read(lambda: read_arrays(self.path / name))

    def _json(self, name: str) -> Any:
        return self._read(lambda: json.loads((self.path / name).read_text(encoding="utf-8")))

    def _read(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except _UNREADABLE as error:
            file = f" ({Path(error.filename).name})" if isinstance(error, OSError) and error.filename else ""
            raise InputError(
                f"The dataset {self.meta.name!r} cannot be read: {type(error).__name__}{file}; "
                "remove the dataset and import it again."
            ) from error


def write_dataset(
    folder: Path,
    population: Population,
    meta: DatasetMeta,
    split: Split,
    profile: Mapping[str, Any],
    *,
    compressed: bool,
) -> None:
    """Write every file of a dataset into the existing, empty `folder`; meta.json comes last.

    `compressed` stores the matrix as npz (for data that is shipped) instead of one that can be memory-mapped.
    """
    write_population(folder, population, compressed=compressed)
    np.savez_compressed(folder / "split.npz", train=split.train, holdout=split.holdout)
    np.savez_compressed(folder / "profile.npz", **profile["arrays"])
    write_json(folder / "profile.json", {k: v for k, v in profile.items() if k != "arrays"})
    if population.truth:
        arrays, rest = _parted(population.truth)
        np.savez_compressed(folder / "truth.npz", **arrays)
        write_json(folder / "truth.json", rest)
    write_json(folder / "meta.json", meta.to_dict())
    for path in folder.iterdir():
        _flush_to_disk(path)


def ranked(values: Strings) -> list[str]:
    """The distinct values that are not missing, most frequent first."""
    return [v for v, _ in sorted(Counter(values.tolist()).items(), key=lambda item: (-item[1], item[0])) if v]


def timestamp() -> str:
    """Now, ISO 8601 in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def write_json(path: Path, value: Any) -> None:
    """Write `value` so that a reader sees the old file or the new one, never half of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    _flush_to_disk(draft)
    draft.replace(path)


def _parted(truth: Mapping[str, Any], prefix: str = "") -> tuple[dict[str, Any], dict[str, Any]]:
    """The arrays of a nested mapping under "a/b" keys, and the rest, still nested."""
    arrays: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for key, value in truth.items():
        if isinstance(value, np.ndarray):
            arrays[prefix + key] = value
        elif isinstance(value, Mapping):
            inner, rest[key] = _parted(value, f"{prefix}{key}/")
            arrays |= inner
        else:
            rest[key] = value
    return arrays, rest


def _flush_to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
