"""The dataset library: imported populations, immutable, named by the digest of their content."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.config.access import Viewer, refuse_if_only_read
from core.config.access import viewer as current_viewer
from core.config.home import ASSETS, home, resolve_inside, scratch_folder
from core.config.quotas import refuse_disk
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
from core.data.genotypes import Genotypes
from core.data.population_checks import check_population
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
    dies in an import leaves nothing that is listed. What `viewer` (default: who looks) may not see is not there.
    """

    def __init__(self, root: Path | None = None, *, embedded: Path | None = None, viewer: Viewer | None = None) -> None:
        self.root = (home() / "datasets") if root is None else root
        self.embedded = (ASSETS / "datasets") if embedded is None else embedded
        self.viewer = viewer or current_viewer()

    def list(self) -> list[DatasetMeta]:
        """Every dataset, newest first, shipped ones last; reads meta.json only."""
        return [meta for meta in self._everybodys() if self.viewer.sees(meta.owners, meta.shared)]

    def _everybodys(self) -> Sequence[DatasetMeta]:
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
        """Store a population with its split and profile; content that is already there is left as it is and returned,
        and belongs to the viewer too if it is somebody's.

        A name that another dataset has gets a number behind it; `compressed` is the form of what is shipped; `holdout`
        are the places of the sets that are held out, where the split is not to come from the digest. Raises
        InputError for a matrix that cannot be a cohort (fewer than 2 individuals or no variant, calls outside
        0..ploidy, ids that repeat), and for fewer than 2 sets.
        """
        check_population(population)
        owner = self.room()
        digest = content_digest(population)
        for meta in self._everybodys():
            if meta.id == digest:
                return self._joined(meta)
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
                owners=[owner] if owner else [],
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
        return self._joined(DatasetMeta.read(self.root / digest))  # another process may have been first

    def room(self) -> str:
        """The name that goes on what the viewer brings, as `Viewer.signature`; InputError where their disk is full."""
        owner = self.viewer.signature()
        refuse_disk(self.viewer)
        return owner

    def rename(self, ref: str, name: str) -> DatasetMeta:
        """Give a dataset another name; InputError if the name is taken or the dataset is shipped."""
        meta = self._own(ref)
        name = _clean_name(name)
        if any(other.name == name and other.id != meta.id for other in self._everybodys()):
            raise InputError(f"Another dataset is called {name!r}; choose a name that is not in the library.")
        return self._described(replace(meta, name=name))

    def share(self, ref: str, shared: bool) -> DatasetMeta:
        """Let everybody who signs in see a dataset, or its owners alone. Raises InputError as `rename` does."""
        return self._described(replace(self._own(ref), shared=shared))

    def remove(self, ref: str) -> None:
        """Delete a dataset for good; InputError if it is shipped. Runs and reports made from it stay.

        Of a dataset that several people brought, one is no longer an owner, and the others keep it.
        """
        meta = self._own(ref)
        others = [name for name in meta.owners if not self.viewer.owns([name])]
        if others and self.viewer.name is not None:
            self._described(replace(meta, owners=others))
            return
        folder = resolve_inside(self.root, meta.id)
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
        refuse_if_only_read()
        meta = self._find(ref)
        if meta.embedded:
            raise InputError(f"The dataset {meta.name!r} is shipped with Popscape and cannot be changed or removed.")
        if not self.viewer.changes(meta.owners):
            raise InputError(f"The dataset {meta.name!r} is not yours: only who brought it can change or remove it.")
        return meta

    def _joined(self, meta: DatasetMeta) -> DatasetMeta:
        """A dataset whose content the viewer has brought as well."""
        name = self.viewer.signature()
        if not name or not meta.owners or name in meta.owners:
            return meta
        return self._described(replace(meta, owners=[*meta.owners, name]))

    def _described(self, meta: DatasetMeta) -> DatasetMeta:
        write_json(resolve_inside(self.root, meta.id) / "meta.json", meta.to_dict())
        return meta

    def _free_name(self, name: str) -> str:
        taken = {meta.name for meta in self._everybodys()}
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


def _clean_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        raise InputError(f"{name[:80]!r} cannot be a name; 1 to {NAME_LENGTH} printable characters are expected.")
    return name
