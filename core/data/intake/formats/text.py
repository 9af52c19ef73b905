"""Text tables of calls: CSV, TSV or blanks, with or without header and ids, individuals in rows or in columns."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Calls, Genotypes, Strings, from_calls, number_ids
from core.data.intake.coding import CODINGS, COUNTS, Coding, judge
from core.data.intake.columns import MISSING_WORDS, individual_columns
from core.data.intake.formats import dart
from core.data.intake.formats.base import CohortFormat, CohortSource, Head, ReadResult, formats, only_file, rows_preview
from core.data.intake.formats.calls import CallsWriter, check_size, column, variant_columns
from core.data.intake.formats.codes import LineParser
from core.data.intake.formats.counted import with_counted_alleles
from core.data.intake.formats.layout import Layout, describes, find_layout, numbered
from core.data.intake.formats.matrix import ploidy_of
from core.data.intake.people import are_sexes
from core.data.intake.tables import decode, split
from core.data.intake.variants import places_of
from core.errors import InputError

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", " ": "blanks"}


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
    endings = (".csv", ".tsv", ".txt", ".raw")
    recognised = "when nothing else fits: rows of numbers, with or without header and ids; all values judge the coding"

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
        layout = find_layout(source)
        asked = source.options.coding if source.options.coding != "auto" else layout.coding
        body = _Body.read(layout, source, CODINGS.get(asked, COUNTS))
        coding, said = body.judged(asked)
        if coding is not body.parser.coding:
            body = _Body.read(layout, source, coding)
        return body.result(source, said)

    @staticmethod
    def preview(source: CohortSource) -> dict[str, Any]:
        only_file(source)
        layout = find_layout(source)
        rows = [[cell[:40] for cell in row[:9]] for row in layout.first_rows[:9]]
        notes = [*layout.notes, f"Columns are separated by {_SEPARATORS.get(layout.delimiter, layout.delimiter)}."]
        return rows_preview(layout.width, layout.samples_in_columns, rows, notes)


class _Body:
    """The rows of a table: calls to the scratch file, cells before and behind them to columns."""

    def __init__(self, layout: Layout, source: CohortSource, coding: Coding) -> None:
        self.layout = layout
        self.name = source.main.name
        self.parser = LineParser(layout.width, layout.delimiter.encode(), self.name, coding)
        self.writer = CallsWriter(source.folder, layout.width, self.name)
        self.calls: Calls = np.zeros((0, layout.width), dtype=np.int8)  # rows as in the file
        self.beside: list[list[str]] = []  # the cells of `lead` and `tail`
        check_size(1, layout.width, self.name)

    @classmethod
    def read(cls, layout: Layout, source: CohortSource, coding: Coding) -> _Body:
        """Every line of the file."""
        body = cls(layout, source, coding)
        for number, line in numbered(source.main):
            if number > layout.body_line and line.strip():
                body.add(number, line)
        body.calls = body.writer.matrix()
        return body

    def judged(self, asked: str) -> tuple[Coding, list[str]]:
        """The coding that all values together say, with a remark; the header's word counts as asked for."""
        calls = self.calls if self.layout.samples_in_columns else self.calls.T
        coding, said = judge(self.parser.tally(), calls, self.name, asked, self.parser.where)
        if self.layout.coding == asked != "auto":
            said = [f"The values are read as {coding.title}, as the header says."]
        return coding, said

    def add(self, number: int, line: bytes) -> None:
        """One line."""
        calls, beside = beside_calls(line, number, self.layout, self.name)
        self.writer.append(self.parser.parse(calls, number, len(self.layout.lead) + 1))
        self.beside.append(beside)

    def result(self, source: CohortSource, said: list[str]) -> ReadResult[Genotypes]:
        """The genotypes, individuals in rows."""
        layout, notes = self.layout, [*self.layout.notes, *said, *self.parser.remarks()]
        rows, beside = self.calls, self.beside
        if layout.samples_in_columns:
            names = layout.lead + layout.tail
            columns = {j: [row[j] for row in beside] for j in range(len(names))}
            changed = dart.changes(names, columns) if dart.is_dart(names) else None
            if dart.in_two_rows(rows, changed):
                rows, beside = dart.paired(rows), beside[1::2]
                notes.append("Each variant has two rows, one an allele (as DArT has them); they became one count.")
        calls = rows.T if layout.samples_in_columns else rows
        tables, remarks = described_table(layout, beside, len(rows))
        notes += remarks
        pairs = self.parser.tally().pairs or self.parser.coding.diploid
        asked = source.options.ploidy
        if asked == "auto":
            asked = layout.told.get("ploidy", [asked])[0]
        ploidy, inferred = ploidy_of(calls, asked, pairs)
        result = from_calls(calls, ploidy, **tables)
        if not layout.samples_in_columns and layout.ids:
            result, told = with_counted_alleles(result)
            notes += told
        return ReadResult(result, {}, notes + inferred)


