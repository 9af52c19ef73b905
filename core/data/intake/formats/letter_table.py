"""Text tables of genotypes in letters: A/G, AG, A G, IUPAC codes, or Illumina's A and B; any header and orientation."""

from __future__ import annotations

import csv
import re
from collections import Counter
from typing import Any

import numpy as np

from core.data.genotypes import Calls, Genotypes
from core.data.intake.formats.base import CohortFormat, CohortSource, Head, ReadResult, formats, only_file, rows_preview
from core.data.intake.formats.calls import CallsWriter, NoVariantError, column
from core.data.intake.formats.layout import Layout, find_layout, numbered
from core.data.intake.formats.letters import (
    NUMBERED,
    ONE,
    SIGN,
    TWO,
    Codes,
    LetterCells,
    LetterCounts,
    absent,
    spelling_of,
)
from core.data.intake.formats.text import beside_calls, described_table
from core.data.intake.tables import delimiter_of, split
from core.errors import InputError

_LOOK = 60  # lines, as many as the layout is judged from
_MOST = 0.8
_BLOCK_CALLS = 8 << 20


@formats.register(
    "letters",
    title="Table of letters",
    kind="genotypes",
    help="CSV, TSV or blank-separated genotypes in letters (A/G, AG, R, or A and B); the rarer allele is counted.",
    source="IUPAC codes (Cornish-Bowden 1985); Illumina's AB alleles",
)
class LetterTable(CohortFormat):
    """Header, ids and orientation are found as in a table of counts."""

    fallback = 1
    recognised = "by cells of one or two letters of alleles"

    @staticmethod
    def matches(head: Head) -> bool:
        return bool(spellings_in(head.first))

    @staticmethod
    def read(source: CohortSource) -> ReadResult[Genotypes]:
        only_file(source)
        spellings = spellings_in(source.main.first)
        layout = find_layout(source, is_call=lambda cell, **_: fits(cell, spellings))
        return _read(layout, source)

    @staticmethod
    def preview(source: CohortSource) -> dict[str, Any]:
        only_file(source)
        spellings = spellings_in(source.main.first)
        layout = find_layout(source, is_call=lambda cell, **_: fits(cell, spellings))
        rows = [[cell[:40] for cell in row[:9]] for row in layout.first_rows[:9]]
        return rows_preview(layout.width, layout.samples_in_columns, rows, list(layout.notes))


