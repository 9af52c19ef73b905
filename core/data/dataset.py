"""One dataset on disk: its description, its files, and how they are written and read.

A dataset is a folder that numpy and json suffice to read:

    meta.json              DatasetMeta
    call_genotype.npy      (n, m) int8, memory-mapped; or call_genotype.npz, the same compressed (shipped data)
    samples.npz            sample_id, label:<column>, phenotype:<name>
    variants.npz           variant_id, variant_contig, variant_position, variant_allele
    split.npz              train, holdout
    profile.json, .npz     what the Datasets page shows
    truth.json, .npz       what a simulator knows (absent for imported data)
"""

from __future__ import annotations

import datetime
import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, cast

import numpy as np

from core.data.genotypes import Genotypes, Strings
from core.data.set_files import read_sets
from core.data.sets import SetCollection
from core.data.split import Split
from core.errors import InputError

_LABEL = "label:"
_PHENOTYPE = "phenotype:"


@dataclass(frozen=True)
class DatasetMeta:
    """What is known of a dataset without opening an array.

    Attributes:
        id: digest of the content, 24 hexadecimal digits.
        name: what the user calls it, unique in a library.
        missing: fraction of calls that are -1.
        labels: label column → its values, most frequent first; the first column is "the population".
        phenotypes: names.
        contigs: names in the order of the variants.
        source: the file name as the user knows it, never a path.
        created: ISO 8601, UTC.
        dropped: reason → number of individuals or variants that the import left out.
        notes: sentences for the user.
        import_options: the settings of the import or of the simulation.
        embedded: shipped with Popscape, read-only.
        sets, observations, shape, modality, features, covariates, sizes, unit: of a collection of sets (kind "sets"):
            how many, the shape of one observation, names (at most 200 features), {"min", "median", "max"} set size,
            and the label column that the split keeps together.
    """

    id: str
    name: str
    individuals: int
    variants: int
    n_train: int
    n_holdout: int
    kind: str = "genotypes"
    ploidy: int = 2
    missing: float = 0.0
    labels: dict[str, list[str]] = field(default_factory=dict)
    phenotypes: list[str] = field(default_factory=list)
    contigs: list[str] = field(default_factory=list)
    has_positions: bool = False
    has_truth: bool = False
    source: str = ""
    created: str = ""
    dropped: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    import_options: dict[str, Any] = field(default_factory=dict)
    embedded: bool = False
    sets: int = 0
    observations: int = 0
    shape: list[int] = field(default_factory=list)
    modality: str = ""
    features: list[str] = field(default_factory=list)
    covariates: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    unit: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return asdict(self)

    @classmethod
    def read(cls, folder: Path, *, embedded: bool = False) -> DatasetMeta:
        """The meta.json of `folder`; keys of a newer version are left aside. Raises InputError if it cannot be read."""
        try:
            values = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
            known = {f.name for f in fields(cls)}
            return cls(**{k: v for k, v in values.items() if k in known} | {"embedded": embedded})
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise InputError(
                f"The description of dataset {folder.name!r} cannot be read ({type(error).__name__}); "
                "remove that dataset and import the file again."
            ) from error


@dataclass(frozen=True)
class Dataset:
    """A dataset of the library; arrays are read when asked for."""

    meta: DatasetMeta
    path: Path

    def genotypes(self) -> Genotypes:
        """The whole cohort; the calls are a read-only memory map (a matrix in memory for shipped data)."""
        samples = self._arrays("samples.npz")
        return Genotypes(
            calls=self._calls(),
            sample_id=samples["sample_id"],
            **self._arrays("variants.npz"),
            labels={k.removeprefix(_LABEL): v for k, v in samples.items() if k.startswith(_LABEL)},
            phenotypes={k.removeprefix(_PHENOTYPE): v for k, v in samples.items() if k.startswith(_PHENOTYPE)},
            ploidy=self.meta.ploidy,
            truth=self.truth(),
        )

    def collection(self) -> SetCollection:
        """The sets; observations are a read-only memory map (an array in memory for shipped data)."""
        try:
            return read_sets(self.path, self.truth())
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise self._damaged("sets.npz", error) from error

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

    def _calls(self) -> Any:
        if (self.path / "call_genotype.npy").exists():
            return self._load("call_genotype.npy", mmap_mode="r")
        return self._arrays("call_genotype.npz")["call_genotype"]

    def _arrays(self, name: str) -> dict[str, Any]:
        with self._load(name) as archive:
            return {key: archive[key] for key in archive.files}

    def _json(self, name: str) -> Any:
        try:
            return json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self._damaged(name, error) from error

    def _load(self, name: str, **options: Any) -> Any:
        try:
            return np.load(self.path / name, allow_pickle=False, **options)
        except (OSError, ValueError, EOFError) as error:
            raise self._damaged(name, error) from error

    def _damaged(self, name: str, error: Exception) -> InputError:
        return InputError(
            f"The file {name} of dataset {self.meta.name!r} cannot be read ({type(error).__name__}); "
            "remove the dataset and import it again."
        )


def write_dataset(
    folder: Path, genotypes: Genotypes, meta: DatasetMeta, split: Split, profile: Mapping[str, Any], *, compressed: bool
) -> None:
    """Write every file of a dataset into the existing, empty `folder`; meta.json comes last.

    `compressed` stores the calls as npz (for data that is shipped) instead of a matrix that can be memory-mapped.
    """
    if compressed:
        np.savez_compressed(folder / "call_genotype.npz", call_genotype=np.ascontiguousarray(genotypes.calls))
    else:
        np.save(folder / "call_genotype.npy", np.ascontiguousarray(genotypes.calls), allow_pickle=False)
    columns: dict[str, Any] = {_LABEL + k: v for k, v in genotypes.labels.items()}
    columns |= {_PHENOTYPE + k: v for k, v in genotypes.phenotypes.items()}
    _savez(folder / "samples.npz", {"sample_id": genotypes.sample_id, **columns})
    _savez(
        folder / "variants.npz",
        {
            key: getattr(genotypes, key)
            for key in ("variant_id", "variant_contig", "variant_position", "variant_allele")
        },
    )
    write_rest(folder, genotypes.truth, meta, split, profile)


def write_rest(
    folder: Path, truth: Mapping[str, Any], meta: DatasetMeta, split: Split, profile: Mapping[str, Any]
) -> None:
    """What every kind of dataset has: split, profile, truth and, last, meta.json."""
    _savez(folder / "split.npz", {"train": split.train, "holdout": split.holdout})
    _savez(folder / "profile.npz", profile["arrays"])
    write_json(folder / "profile.json", {k: v for k, v in profile.items() if k != "arrays"})
    if truth:
        arrays, rest = _parted(truth)
        _savez(folder / "truth.npz", arrays)
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


def _savez(path: Path, arrays: Mapping[str, Any]) -> None:
    np.savez_compressed(path, **cast("dict[str, Any]", dict(arrays)))


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
