"""Tables of individuals as programs write them: fam, ind, psam, Oxford and SHAPEIT sample files, or with a header."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from core.data.genotypes import Strings
from core.data.intake.columns import Phenotype, individual_columns
from core.data.intake.tables import Table, read_table
from core.errors import InputError

_FAM = ["FID", "IID", "PAT", "MAT", "SEX", "PHENOTYPE"]
_IND = ["id", "sex", "population"]
_TYPES = frozenset("0DBCP")
_SEXES = frozenset({"m", "f", "u", "male", "female", "unknown"})
NO_DESCRIPTION = frozenset({"id_2", "missing", "iid", "father", "mother", "pat", "mat"})
"""Columns of sample files that say nothing about an individual that could be learnt."""


def read_people(path: Path, name: str) -> Table:
    """The table with a header, whatever program wrote it; without one a column of M and F is called sex.

    Raises InputError as `read_table` does.
    """
    suffix = Path(name.lower().removesuffix(".gz")).suffix
    if suffix == ".fam":
        return _headed(read_table(path, name, header=False, delimiter=" "), _FAM)
    if suffix == ".ind":
        return _headed(read_table(path, name, header=False, delimiter=" "), _IND)
    oxford = suffix in (".sample", ".samples")
    table = read_table(path, name, header=True if oxford else None, delimiter=" " if oxford else "")
    if table.header is None:
        return _headed(table, _guessed(table))
    if oxford and len(table.rows) > 1 and all(cell in _TYPES for cell in table.rows[0]):
        table = Table(table.name, table.header, table.rows[1:])  # the second line has the types of the columns
    return table


def ids_of_people(table: Table) -> list[str]:
    """The id of each row of a sample file that belongs to calls: ID_2 where it says more than ID_1, else the first."""
    header = [cell.lower() for cell in table.header or []]
    first = table.column(0)
    if header[:2] == ["id_1", "id_2"]:
        second = table.column(1)
        return second if len(set(second)) == len(second) and len(set(first)) < len(first) else first
    if "iid" in header:
        return table.column(header.index("iid"))
    return first


def is_plink(table: Table) -> bool:
    """Whether -9 stands for missing in this table by PLINK's custom: it has family and individual ids."""
    header = {cell.lstrip("#").upper() for cell in table.header or []}
    return "IID" in header or {"ID_1", "ID_2"} <= header


def described(table: Table) -> dict[str, list[str]]:
    """The columns that describe individuals, without ids, parents and the share of missing calls."""
    header = table.header or []
    return {name: table.column(j) for j, name in enumerate(header) if j and name.lower() not in NO_DESCRIPTION}


def described_individuals(
    path: Path | None, shown: str, count: int, name: str
) -> tuple[list[str] | None, dict[str, Strings], dict[str, Phenotype], list[str]]:
    """Ids, labels, phenotypes and remarks from a sample file, held against the `count` individuals of file `name`.

    Without a file the ids are None and the rest empty. Raises InputError where the numbers differ.
    """
    if path is None:
        return None, {}, {}, []
    table = read_people(path, shown)
    if len(table.rows) != count:
        raise InputError(
            f"{shown} names {len(table.rows):,} individuals, but {name} has {count:,}; give the files of one export."
        )
    return ids_of_people(table), *individual_columns(described(table), plink=is_plink(table))


def _headed(table: Table, header: list[str]) -> Table:
    width = len(table.rows[0])
    if width != len(header):
        raise InputError(
            f"{table.name} has {width} columns; {len(header)} are expected ({', '.join(header)}): export it anew."
        )
    return Table(table.name, header, table.rows)


def _guessed(table: Table) -> list[str]:
    """Names for the columns of a table without a header: FID and IID where two columns of ids begin it, and sex."""
    width = len(table.rows[0])
    names = [f"column_{j + 1}" for j in range(width)]
    columns = [table.column(j) for j in range(width)]
    for j, values in enumerate(columns):
        if j and are_sexes(values):
            names[j] = "sex"
    if width > 2 and len(set(columns[1])) == len(table.rows) and not any(_is_fraction(v) for v in columns[1]):
        names[:2] = ["FID", "IID"]
    return names


def are_sexes(values: Sequence[str]) -> bool:
    """Whether a column without a name holds sexes, in letters or words."""
    return {v.lower() for v in values} <= _SEXES and re.search("[mf]", "".join(values).lower()) is not None


def _is_fraction(cell: str) -> bool:
    return re.fullmatch(r"-?\d+[.,]\d+([eE][-+]?\d+)?", cell) is not None
