"""PLINK 1 binary filesets: bed (calls), bim (variants) and fam (individuals), read with bed-reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from core.data.genotypes import MISSING, Calls, Genotypes
from core.data.intake.columns import individual_columns
from core.data.intake.formats.base import CohortFormat, CohortSource, Head, ReadResult, formats, matrix_preview
from core.data.intake.formats.calls import CallsWriter, check_size, column, variant_columns
from core.data.intake.formats.families import family_columns, individual_ids
from core.data.intake.formats.pgen import MAGICS as PGEN_MAGICS
from core.data.intake.tables import Table, read_table
from core.errors import InputError

_MAGIC = b"\x6c\x1b"
_VARIANT_MAJOR = 1
_BED_READER_MISSING = -127
_BLOCK_CALLS = 32 << 20


@formats.register(
    "plink",
    title="PLINK bed",
    kind="genotypes",
    help="PLINK 1 bed with its bim and fam; counts are of allele 1, families and case/control status are kept.",
    source="PLINK 1.9 file formats (Chang et al. 2015); read with bed-reader",
)
class Plink(CohortFormat):
    """Any of the three files is enough where the other two lie beside it under the same name."""

    endings = (".bed",)
    companion_endings = (".bim", ".fam")
    joins = True
    recognised = "by its first bytes (6c 1b 01)"

    @staticmethod
    def matches(head: Head) -> bool:
        return (head.first.startswith(_MAGIC) and not head.first.startswith(PGEN_MAGICS)) or head.suffix in (
            ".bed",
            ".bim",
            ".fam",
        )

    @staticmethod
    def read(source: CohortSource) -> ReadResult[Genotypes]:
        bed, bim, fam = _tables(source)
        n, m = len(fam.rows), len(bim.rows)
        writer = CallsWriter(source.folder, n, source.main.name)
        for start in range(0, m, _step(n)):
            writer.append(_calls(bed, n, m, start, min(m, start + _step(n))))
        labels, phenotypes, notes = individual_columns(family_columns(fam), plink=True)
        genotypes = Genotypes(
            calls=writer.matrix().T,
            sample_id=column(individual_ids(fam)),
            labels=labels,
            phenotypes=phenotypes,
            **_variant_columns(bim),
        )
        return ReadResult(genotypes, {}, notes)

    @staticmethod
    def preview(source: CohortSource) -> dict[str, Any]:
        bed, bim, fam = _tables(source)
        n, m = len(fam.rows), len(bim.rows)
        corner = _calls(bed, n, m, 0, min(m, 8)).T
        return matrix_preview((n, m), individual_ids(fam), bim.column(1), corner, [])


def _step(n: int) -> int:
    return max(1, _BLOCK_CALLS // max(1, n))


def _calls(bed: Path, n: int, m: int, start: int, stop: int) -> Calls:
    """(stop - start, n) counts of allele 1."""
    from bed_reader import open_bed

    with open_bed(str(bed), iid_count=n, sid_count=m) as reader:
        block = reader.read(np.s_[:, start:stop], dtype="int8", order="F", num_threads=1).T
    return np.where(block == _BED_READER_MISSING, MISSING, block).astype(np.int8)


def _tables(source: CohortSource) -> tuple[Path, Table, Table]:
    """The path of bed, and the other two read and held against its size."""
    heads = {head.suffix: head for head in (source.main, *source.others)}
    if source.main.first.startswith(_MAGIC):
        heads[".bed"] = source.main
    bed, bim, fam = (_companion(source, heads, suffix) for suffix in (".bed", ".bim", ".fam"))
    _check_magic(bed)
    variants = read_table(bim.path, bim.name, header=False, delimiter=" ")
    people = read_table(fam.path, fam.name, header=False, delimiter=" ")
    for table, columns in ((variants, "chromosome, id, cM, position, allele 1, allele 2"), (people, "family, id, …")):
        if len(table.rows[0]) != 6:
            raise InputError(
                f"{table.name} has {len(table.rows[0])} columns; 6 are expected ({columns}): export it anew."
            )
    n, m = len(people.rows), len(variants.rows)
    expected, present = 3 + m * ((n + 3) // 4), bed.path.stat().st_size
    if expected != present:
        raise InputError(
            f"{bed.name} has {present:,} bytes, but {n:,} individuals in {fam.name} and {m:,} variants in {bim.name} "
            f"need {expected:,}; give the three files of one export."
        )
    check_size(m, n, bed.name)
    return bed.path, variants, people


def _companion(source: CohortSource, heads: dict[str, Head], suffix: str) -> Head:
    if suffix in heads:
        return heads[suffix]
    path = source.main.path.with_suffix(suffix)
    if source.main.path.suffix and path.is_file():
        return Head(path, path.name, path.read_bytes()[:3] if suffix == ".bed" else b"")
    raise InputError(
        f"{source.main.name} came without its {suffix} file; bed, bim and fam belong together: give all three, or put "
        "them in one folder under one name."
    )


def _check_magic(bed: Head) -> None:
    with bed.path.open("rb") as file:
        start = file.read(3)
    if not start.startswith(_MAGIC) or len(start) < 3:
        raise InputError(
            f"{bed.name} does not start as a PLINK bed file (found {start.hex(' ')}, expected 6c 1b 01); "
            "a text BED of regions or a PLINK 2 file is something else: write it with plink --make-bed."
        )
    if start[2] != _VARIANT_MAJOR:
        raise InputError(
            f"{bed.name} is individual-major (third byte {start[2]:02x}); variant-major (01) is expected: "
            "write it again with plink --make-bed."
        )


def _variant_columns(bim: Table) -> dict[str, Any]:
    try:
        return variant_columns(
            (f"{row[0]}:{row[3]}:{row[5]}:{row[4]}" if row[1] == "." else row[1] for row in bim.rows),
            ("" if row[0] == "0" else row[0] for row in bim.rows),
            (max(0, int(row[3])) for row in bim.rows),
            (["" if allele == "0" else allele for allele in (row[5], row[4])] for row in bim.rows),
        )
    except (ValueError, OverflowError):
        raise InputError(
            f"{bim.name} has a position that is no whole number; base pairs are expected in column 4."
        ) from None