def beside_calls(line: bytes, number: int, layout: Layout, name: str) -> tuple[bytes, list[str]]:
    """The calls of one line as they are, and the cells before and behind them. Raises InputError naming the line."""
    lead, tail, delimiter = len(layout.lead), len(layout.tail), layout.delimiter.encode()
    between = None if delimiter == b" " else delimiter
    if b'"' in line:
        cells = [cell.encode() for cell in split(decode(line), layout.delimiter)]
        middle = len(cells) - tail
        parts = [*cells[:lead], delimiter.join(cells[lead:middle]), *cells[middle:]] if middle > lead else cells
    else:
        parts = line.rstrip(b"\r\n").split(between, lead)
        if tail and len(parts) > lead:
            parts = [*parts[:lead], *parts[lead].rsplit(between, tail)]
    if len(parts) <= lead + tail:
        raise InputError(
            f"{name} has {len(parts)} columns in line {number:,} where "
            f"{lead + tail + layout.width:,} are expected; check the delimiter and empty cells."
        )
    calls = parts[lead].rstrip(b" \t" if delimiter == b" " else b" ")
    return calls, [_unescaped(decode(part).strip()) for part in (*parts[:lead], *parts[lead + 1 :])]


def described_table(layout: Layout, beside: list[list[str]], rows: int) -> tuple[dict[str, Any], list[str]]:
    """Columns of `Genotypes` from the cells beside the calls of each row and from the header, with remarks."""
    names = layout.lead + layout.tail
    notes: list[str] = []
    columns = {j: [row[j] for row in beside] for j in range(len(names))}
    if layout.samples_in_columns:
        across, tables = "sample_id", _variant_side(names, columns, rows)
    else:
        across, tables = "variant_id", _individual_side(names, columns, rows, notes)
    if layout.ids:
        tables[across] = column(layout.ids)
    if layout.told and not layout.samples_in_columns:
        tables |= _variants_told(layout, tables.get("variant_id"))
    return tables, notes


def _variant_side(names: list[str], columns: dict[int, list[str]], m: int) -> dict[str, Any]:
    places = places_of(names)
    lower = [name.lower() for name in names]
    changed = None
    if dart.is_dart(names):  # its column SNP is no id but what changes
        places["id"] = lower.index("alleleid" if "alleleid" in lower else "cloneid")
        changed = dart.changes(names, columns)
    if "id" not in places:
        free = [j for j in columns if j not in places.values()]
        if free:
            places["id"] = free[0]
    contig = columns[places["contig"]] if "contig" in places else [""] * m
    position = [_base_pairs(v) for v in columns[places["position"]]] if "position" in places else [0] * m
    alleles = [columns[places[k]] if k in places else [""] * m for k in ("reference", "alternate")]
    pairs = changed or list(zip(*alleles, strict=True))
    if "id" in places:
        ids = columns[places["id"]]
    elif "position" in places:
        ids = [f"{c}:{p}" for c, p in zip(contig, position, strict=True)]
    else:
        ids = number_ids("variant", m).tolist()
    return variant_columns(ids, contig, position, pairs)


def _variants_told(layout: Layout, ids: Strings | None) -> dict[str, Any]:
    """Contigs, positions and alleles from the lines that our export writes above the columns."""
    blank = [""] * layout.width
    contig, position, *alleles = (
        [_unescaped(cell) for cell in layout.told.get(k, blank)]
        for k in ("contig", "position", "reference", "alternate")
    )
    names = number_ids("variant", layout.width) if ids is None else ids
    return variant_columns(names, contig, map(_base_pairs, position), zip(*alleles, strict=True))


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
    free = [j for j in columns if not describes(names[j])]
    key = (named or unique or free or [-1])[0]
    if key < 0:
        notes.append("No column holds ids of individuals; they are numbered.")
    told = {names[j]: values for j, values in columns.items() if names[j].startswith(("label:", "phenotype:"))}
    rest = {
        names[j] or ("sex" if are_sexes(values) else f"column_{j + 1}"): values
        for j, values in columns.items()
        if j != key and names[j] not in {"FID", "PAT", "MAT", *told} and not _counts_up(values)
    }
    if "FID" in names and len(set(columns[names.index("FID")])) <= n // 2:
        rest["family"] = columns[names.index("FID")]
    labels, phenotypes, said = individual_columns(
        {k: v for k, v in rest.items() if set(v) - {"0", "-9", "NA"}}, plink="IID" in names
    )
    notes += said
    return {
        **({"sample_id": column(columns[key])} if key >= 0 else {}),
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
