"""The dataset library: imported populations, immutable, named by the digest of their content."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.config.home import ASSETS, home, resolve_inside, scratch_folder
from core.data.dataset import (
    CohortFacts,
    CollectionFacts,
    Dataset,
    DatasetMeta,
    Population,
    ranked,
    timestamp,
    write_dataset,
    write_json,
)
from core.data.digest import content_digest
from core.data.genotypes import MISSING, Genotypes
from core.data.profile.cohort import make_profile
from core.data.profile.collection import profile_collection
from core.data.relatives import Relatives, find_relatives
from core.data.sets import SetCollection
from core.data.split import Index, Split, make_split, split_sets
from core.errors import InputError

_UNFINISHED = ".unfinished-"
NAME_LENGTH = 80
_PREFIX = re.compile(r"[0-9a-f]{4,}")

_log = logging.getLogger(__name__)


class Library:
    """The datasets below one folder, with the shipped read-only ones.

    `root` defaults to home()/"datasets". A dataset appears by the renaming of a finished folder, so a process that
    dies in an import leaves nothing that is listed.
    """

    def __init__(self, root: Path | None = None, *, embedded: Path | None = None) -> None:
        self.root = (home() / "datasets") if root is None else root
        self.embedded = (ASSETS / "datasets") if embedded is None else embedded

    def list(self) -> list[DatasetMeta]:
        """Every dataset, newest first, shipped ones last; reads meta.json only."""
        own = sorted(self._read(self.root), key=lambda meta: meta.created, reverse=True)
        known = {meta.id for meta in own}
        return own + [meta for meta in self._read(self.embedded, embedded=True) if meta.id not in known]

    def open(self, ref: str) -> Dataset:
        """The dataset of that name, digest, or unambiguous beginning of a digest (4 digits at least), or InputError."""
        meta = self._find(ref)
        return Dataset(meta, resolve_inside(self.embedded if meta.embedded else self.root, meta.id))

    def add(
        self,
        population: Population,
        *,
        name: str,
        source: str = "",
        dropped: Mapping[str, int] | None = None,
        notes: Iterable[str] = (),
        import_options: Mapping[str, Any] | None = None,
        created: str = "",
        compressed: bool = False,
        holdout: Index | None = None,
    ) -> DatasetMeta:
        """Store a population with its split and profile; content that is already there is left as it is and returned.

        A name that another dataset has gets a number behind it; `compressed` is the form of what is shipped; `holdout`
        are the places of the sets that are held out, where the split is not to come from the digest. Raises
        InputError for a matrix that cannot be a cohort (fewer than 2 individuals or no variant, calls outside
        0..ploidy, ids that repeat), and for fewer than 2 sets.
        """
        _check(population)
        digest = content_digest(population)
        for meta in self.list():
            if meta.id == digest:
                return meta
        folder = scratch_folder(self.root, _UNFINISHED)
        try:
            meta = DatasetMeta(
                id=digest,
                name=self._free_name(_clean_name(name)),
                facts=_facts(population),
                labels={column: ranked(values) for column, values in population.labels.items()},
                has_truth=bool(population.truth),
                source=source,
                created=created or timestamp(),
                dropped=dict(dropped or {}),
                notes=list(notes),
                import_options=dict(import_options or {}),
            )
            _store(folder, population, meta, compressed=compressed, holdout=holdout)
            folder.chmod(0o755)
            try:
                folder.rename(self.root / digest)
            except OSError:
                if not (self.root / digest / "meta.json").exists():
                    raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return DatasetMeta.read(self.root / digest)  # another process may have been first

    def rename(self, ref: str, name: str) -> DatasetMeta:
        """Give a dataset another name; InputError if the name is taken or the dataset is shipped."""
        meta = self._own(ref)
        name = _clean_name(name)
        if any(other.name == name and other.id != meta.id for other in self.list()):
            raise InputError(f"Another dataset is called {name!r}; choose a name that is not in the library.")
        renamed = replace(meta, name=name)
        write_json(resolve_inside(self.root, meta.id) / "meta.json", renamed.to_dict())
        return renamed

    def remove(self, ref: str) -> None:
        """Delete a dataset for good; InputError if it is shipped. Runs and reports made from it stay."""
        folder = resolve_inside(self.root, self._own(ref).id)
        doomed = scratch_folder(self.root, _UNFINISHED)
        folder.rename(doomed / folder.name)  # gone from the list at once, even if deleting is cut short
        shutil.rmtree(doomed, ignore_errors=True)

    def _find(self, ref: str) -> DatasetMeta:
        metas = self.list()
        if not metas:
            raise InputError(f"There is no dataset {ref[:80]!r}: the library is empty; import a file first.")
        found = [meta for meta in metas if ref in (meta.name, meta.id)]
        if not found and _PREFIX.fullmatch(ref):
            found = [meta for meta in metas if meta.id.startswith(ref)]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(meta.id for meta in found)
            raise InputError(f"{ref[:80]!r} could be several datasets ({ids}); give more digits of the one you mean.")
        names = ", ".join(meta.name for meta in metas[:10])
        raise InputError(
            f"There is no dataset {ref[:80]!r}; the library has: {names}{' …' if len(metas) > 10 else ''}."
        )

    def _own(self, ref: str) -> DatasetMeta:
        meta = self._find(ref)
        if meta.embedded:
            raise InputError(f"The dataset {meta.name!r} is shipped with Popscape and cannot be changed or removed.")
        return meta

    def _free_name(self, name: str) -> str:
        taken = {meta.name for meta in self.list()}
        number = 2
        free = name
        while free in taken:
            free = f"{name}-{number}"
            number += 1
        return free

    @staticmethod
    def _read(root: Path, *, embedded: bool = False) -> Iterable[DatasetMeta]:
        if not root.is_dir():
            return
        for folder in sorted(root.iterdir()):
            if folder.name.startswith(".") or not folder.is_dir():
                continue
            try:
                meta = DatasetMeta.read(folder, embedded=embedded)
            except InputError as error:
                _log.warning("%s", error)
                continue
            if meta.id == folder.name:
                yield meta


def _store(
    folder: Path, population: Population, meta: DatasetMeta, *, compressed: bool, holdout: Index | None = None
) -> None:
    """Split, profile and write a population into the empty `folder`, with `meta` completed by what was found."""
    if isinstance(population, SetCollection):
        profile = profile_collection(population)
        chosen = None if holdout is None else Split(np.setdiff1d(np.arange(population.s), holdout), np.sort(holdout))
        split = chosen or split_sets(population, meta.id)
    else:
        relatives = find_relatives(population)
        split = make_split(population, relatives, meta.id)
        profile = make_profile(population, relatives, split)
        facts = replace(meta.cohort, missing=float(profile["missing"]["fraction"]))
        meta = replace(meta, facts=facts, notes=[*meta.notes, *_sentences(relatives)])
    meta = replace(meta, n_train=len(split.train), n_holdout=len(split.holdout))
    write_dataset(folder, population, meta, split, profile, compressed=compressed)


def _facts(population: Population) -> CohortFacts | CollectionFacts:
    if isinstance(population, Genotypes):
        return CohortFacts(
            individuals=population.n,
            variants=population.m,
            ploidy=population.ploidy,
            phenotypes=list(population.phenotypes),
            contigs=[contig for contig in dict.fromkeys(population.variant_contig.tolist()) if contig],
            has_positions=population.has_positions,
        )
    sizes = population.sizes
    return CollectionFacts(
        sets=population.s,
        observations=population.k,
        shape=list(population.shape),
        modality=population.modality,
        features=population.feature[:200].tolist(),
        covariates=list(population.covariates),
        sizes={"min": int(sizes.min()), "median": int(np.median(sizes)), "max": int(sizes.max())},
        unit=population.unit,
        alphabet=population.alphabet,
    )


def _sentences(relatives: Relatives) -> list[str]:
    duplicates = int(relatives.duplicate.sum())
    close = len(relatives.pairs) - duplicates
    words = [
        f"{count:,} pair{'s' * (count != 1)} of {what}"
        for count, what in ((duplicates, "duplicates"), (close, "first-degree relatives"))
        if count
    ]
    rule = "equal in every call" if relatives.method == "exact" else f"{relatives.method} above {relatives.threshold:g}"
    found = [f"Kept on one side of the split: {' and '.join(words)} ({rule})."] if words else []
    return found + relatives.notes


def _check(population: Population) -> None:
    if isinstance(population, SetCollection):
        if population.s < 2:
            raise InputError(f"The collection has {population.s} set; at least 2 sets are needed.")
        _check_observations(population)
        return
    n, m = population.n, population.m
    if n < 2 or m < 1:
        raise InputError(
            f"The cohort has {n} individuals and {m} variants; at least 2 individuals and 1 variant are needed."
        )
    low = min(int(population.calls[i : i + 256].min()) for i in range(0, n, 256))
    high = max(int(population.calls[i : i + 256].max()) for i in range(0, n, 256))
    if low < MISSING or high > population.ploidy:
        raise InputError(
            f"The calls run from {low} to {high}; counts 0 to {population.ploidy} and -1 for missing are expected."
        )
    if high == MISSING:
        raise InputError("Every call is missing; a file with at least some genotypes is expected.")
    ids, counts = np.unique(population.sample_id, return_counts=True)
    if len(ids) < n:
        raise InputError(
            f"The individual {str(ids[counts.argmax()])[:80]!r} appears {counts.max()} times; ids must be unique."
        )


def _check_observations(sets: SetCollection) -> None:
    """Every observation is finite, every letter one of the alphabet, every name of a set its own; or InputError."""
    if len(set(sets.set_id.tolist())) < sets.s:
        raise InputError("Two sets have one name; give sets names that differ.")
    for start in range(0, sets.k, 4096):
        block = np.asarray(sets.observations[start : start + 4096])
        if sets.modality == "vector" and not np.isfinite(block).all():
            raise InputError(
                "Some features are not finite after they were prepared; leave out the scaling or features."
            )
        if sets.modality == "sequence" and not -1 <= int(block.min()) <= int(block.max()) < len(sets.alphabet):
            raise InputError("Some sequences hold letters outside their alphabet; check the file.")


def _clean_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        raise InputError(f"{name[:80]!r} cannot be a name; 1 to {NAME_LENGTH} printable characters are expected.")
    return name