def spellings_in(first: bytes) -> frozenset[str]:
    """How nearly all cells of a table spell a genotype: "A/G", "AG" or "A", also a pair for heterozygotes beside one
    letter for homozygotes; empty where they do not.
    """
    none: frozenset[str] = frozenset()
    if b"\0" in first:
        return none
    lines = [line for line in first.split(b"\n") if line.strip() and not line.startswith(b"#")]
    lines = lines[: _LOOK + 1] if len(lines) > 1 else []
    rows = _rows([line.decode("utf-8", "replace") for line in lines])
    width = len(rows[1]) if len(rows) > 1 else 0
    cells = [cell.encode() for row in rows[1:] if len(row) == width for cell in row[2 * width // 3 :]]
    if width < 3 or not cells:
        return none
    known = Counter(spelling_of(cell) for cell in cells if not absent(cell))
    if not known:
        return none
    # A table of counts may have a column of letters; letters alone are a table of genotypes.
    enough = _MOST * sum(known.values())
    pair = SIGN if known[SIGN] >= known[TWO] else TWO
    columns = zip(*(row for row in rows[1:] if len(row) == width), strict=True)
    # The alleles of a variant are a pair in every row; genotypes are one or the other in the same column.
    mixed = any({ONE, pair} <= {spelling_of(cell.encode()) for cell in column_of} for column_of in columns)
    if mixed and known[ONE] + known[pair] >= enough:
        return frozenset((ONE, pair))
    spelling, count = known.most_common(1)[0]
    if (spelling == NUMBERED and not _from_one(cells)) or count < enough:
        return none
    return frozenset((spelling,)) if spelling else none


def _from_one(cells: list[bytes]) -> bool:
    """Whether numbered alleles begin with 1, and 0 stands for missing; 0/1 and 1/1 are counts of a text table."""
    pairs = [re.split(rb"[/|:]", cell.strip()) for cell in cells if spelling_of(cell) == NUMBERED]
    half = any(pair.count(b"0") == 1 for pair in pairs)
    return not half and any(one not in (b"0", b"1") for pair in pairs for one in pair)


def _rows(lines: list[str]) -> list[list[str]]:
    try:
        return [split(line, delimiter_of(line)) for line in lines]
    except csv.Error:
        return []


def fits(cell: bytes, spellings: frozenset[str]) -> bool:
    """Whether a cell is a genotype of one of these spellings, or says that there is none."""
    return absent(cell) or spelling_of(cell) in spellings


def _read(layout: Layout, source: CohortSource) -> ReadResult[Genotypes]:
    name = source.main.name
    letters = LetterCells(name)
    writer = CallsWriter(source.folder, layout.width, name, np.uint16)
    beside: list[list[str]] = []
    for number, line in numbered(source.main):
        if number > layout.body_line and line.strip():
            text, cells = beside_calls(line, number, layout, name)
            delimiter = layout.delimiter.encode()
            words = text.split() if delimiter == b" " else text.split(delimiter)
            if len(words) != layout.width:
                lead = len(layout.lead) + len(layout.tail)
                raise InputError(
                    f"{name} has {len(words) + lead:,} columns in line {number:,} where {layout.width + lead:,} "
                    "are expected; check the delimiter and empty cells."
                )
            writer.append(letters.line(words, number, len(layout.lead) + 1))
            beside.append(cells)
    numbers = writer.matrix()
    if letters.only_homozygotes and not _is_illumina(letters):
        _refuse_two_columns(letters.first[numbers], layout, name)
    _refuse_alleles(letters, numbers, layout, name)
    calls, counts, said = _counted(numbers, layout, letters, source)
    if not counts.pairs:
        raise NoVariantError(f"{name} has no variant of one or two alleles; split multi-allelic ones first.")
    tables, notes = described_table(layout, beside, len(numbers))
    kept = np.array(counts.kept)
    if not layout.samples_in_columns and "variant_id" not in tables:
        tables["variant_id"] = column(f"variant_{j + 1}" for j in range(len(kept)))
    own = tables.pop("variant_allele", None)
    tables = {k: v[kept] if k.startswith("variant_") else v for k, v in tables.items()}
    pairs = column((one for pair in counts.pairs for one in pair), 50).reshape(-1, 2)
    calls, pairs, oriented = _oriented(calls, pairs, None if own is None else own[kept])
    genotypes = Genotypes(calls=calls.T, variant_allele=pairs, **_completed(tables, calls))
    return ReadResult(genotypes, counts.dropped(), [*layout.notes, *notes, *said, *oriented, *letters.remarks()])


def _is_illumina(letters: LetterCells) -> bool:
    """Whether the alleles are called A and B, as Illumina and crosses have them."""
    return {"B"} <= set(letters.alleles.spelling) <= {"", "A", "B"}


def _refuse_two_columns(alleles: Codes, layout: Layout, name: str) -> None:
    """Refuse a table that has one allele a cell: neighbouring columns then have the same alleles, or the same name."""
    width = layout.width
    names = [re.sub(r"[._-]?([12ab]|allele[12])$", "", one, flags=re.IGNORECASE) for one in layout.ids]
    named = bool(names) and width % 2 == 0 and names[::2] == names[1::2] and len(set(names)) == width // 2
    alike = False
    if width % 2 == 0 and not layout.samples_in_columns:
        seen = [frozenset(np.unique(column_of).tolist()) - {0} for column_of in alleles.T[:400]]
        varied = [(one, two) for one, two in zip(seen[::2], seen[1::2], strict=True) if len(one | two) > 1]
        alike = len(varied) > 2 and sum(one == two for one, two in varied) >= _MOST * len(varied)
    if named or alike:
        raise InputError(
            f"{name} has two columns a genotype, one letter each; one cell a genotype is expected: "
            "join them (A/G), or give PLINK ped with its map."
        )


def _refuse_alleles(letters: LetterCells, numbers: Any, layout: Layout, name: str) -> None:
    """Refuse a table without a header whose first individual is a heterozygote everywhere, which alleles look like."""
    first = numbers[:, 0]
    one, two = letters.first[first], letters.second[first]
    if not layout.ids and layout.samples_in_columns and ((one != two) & (one != 0) & (two != 0)).all():
        raise InputError(
            f"{name} has no header, and its column {len(layout.lead) + 1} holds two different alleles in every row, as "
            "a list of the alleles of each variant does; genotypes are expected there: name the columns in a header, "
            "or take that column out."
        )


def _counted(
    numbers: Any, layout: Layout, letters: LetterCells, source: CohortSource
) -> tuple[Calls, LetterCounts, list[str]]:
    """(variants, individuals) counts from (rows, columns) numbers of cells."""
    by_variant = numbers if layout.samples_in_columns else numbers.T
    counts = LetterCounts(letters.alleles)
    illumina = _is_illumina(letters)
    writer = CallsWriter(source.folder, by_variant.shape[1], source.main.name)
    step = max(1, _BLOCK_CALLS // by_variant.shape[1])
    for start in range(0, by_variant.shape[0], step):
        block = np.ascontiguousarray(by_variant[start : start + step])
        listed = [("A", "B")] * len(block) if illumina else None
        writer.append(counts.add(letters.first[block], letters.second[block], listed))
    said = counts.remarks()
    if illumina:
        counts.pairs = [("", "")] * len(counts.pairs)
        said.append("A and B name alleles (Illumina, crosses): B is counted, and which bases they are stays unknown.")
    return writer.matrix(), counts, said


def _oriented(calls: Calls, pairs: Any, own: Any) -> tuple[Calls, Any, list[str]]:
    """Count the alternate allele where columns of the table name the two."""
    if own is None or not (own != "").all(axis=1).any():
        return calls, pairs, []
    turned = (pairs == own[:, ::-1]).all(axis=1) | ((pairs[:, 1] == "") & (pairs[:, 0] == own[:, 1]))
    known = turned | (pairs == own).all(axis=1) | ((pairs[:, 1] == "") & (pairs[:, 0] == own[:, 0]))
    counts = np.array(calls)
    counts[turned] = np.where(counts[turned] < 0, counts[turned], 2 - counts[turned])
    note = f"The alternate allele that the table names is counted in {int(known.sum()):,} of {len(own):,} variants."
    return counts, np.where(known[:, None], own, pairs), [note]


def _completed(tables: dict[str, Any], calls: Calls) -> dict[str, Any]:
    """Columns that a cohort must have, made up where the table has none."""
    m, n = calls.shape
    defaults = {
        "sample_id": column(f"sample_{i + 1}" for i in range(n)),
        "variant_id": column(f"variant_{j + 1}" for j in range(m)),
        "variant_contig": np.full(m, "", dtype=np.str_),
        "variant_position": np.zeros(m, dtype=np.int64),
    }
    return defaults | tables
