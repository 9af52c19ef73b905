"""What is done with genotypes once they are read: tables joined, ids checked, variants ordered, filters applied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from core.data.dataset import ranked
from core.data.genotype_counts import genotype_counts
from core.data.genotypes import Genotypes
from core.data.intake.columns import ordered, require_labels
from core.data.intake.filters import apply_filters
from core.data.intake.formats.base import CohortFormat, CohortSource, ReadResult
from core.data.intake.formats.calls import refuse_repeats, taken
from core.data.intake.joining import read_joined
from core.data.intake.samples import join_samples
from core.data.population_files import write_population
from core.errors import InputError

_SMALL = 4 << 20  # bytes on disk that are read in a second or two
_VALUES_SHOWN = 6
_SORTED_NOTE = "Variants were put in the order of their positions within each contig."


def read(reader: type[CohortFormat], sources: Sequence[CohortSource]) -> dict[str, Any]:
    """Read and finish the cohort, of one file or of several, and write it to the child's folder.

    {"dropped", "notes", "ploidy"}.
    """
    source = sources[0]
    result = finish(read_joined(reader, sources), source)
    write_population(source.folder, result.population)
    return {"dropped": result.dropped, "notes": result.notes, "ploidy": result.population.ploidy}


def preview(reader: type[CohortFormat], sources: Sequence[CohortSource]) -> dict[str, Any]:
    """What the first part of the file shows, as its format says; of small files all that an import would say.

    Then "read" has {"ploidy", "missing" (share of calls), "labels" {name: its first values}, "phenotypes", "positions",
    "alleles" (variants whose pair is known), "dropped"} and "notes" are those of the import.
    """
    source = sources[0]
    shown = reader.preview(source)
    if len(sources) > 1:
        names = ", ".join(one.main.name for one in sources[1:4]) + (" …" if len(sources) > 4 else "")
        note = f"This is {source.main.name}; {names} will be put together with it, if the individuals are the same."
        shown = {**shown, "variants": None, "notes": [note, *shown["notes"]]}
    heads = [head for one in sources for head in (one.main, *one.others)]
    if sum(head.path.stat().st_size for head in heads) > _SMALL:
        return shown
    # Columns that are asked for may stand in a table that does not come with a preview.
    plain = replace(source.options, label_columns=())
    asked = [replace(one, options=plain) for one in sources]
    result = finish(read_joined(reader, asked), asked[0])
    genotypes = result.population
    told = {
        "ploidy": genotypes.ploidy,
        "missing": float((genotypes.calls < 0).mean()),
        "labels": {name: ranked(values)[:_VALUES_SHOWN] for name, values in genotypes.labels.items()},
        "phenotypes": list(genotypes.phenotypes),
        "positions": genotypes.has_positions,
        "alleles": int((genotypes.variant_allele != "").all(axis=1).sum()),
        "dropped": {reason: times for reason, times in result.dropped.items() if times},
    }
    own = [note for note in shown.get("notes", []) if note not in result.notes]
    notes = own + result.notes + _counted(genotypes)
    return shown | {"individuals": genotypes.n, "variants": genotypes.m, "notes": notes, "read": told}


def _counted(genotypes: Genotypes) -> list[str]:
    """Which allele is counted, of the first variants that know it."""
    pairs = zip(genotypes.variant_id[:50].tolist(), genotypes.variant_allele[:50].tolist(), strict=True)
    known = [
        f"{one} counts {counted}" + (f" (not {other})" if other else "") for one, (other, counted) in pairs if counted
    ]
    return [f"Alleles: {', '.join(known[:3])}{' and so on' if len(known) > 3 else ''}."] if known else []


def finish(result: ReadResult[Genotypes], source: CohortSource) -> ReadResult[Genotypes]:
    """Join the tables, check the ids, put the variants in order and filter: the same for every format."""
    genotypes, notes = result.population, list(result.notes)
    label_columns = source.options.label_columns
    _check_ids(genotypes, source.main.name)
    if source.variants:
        genotypes, said = source.variants.join(genotypes)
        notes += said
    if source.samples:
        genotypes, said = join_samples(source.samples, genotypes, label_columns)
        notes += said
    require_labels(genotypes.labels, label_columns)
    if label_columns:
        genotypes = replace(genotypes, labels=ordered(genotypes.labels, label_columns))
    genotypes, said = _in_order(genotypes)
    genotypes, removed = apply_filters(genotypes, source.options)
    dropped = Counter(result.dropped) + Counter(removed)
    _check_minimum(genotypes, source.main.name, source.least, dropped)
    kept = {reason: dropped.get(reason, 0) for reason in [*result.dropped, *removed]}
    return ReadResult(genotypes, kept, notes + said + _remarks(genotypes))


def _check_ids(genotypes: Genotypes, name: str) -> None:
    ids = genotypes.sample_id.tolist()
    refuse_repeats(ids, name)
    if any(not one.strip() for one in ids):
        raise InputError(f"{name} has individuals without an id; give each an id of its own.")


def _in_order(genotypes: Genotypes) -> tuple[Genotypes, list[str]]:
    """Variants by contig (in order of first appearance) and position, as windows and LD decay need them."""
    if not genotypes.has_positions:
        return genotypes, []
    _, first, code = np.unique(genotypes.variant_contig, return_index=True, return_inverse=True)
    order = np.lexsort((genotypes.variant_position, first[code.reshape(-1)]))
    if (order == np.arange(genotypes.m)).all():
        return genotypes, []
    return genotypes.variants(order, taken(genotypes.calls, order, axis=1)), [_SORTED_NOTE]


def _check_minimum(genotypes: Genotypes, name: str, least: int, dropped: Mapping[str, int]) -> None:
    if genotypes.n < least or genotypes.m < 2:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in dropped.items() if count)
        left_out = f" (left out: {reasons})" if reasons else ""
        raise InputError(
            f"{name} gives {genotypes.n:,} individuals x {genotypes.m:,} variants{left_out}; at least 2 x 2 are needed "
            "to speak of a population: give more data or relax the filters."
        )
    if int(genotypes.calls.max()) < 0:
        raise InputError(f"{name} has no call at all (every genotype is missing); check how missing calls are coded.")


def _remarks(genotypes: Genotypes) -> list[str]:
    repeated = genotypes.m - len(set(genotypes.variant_id.tolist()))
    notes = [f"{repeated:,} variants share the id of an earlier one."] if repeated else []
    counts = genotype_counts(genotypes.calls, genotypes.ploidy)
    if ((counts > 0).sum(axis=1) <= 1).all():
        notes.append("No variant varies among the individuals: structure and linkage have no value here.")
    return notes
