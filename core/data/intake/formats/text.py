"""Text tables of calls: CSV, TSV or blanks, with or without header and ids, individuals in rows or in columns."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Genotypes, from_calls, number_ids
from core.data.intake.columns import MISSING_WORDS, individual_columns
from core.data.intake.formats.base import CohortFormat, CohortSource, Head, ReadResult, formats, only_file, rows_preview
from core.data.intake.formats.calls import CallsWriter, check_size, column, variant_columns
from core.data.intake.formats.codes import LineParser
from core.data.intake.formats.layout import Layout, find_layout, numbered
from core.data.intake.formats.matrix import ploidy_of
from core.data.intake.tables import decode, split
from core.data.intake.variants import places_of
from core.errors import InputError


@formats.register(
    "text",
    title="Text",
    kind="genotypes",
    help="CSV, TSV or blank-separated counts 0/1/2 or pairs 0/1; header, ids and orientation are detected.",
    source="PLINK .raw and GAPIT numeric tables among others",
)
class Text(CohortFormat):
    """The reader that is tried when no other recognises the file."""

    fallback = 2

    @staticmethod
    def matches(head: Head) -> bool:
        sample = head.first[:4096]
        if sample[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return True
        control = sum(byte < 9 or 13 < byte < 32 for byte in sample)
        return b"\0" not in sample and control <= len(sample) // 100

    @staticmethod
    def read(source: CohortSource) -> ReadResult[Genotypes]:
        only_file(source)
        if source.main.suffix in (".ped", ".map"):
            raise InputError(
                f"{source.main.name} is PLINK text, which is not read; write bed, bim and fam with plink --make-bed."
            )
        layout = find_layout(source)
        body = _Body(layout, source)
        for number, line in numbered(source.main):
            if number > layout.header_line and line.strip():
                body.add(number, line)
        return body.result(source)

    @staticmethod
    def preview(source: CohortSource) -> dict[str, Any]:
        only_file(source)
        layout = find_layout(source)
        rows = [[cell[:40] for cell in row[:9]] for row in layout.first_rows[:9]]
        notes = [*layout.notes, f"Columns are separated by {layout.delimiter!r}."]
        return rows_preview(layout.width, layout.samples_in_columns, rows, notes)


class _Body:
    """The rows of a table: calls to the scratch file, leading cells to columns."""

    def __init__(self, layout: Layout, source: CohortSource) -> None:
        self.layout = layout
        self.name = source.main.name
        self.parser = LineParser(layout.width, layout.delimiter.encode(), self.name)
        self.writer = CallsWriter(source.folder, layout.width, self.name)
        self.lead: list[list[str]] = []
        check_size(1, layout.width, self.name)

    def add(self, number: int, line: bytes) -> None:
        """One line."""
        count, delimiter = len(self.layout.lead), self.layout.delimiter.encode()
        if b'"' in line:
            cells = [cell.encode() for cell in split(decode(line), self.layout.delimiter)]
            parts = [*cells[:count], delimiter.join(cells[count:])] if len(cells) > count else cells
        else:
            parts = line.split(None if delimiter == b" " else delimiter, count)
        if len(parts) <= count:
            raise InputError(
                f"{self.name} has {len(parts)} columns in line {number:,} where {count + self.layout.width:,} are "
                "expected; check the delimiter and empty cells."
            )
        calls = parts[count].rstrip(b" \t" if delimiter == b" " else b" ")
        self.writer.append(self.parser.parse(calls, number, count + 1))
        self.lead.append([_unescaped(decode(part).strip()) for part in parts[:count]])

    def result(self, source: CohortSource) -> ReadResult[Genotypes]:
        """The genotypes, individuals in rows."""
        layout, notes = self.layout, list(self.layout.notes)
        matrix = self.writer.matrix()
        columns = {j: [row[j] for row in self.lead] for j in range(len(layout.lead))}
        if layout.samples_in_columns:
            calls, across = matrix.T, "sample_id"
            tables = _variant_side(layout.lead, columns, len(matrix))
        else:
            calls, across = matrix, "variant_id"
            tables = _individual_side(layout.lead, columns, len(matrix), notes)
        if layout.ids:
            tables[across] = column(layout.ids)
        if self.parser.rounded:
            notes.append(f"{self.parser.rounded:,} dosages were rounded to the nearest count.")
        ploidy, said = ploidy_of(
            calls, source.options.ploidy, paired=b"/" in source.main.first or b"|" in source.main.first
        )
        return ReadResult(from_calls(calls, ploidy, **tables), {}, notes + said)


def _variant_side(names: list[str], columns: dict[int, list[str]], m: int) -> dict[str, Any]:
    places = places_of(names)
    if "id" not in places:
        free = [j for j in columns if j not in places.values()]
        if free:
            places["id"] = free[0]
    contig = columns[places["contig"]] if "contig" in places else [""] * m
    position = [_base_pairs(v) for v in columns[places["position"]]] if "position" in places else [0] * m
    alleles = [columns[places[k]] if k in places else [""] * m for k in ("reference", "alternate")]
    if "id" in places:
        ids = columns[places["id"]]
    elif "position" in places:
        ids = [f"{c}:{p}" for c, p in zip(contig, position, strict=True)]
    else:
        ids = number_ids("variant", m).tolist()
    return variant_columns(ids, contig, position, zip(*alleles, strict=True))


def _base_pairs(text: str) -> int:
    try:
        return max(0, min(round(float(text)), 2**53))
    except (ValueError, OverflowError):
        return 0


def _individual_side(names: list[str], columns: dict[int, list[str]], n: int, notes: list[str]) -> dict[str, Any]:
    """Ids (the column named as the id, else one whose entries all differ); other columns as labels or phenotypes."""
    if not columns:
        return {}
    named = [
        j for j, name in enumerate(names) if re.fullmatch(r"#?(iid|taxa|sample.*|individual.*)", name, re.IGNORECASE)
    ]
    unique = [j for j in columns if len(set(columns[j])) == n and not _counts_up(columns[j])]
    key = (named or unique or list(columns))[0]
    told = {names[j]: values for j, values in columns.items() if names[j].startswith(("label:", "phenotype:"))}
    rest = {
        names[j] or f"column_{j + 1}": values
        for j, values in columns.items()
        if j != key and names[j] not in {"FID", "PAT", "MAT", *told} and not _counts_up(values)
    }
    if "FID" in names and len(set(columns[names.index("FID")])) <= n // 2:
        rest["family"] = columns[names.index("FID")]
    labels, phenotypes, said = individual_columns({k: v for k, v in rest.items() if set(v) - {"0", "-9", "NA"}})
    notes += said
    return {
        "sample_id": column(columns[key]),
        "labels": {k[6:]: column(v) for k, v in told.items() if k.startswith("label:")} | labels,
        "phenotypes": {k[10:]: _floats(v) for k, v in told.items() if k.startswith("phenotype:")} | phenotypes,
    }


def _floats(values: list[str]) -> npt.NDArray[np.float64]:
    try:
        return np.array([float("nan") if v in MISSING_WORDS else float(v) for v in values], dtype=np.float64)
    except ValueError:
        raise InputError("A column named phenotype: holds a word; numbers or NA are expected: mend it.") from None


def _unescaped(cell: str) -> str:
    """A cell without the apostrophe that our export puts before a formula sign."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in ("=", "+", "-", "@") else cell


def _counts_up(values: list[str]) -> bool:
    """Whether a column only numbers its rows."""
    return values[:3] in (["1", "2", "3"], ["0", "1", "2"]) and len(set(values)) == len(values)
