"""One cohort from several files of the same individuals, such as a VCF a chromosome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Genotypes
from core.data.intake.formats.base import CohortFormat, CohortSource, ReadResult
from core.data.intake.formats.calls import CallsWriter, NoVariantError
from core.errors import InputError

_BLOCK_CALLS = 32 << 20
_REPEATED = "in an earlier file too"
_VARIANT_COLUMNS = ("variant_id", "variant_contig", "variant_position", "variant_allele")


def read_joined(reader: type[CohortFormat], sources: Sequence[CohortSource]) -> ReadResult[Genotypes]:
    """Read every source and put their variants side by side, the individuals in the order of the first.

    A file that gives no variant is left out with a remark, unless none gives any. Raises InputError where the
    individuals or their ploidies differ.
    """
    if len(sources) == 1:
        return reader.read(sources[0])
    results: list[tuple[str, ReadResult[Genotypes]]] = []
    notes: list[str] = []
    for number, source in enumerate(sources, 1):
        try:
            results.append((source.main.name, reader.read(source)))
        except NoVariantError as error:
            if number == len(sources) and not results:
                raise
            notes.append(f"Nothing was taken from one file: {error}")
    return _joined(results, sources[0], notes)


def _joined(
    results: Sequence[tuple[str, ReadResult[Genotypes]]], source: CohortSource, notes: list[str]
) -> ReadResult[Genotypes]:
    dropped: Counter[str] = Counter()
    first_name, first = results[0]
    writer = CallsWriter(source.folder, first.population.n, first_name)
    columns: dict[str, list[Any]] = {name: [] for name in _VARIANT_COLUMNS}
    labels: dict[str, Any] = {}
    phenotypes: dict[str, Any] = {}
    seen: set[tuple[str, ...]] = set()
    for name, result in results:
        one = result.population
        order = _order(first.population, one, first_name, name)
        keep = _new(one, seen)
        dropped += Counter(result.dropped) + Counter({_REPEATED: one.m - len(keep)})
        notes += [note for note in result.notes if note not in notes]
        step = max(1, _BLOCK_CALLS // one.n)
        for start in range(0, len(keep), step):
            writer.append(one.calls.T[keep[start : start + step]][:, order])
        for column, values in columns.items():
            values.append(getattr(one, column)[keep])
        labels = labels or {key: label[order] for key, label in one.labels.items()}
        phenotypes = phenotypes or {key: trait[order] for key, trait in one.phenotypes.items()}
    joined: dict[str, Any] = {column: np.concatenate(values) for column, values in columns.items()}
    cohort = replace(
        first.population,
        calls=writer.matrix().T,
        labels=labels,
        phenotypes=phenotypes,
        **joined,
    )
    names = ", ".join(name for name, _ in results[:3]) + (" …" if len(results) > 3 else "")
    notes.insert(0, f"{len(results):,} files of the same individuals were put together ({names}).")
    return ReadResult(cohort, {reason: count for reason, count in dropped.items() if count}, notes)


def _order(first: Genotypes, one: Genotypes, first_name: str, name: str) -> npt.NDArray[np.int64]:
    """The rows of `one` in the order of the individuals of `first`."""
    row = {who: i for i, who in enumerate(one.sample_id.tolist())}
    wanted = first.sample_id.tolist()
    absent = [who for who in wanted if who not in row]
    added = set(row) - set(wanted)
    if absent or added:
        who, has, lacks = (absent[0], first_name, name) if absent else (sorted(added)[0], name, first_name)
        raise InputError(
            f"{first_name} and {name} have different individuals ({who!r} is in {has} and not in {lacks}); files of "
            "one cohort have the same: import one at a time, or merge individuals first (bcftools merge)."
        )
    if first.ploidy != one.ploidy:
        raise InputError(
            f"{first_name} has ploidy {first.ploidy} and {name} ploidy {one.ploidy}; one is expected: leave out the "
            "files of sex chromosomes, or set ploidy."
        )
    return np.array([row[who] for who in wanted], dtype=np.int64)


def _new(one: Genotypes, seen: set[tuple[str, ...]]) -> npt.NDArray[np.int64]:
    """The variants that no earlier file has: by contig, position and alleles, by id where no position is known."""
    keep, here = [], set()
    alleles = one.variant_allele.tolist()
    for j, (contig, position) in enumerate(
        zip(one.variant_contig.tolist(), one.variant_position.tolist(), strict=True)
    ):
        key = (contig, str(position), *alleles[j]) if position else (contig, str(one.variant_id[j]))
        if key not in seen:
            keep.append(j)
        here.add(key)
    seen |= here
    return np.array(keep, dtype=np.int64)
