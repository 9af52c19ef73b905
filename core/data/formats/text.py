"""Text tables of calls: CSV, TSV or blanks, with or without header and ids, individuals in rows or in columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from core.data import archives
from core.data.columns import individual_columns
from core.data.formats import formats
from core.data.formats.base import (
    CallsWriter,
    Format,
    Head,
    ReadResult,
    Source,
    check_size,
    column,
    number_ids,
    only_file,
)
from core.data.formats.codes import LineParser, is_call
from core.data.formats.matrix import ploidy_of
from core.data.genotypes import Genotypes
from core.data.tables import DELIMITERS, decode, delimiter_of, split
from core.data.variants import NAMES as VARIANT_NAMES
from core.errors import InputError

_LOOK = 60  # lines from which the layout is judged
_LOOK_BYTES = 96 << 20
_COLUMNS_MAX = 5_000_000
_INDIVIDUAL = re.compile(
    r"#?(sample|sample.?id|samples|iid|fid|individual|individual.?id|taxa|taxon|line|accession|animal|pat|mat|sex|gender|phenotype|pheno"
    r"|pop|population|super.?pop.*|superpopulation)",
    re.IGNORECASE,
)
_VARIANT_ID = re.compile(
    r"rs\d+.*|(chr)?([0-9]{1,2}|X|Y|MT?)[:_]\d+.*|snp.?\d+.*|variant_?\d+|AX-\d+|.*_[ACGT](_[ACGT])?", re.IGNORECASE
)
_RAW_LEAD = ["FID", "IID", "PAT", "MAT", "SEX", "PHENOTYPE"]


@formats.register(
    "text",
    kind="genotypes",
    help="CSV, TSV or blank-separated counts 0/1/2 or pairs 0/1; header, ids and orientation are detected.",
    source="PLINK .raw and GAPIT numeric tables among others",
)
class Text(Format):
    """The reader that is tried when no other recognises the file."""

    fallback = True

    @staticmethod
    def matches(head: Head) -> bool:
        """Whatever looks like text."""
        sample = head.first[:4096]
        if sample[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return True
        control = sum(byte < 9 or 13 < byte < 32 for byte in sample)
        return b"\0" not in sample and control <= len(sample) // 100

    @staticmethod
    def read(source: Source) -> ReadResult:
        """The whole table, line by line."""
        only_file(source)
        layout = find_layout(source)
        body = _Body(layout, source)
        for number, line in _numbered(source.main):
            if number > layout.header_line and line.strip():
                body.add(number, line)
        return body.result(source)

    @staticmethod
    def preview(source: Source) -> dict[str, Any]:
        """The layout that was detected and the first cells."""
        only_file(source)
        layout = find_layout(source)
        rows = [[cell[:40] for cell in row[:9]] for row in layout.first_rows[:9]]
        turned = layout.samples_in_columns
        return {
            "individuals": layout.width if turned else None,
            "variants": None if turned else layout.width,
            "orientation": "samples_in_columns" if turned else "samples_in_rows",
            "rows": rows,
            "notes": [*layout.notes, f"Columns are separated by {layout.delimiter!r}."],
        }


@dataclass(frozen=True)
class Layout:
    """What a text table looks like.

    `lead` are the names of the columns before the calls, `width` the number of call columns, `ids` their names (empty without a
    header), `header_line` the number of the header's line (0 without).
    """

    delimiter: str
    header_line: int
    lead: list[str]
    ids: list[str]
    width: int
    samples_in_columns: bool
    first_rows: list[list[str]]
    notes: list[str] = field(default_factory=list)


def find_layout(source: Source) -> Layout:
    """Judge delimiter, header, leading columns and orientation from the first lines. Raises InputError."""
    name = source.main.name
    sample = _first_lines(source.main)
    if not sample:
        raise InputError(f"{name} has no line of data; a table of counts is expected: check the export.")
    asked = source.options.delimiter
    delimiter = delimiter_of(decode(sample[0][1])) if asked == "auto" else DELIMITERS[asked]
    rows = [_cells(line, delimiter, name) for _, line in sample]
    header = rows[0] if _is_header(rows[0]) else None
    body = rows[1:] if header is not None else rows
    if not body:
        raise InputError(f"{name} has a header but no rows; a row of counts each is expected: check the export.")
    width = len(body[0])
    if header is not None and len(header) == width - 1:
        header = ["", *header]  # R writes row names without a name for their column
    if header is not None and len(header) != width:
        raise InputError(
            f"{name} has {len(header):,} columns in its header and {width:,} in the next line; "
            "check the delimiter, or quote the names that contain it."
        )
    lead = _lead(header, body)
    if lead >= width:
        raise InputError(
            f"{name} has no column of calls (line {sample[-1][0]} starts {', '.join(body[-1][:4])[:60]!r}); counts 0, 1, 2 or "
            "pairs 0/1 are expected: check that it is a table of genotypes."
        )
    names = header[:lead] if header else [""] * lead
    ids = header[lead:] if header else []
    turned, note = _orientation(source, names, ids, [row[:lead] for row in body])
    line = sample[0][0] if header is not None else 0
    return Layout(delimiter, line, names, ids, width - lead, turned, rows, [note] if note else [])


def _numbered(head: Head) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(archives.lines(head.path, head.name), 1):
        if not line.startswith(b"##"):
            yield number, line


def _first_lines(head: Head) -> list[tuple[int, bytes]]:
    found, size = [], 0
    for number, line in islice(_numbered(head), 10 * _LOOK):
        if line.strip():
            found.append((number, line))
            size += len(line)
        if len(found) == _LOOK or (size > _LOOK_BYTES and len(found) > 2):
            break
    return found


def _cells(line: bytes, delimiter: str, name: str) -> list[str]:
    count = line.count(delimiter.encode())
    if count > _COLUMNS_MAX:
        raise InputError(
            f"{name} has {count:,} columns; at most {_COLUMNS_MAX:,} are read: convert it to npz or PLINK bed."
        )
    return split(decode(line), delimiter)


def _is_header(row: list[str]) -> bool:
    """A header is a first row in which most cells behind the first are no calls."""
    cells = row[1:] if len(row) > 1 else row
    return sum(not is_call(cell.encode()) for cell in cells) > len(cells) / 2


def _lead(header: list[str] | None, body: list[list[str]]) -> int:
    """How many columns stand before the calls: those named as something else, or holding something else."""
    if header and header[:6] == _RAW_LEAD:
        return 6
    rows = [row for row in body if len(row) == len(body[0])]
    lead = 0
    for j in range(len(body[0])):
        title = header[j].strip() if header else None
        named = title is not None and (_known(title) or (j == 0 and title == ""))
        if not named and all(is_call(row[j].encode()) for row in rows):
            break
        lead = j + 1
    return lead


def _known(title: str) -> bool:
    return (
        bool(_INDIVIDUAL.fullmatch(title))
        or any(p.fullmatch(title) for k, p in VARIANT_NAMES.items() if k != "id")
        or (title.lower() in ("id", "snp", "marker", "rs", "rsid", "rs#", "cm", "name", "snpid"))
    )


def _orientation(source: Source, names: list[str], ids: list[str], lead: list[list[str]]) -> tuple[bool, str]:
    """Whether individuals are in columns, with a remark where that is a guess."""
    asked = source.options.orientation
    if asked != "auto":
        return asked == "samples_in_columns", ""
    first = [cells[0] for cells in lead if cells]
    if source.known_ids:
        across, down = (
            sum(i in source.known_ids for i in ids),
            sum(max((c in source.known_ids for c in row), default=False) for row in lead),
        )
        if across != down:
            return across > down, ""
    variant_columns = [
        n for n in names if any(p.fullmatch(n) for k, p in VARIANT_NAMES.items() if k in ("contig", "position"))
    ]
    if variant_columns or any(n.lower() in ("snp", "marker", "rs", "rsid", "rs#") for n in names):
        return True, ""
    if any(_INDIVIDUAL.fullmatch(n) for n in names):
        return False, ""
    across, down = _share(ids), _share(first)
    if max(across, down) >= 0.5 and across != down:
        return down > across, ""
    return False, (
        "Rows are taken as individuals and columns as variants; set orientation=samples_in_columns if it is the reverse."
    )


def _share(ids: list[str]) -> float:
    """The share of names that look like variants."""
    looked = ids[:500]
    return sum(_VARIANT_ID.fullmatch(i) is not None for i in looked) / len(looked) if looked else 0.0


class _Body:
    """The rows of a table: calls to the scratch file, leading cells to columns."""

    def __init__(self, layout: Layout, source: Source) -> None:
        self.layout = layout
        self.name = source.main.name
        self.parser = LineParser(layout.width, layout.delimiter.encode(), self.name)
        self.writer = CallsWriter(source.folder, layout.width, self.name)
        self.lead: list[list[str]] = []
        check_size(1, layout.width, self.name)

    def add(self, number: int, line: bytes) -> None:
        """One line."""
        count, delimiter = len(self.layout.lead), self.layout.delimiter.encode()
        if delimiter == b" ":
            parts = line.split(None, count)
        else:
            parts = line.split(delimiter, count)
        if len(parts) <= count:
            raise InputError(
                f"{self.name} has {len(parts)} columns in line {number:,} where {count + self.layout.width:,} are expected; "
                "check the delimiter and empty cells."
            )
        quoted = b'"' in line
        calls = (parts[count].replace(b'"', b"") if quoted else parts[count]).rstrip(
            b" \r" if delimiter != b" " else b" \r\t"
        )
        self.writer.append(self.parser.parse(calls, number, count + 1))
        self.lead.append([decode(part).strip().strip('"') for part in parts[:count]])

    def result(self, source: Source) -> ReadResult:
        """The genotypes, individuals in rows."""
        layout, notes = self.layout, list(self.layout.notes)
        matrix = self.writer.matrix()
        calls = matrix.T if layout.samples_in_columns else matrix
        names = layout.lead
        columns = {j: [row[j] for row in self.lead] for j in range(len(names))}
        across = (
            column(layout.ids)
            if layout.ids
            else number_ids("sample" if layout.samples_in_columns else "variant", layout.width)
        )
        if layout.samples_in_columns:
            tables = {"sample_id": across, **_variant_side(names, columns, matrix.shape[0])}
        else:
            tables = {"variant_id": across, **_individual_side(names, columns, matrix.shape[0], notes)}
            tables |= {k: v for k, v in _variant_side([], {}, layout.width).items() if k != "variant_id"}
        if self.parser.rounded:
            notes.append(f"{self.parser.rounded:,} dosages were rounded to the nearest count.")
        ploidy, said = ploidy_of(
            calls, source.options.ploidy, paired=b"/" in source.main.first or b"|" in source.main.first
        )
        return ReadResult(Genotypes(calls=calls, ploidy=ploidy, **tables), {}, notes + said, "text")


def _variant_side(names: list[str], columns: dict[int, list[str]], m: int) -> dict[str, Any]:
    places: dict[str, int] = {}
    for what, pattern in VARIANT_NAMES.items():
        for j, name in enumerate(names):
            if pattern.fullmatch(name) and j not in places.values() and what not in places:
                places[what] = j
    if "id" not in places:
        free = [j for j in columns if j not in places.values()]
        if free:
            places["id"] = free[0]
    contig = columns[places["contig"]] if "contig" in places else [""] * m
    position = [_base_pairs(v) for v in columns[places["position"]]] if "position" in places else [0] * m
    alleles = [columns[places[k]] if k in places else [""] * m for k in ("reference", "alternate")]
    if "id" in places:
        ids = column(columns[places["id"]])
    elif "position" in places:
        ids = column(f"{c}:{p}" for c, p in zip(contig, position, strict=True))
    else:
        ids = number_ids("variant", m)
    return {
        "variant_id": ids,
        "variant_contig": column(contig),
        "variant_position": np.array(position, dtype=np.int64),
        "variant_allele": column((a for pair in zip(*alleles, strict=True) for a in pair), 50).reshape(m, 2),
    }


def _base_pairs(text: str) -> int:
    try:
        return max(0, min(round(float(text)), 2**53))
    except (ValueError, OverflowError):
        return 0


def _individual_side(names: list[str], columns: dict[int, list[str]], n: int, notes: list[str]) -> dict[str, Any]:
    """Ids (the column named as the id, else the one whose entries all differ), and the other columns as labels or phenotypes."""
    if not columns:
        return {"sample_id": number_ids("sample", n)}
    named = [
        j for j, name in enumerate(names) if re.fullmatch(r"#?(iid|taxa|sample.*|individual.*)", name, re.IGNORECASE)
    ]
    unique = [j for j in columns if len(set(columns[j])) == n and not _counts_up(columns[j])]
    key = (named or unique or list(columns))[0]
    rest = {
        names[j] or f"column_{j + 1}": values
        for j, values in columns.items()
        if j != key and names[j] not in ("FID", "PAT", "MAT") and not _counts_up(values)
    }
    if "FID" in names and len(set(columns[names.index("FID")])) <= n // 2:
        rest["family"] = columns[names.index("FID")]
    labels, phenotypes, said = individual_columns({k: v for k, v in rest.items() if set(v) - {"0", "-9", "NA"}})
    notes += said
    return {"sample_id": column(columns[key]), "labels": labels, "phenotypes": phenotypes}


def _counts_up(values: list[str]) -> bool:
    """Whether a column only numbers its rows."""
    return values[:3] in (["1", "2", "3"], ["0", "1", "2"]) and len(set(values)) == len(values)
