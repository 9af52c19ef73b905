"""What a text table of calls looks like: delimiter, header, leading columns, which axis is the individuals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from core.data.intake import archives
from core.data.intake.formats.base import CohortSource, Head
from core.data.intake.formats.codes import is_call
from core.data.intake.tables import DELIMITERS, decode, delimiter_of, split
from core.data.intake.variants import NAMES as VARIANT_NAMES
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


@dataclass(frozen=True)
class Layout:
    """What a text table looks like.

    `lead` are the names of the columns before the calls, `width` the number of call columns, `ids` their names (empty
    without a header), `header_line` the number of the header's line (0 without).
    """

    delimiter: str
    header_line: int
    lead: list[str]
    ids: list[str]
    width: int
    samples_in_columns: bool
    first_rows: list[list[str]]
    notes: list[str] = field(default_factory=list)


def find_layout(source: CohortSource) -> Layout:
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
            f"{name} has no column of calls (line {sample[-1][0]} starts {', '.join(body[-1][:4])[:60]!r}); "
            "counts 0, 1, 2 or pairs 0/1 are expected: check that it is a table of genotypes."
        )
    names = header[:lead] if header else [""] * lead
    ids = header[lead:] if header else []
    turned, note = _orientation(source, names, ids, [row[:lead] for row in body])
    line = sample[0][0] if header is not None else 0
    return Layout(delimiter, line, names, ids, width - lead, turned, rows, [note] if note else [])


def numbered(head: Head) -> Iterator[tuple[int, bytes]]:
    """The lines of the file from 1 with their numbers, without the comment lines that begin with ##."""
    for number, line in enumerate(archives.lines(head.path, head.name), 1):
        if not line.startswith(b"##"):
            yield number, line


def _first_lines(head: Head) -> list[tuple[int, bytes]]:
    found, size = [], 0
    for number, line in islice(numbered(head), 10 * _LOOK):
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
        title.startswith(("label:", "phenotype:"))
        or bool(_INDIVIDUAL.fullmatch(title))
        or any(p.fullmatch(title) for k, p in VARIANT_NAMES.items() if k != "id")
        or (title.lower() in ("id", "snp", "marker", "rs", "rsid", "rs#", "cm", "name", "snpid"))
    )


def _orientation(source: CohortSource, names: list[str], ids: list[str], lead: list[list[str]]) -> tuple[bool, str]:
    """Whether individuals are in columns, with a remark where that is a guess."""
    asked = source.options.orientation
    if asked != "auto":
        return asked == "samples_in_columns", ""
    first = [cells[0] for cells in lead if cells]
    if known := source.known_ids:
        columns = sum(one in known for one in ids)
        rows = sum(any(cell in known for cell in cells) for cells in lead)
        if columns != rows:
            return columns > rows, ""
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
        "Rows are taken as individuals and columns as variants; "
        "set orientation=samples_in_columns if it is the reverse."
    )


def _share(ids: list[str]) -> float:
    """The share of names that look like variants."""
    looked = ids[:500]
    return sum(_VARIANT_ID.fullmatch(i) is not None for i in looked) / len(looked) if looked else 0.0
