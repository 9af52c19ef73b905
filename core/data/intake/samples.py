"""The sample table (CSV, TSV or a 1000 Genomes panel) that brings populations and phenotypes, joined on the id."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from core.data.genotypes import Genotypes
from core.data.intake.columns import individual_columns, ordered
from core.data.intake.people import NO_DESCRIPTION, is_plink
from core.data.intake.tables import Table
from core.errors import InputError

_ID_NAMES = re.compile(r"#?(sample|sample.?id|iid|id|individual|individual.?id|taxa|name|s)", re.IGNORECASE)
_FAMILY_FILE = re.compile(r"fid|father|mother|pat|mat", re.IGNORECASE)


def ids_of(table: Table) -> frozenset[str]:
    """Every entry of the column that is named as the id, or of the first one: a hint for orientation."""
    header = table.header or []
    named = [j for j, name in enumerate(header) if _ID_NAMES.fullmatch(name)]
    return frozenset(table.column(named[0] if named else 0))


def join_samples(table: Table, genotypes: Genotypes, label_columns: Sequence[str]) -> tuple[Genotypes, list[str]]:
    """Add the table's labels and phenotypes to the individuals of the same id.

    Individuals that the table lacks keep "" and NaN; both sides' unmatched are counted in the remarks. Columns of
    the table come before those that the genotype file brought. Raises InputError when no id matches or an id
    repeats with different values.
    """
    table, key, said = _with_ids(table, genotypes)
    rows = _rows_by_id(table, key, set(genotypes.sample_id.tolist()))
    header = table.header or [f"column_{j + 1}" for j in range(len(table.rows[0]))]
    blank = [""] * len(header)
    matched = [rows.get(one, blank) for one in genotypes.sample_id.tolist()]
    columns = {
        name: [row[j] for row in matched]
        for j, name in enumerate(header)
        if j != key
        and name.lower() not in NO_DESCRIPTION
        and not _FAMILY_FILE.fullmatch(name)
        and any(row[j] for row in table.rows)
    }
    labels, phenotypes, notes = individual_columns(columns, label_columns, plink=is_plink(table))
    absent = sum(one not in rows for one in genotypes.sample_id.tolist())
    unused = len({row[key] for row in table.rows} - set(genotypes.sample_id.tolist()))
    counts = f"{genotypes.n - absent:,} of {genotypes.n:,} individuals were found in {table.name}"
    first = f"{counts}; {absent:,} individuals are not in it and {unused:,} of its ids are not in the genotypes."
    notes = [first, *said, *notes]
    merged = labels | {k: v for k, v in genotypes.labels.items() if k not in labels}
    return (
        replace(
            genotypes,
            labels=ordered(merged, label_columns) if label_columns else merged,
            phenotypes=phenotypes | {k: v for k, v in genotypes.phenotypes.items() if k not in phenotypes},
        ),
        notes,
    )


def _with_ids(table: Table, genotypes: Genotypes) -> tuple[Table, int, list[str]]:
    """The table, which of its columns has the ids of the genotypes, and a remark where they are written otherwise.

    Tried are each column, family and individual id joined (as PLINK writes them to VCF), and ids without leading zeros.
    Raises InputError where none of them matches.
    """
    wanted = genotypes.sample_id.tolist()
    ids = set(wanted)
    columns = [table.column(j) for j in range(len(table.rows[0]))]
    matches = [sum(value in ids for value in set(values)) for values in columns]
    best = int(np.argmax(matches))
    if matches[best] > 0:
        return table, best, []
    for joined, how in _other_ids(table, columns):
        for short, plain in (
            (str, "as written"),
            (_without_zeros, "without leading zeros"),
            (str.casefold, "in small letters"),
        ):
            own = {short(one): one for one in wanted}
            if len(own) < len(wanted):
                continue
            renamed = [own.get(short(one), "") for one in joined]
            if any(renamed) and len(set(filter(None, renamed))) == sum(map(bool, renamed)):
                rows = [[*row, new or old] for row, new, old in zip(table.rows, renamed, joined, strict=True)]
                header = [*(table.header or [f"column_{j + 1}" for j in range(len(columns))]), "id of the genotypes"]
                example = next(filter(None, renamed))
                note = f"Individuals were found by {how} of {table.name}, {plain} (such as {example!r})."
                return Table(table.name, header, rows), len(columns), [note]
    raise InputError(
        f"No id of {table.name} (such as {table.rows[0][0][:40]!r}) is among the individuals of the genotypes "
        f"(such as {str(genotypes.sample_id[0])!r}); one column must hold the same ids."
    )


def _other_ids(table: Table, columns: list[list[str]]) -> list[tuple[list[str], str]]:
    """Other spellings of the ids: the first two columns joined, the named or first column, its words twice."""
    header = table.header or [f"column_{j + 1}" for j in range(len(columns))]
    named = [j for j, name in enumerate(header) if _ID_NAMES.fullmatch(name)] or [0]
    key = header[named[0]]
    spellings = []
    if len(columns) > 1:
        pairs = zip(columns[0], columns[1], strict=True)
        spellings.append(([f"{a}_{b}" for a, b in pairs], f"{header[0]} and {header[1]} joined by _"))
    own = columns[named[0]]
    spellings.append(([f"{one}_{one}" for one in own], f"{key} twice, joined by _"))
    spellings.append(([f"0_{one}" for one in own], f"{key} behind 0_"))
    return [*spellings, (own, key)]


def _without_zeros(one: str) -> str:
    return one.lstrip("0") or one


_SPELLINGS: tuple[tuple[Callable[[str], str], str], ...] = (
    (str, "as written"),
    (_without_zeros, "without leading zeros"),
    (str.casefold, "in small letters"),
)


def _describes(name: str) -> bool:
    return name.lower() not in NO_DESCRIPTION and not _FAMILY_FILE.fullmatch(name)


def _rows_by_id(table: Table, key: int, wanted: set[str]) -> dict[str, list[str]]:
    rows = {row[key]: row for row in table.rows}
    if len(rows) < len(table.rows):
        counts = Counter(row[key] for row in table.rows)
        for row in table.rows:
            if row != rows[row[key]] and row[key] in wanted:
                raise InputError(
                    f"{table.name} has the id {row[key]!r} {counts[row[key]]} times with different values; "
                    "one row each is expected: remove the repeats."
                )
    return rows
