"""Delimited text as spreadsheets, R and Python write it: quotes, line breaks inside them, comments, any delimiter."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from core.data.intake import archives
from core.data.intake.tables import decode
from core.errors import InputError

CELLS_MAX = 40_000_000  # about two gigabytes of Python strings
_LOOKED_AT = 50  # lines from which the delimiter is found
_DELIMITERS = ("\t", ";", ",", "|", " ")
_SEP = re.compile(r'"?sep=(.)"?')
_NUMBER = re.compile(r"[-+]?(\d+[.,]?\d*|[.,]\d+)([eE][-+]?\d+)?")


@dataclass(frozen=True)
class DelimitedText:
    """The cells of a text table by column, as they stand in the file without quotes and surrounding blanks.

    Attributes:
        columns: name → its cells; names are distinct.
        unnamed: those of the names that were made up: of columns without a name, of R's row names ("row").
        delimiter: what separates the cells.
        notes: what was passed over or assumed, in sentences.
    """

    columns: dict[str, list[str]]
    unnamed: frozenset[str]
    delimiter: str
    notes: list[str]


def read_delimited(path: Path, name: str, delimiter: str = "") -> DelimitedText:
    """The whole table, its first row being the header unless it is as numeric as the others.

    `delimiter` "" means that it is found from the first lines. A first line sep=; is honoured, lines that begin with #
    are passed over (the last of them is the header where it has as many cells as the rows), and a header one cell
    shorter than every row is that of R's row names.
    Raises InputError for an empty table, a broken quotation and rows of different widths.
    """
    likely, commented = _delimiter(path, name)
    delimiter = delimiter or likely
    records = list(_records(path, name, delimiter, commented))
    if len(records) < 2:
        what = "has a header but no rows" if records else "is an empty table"
        raise InputError(f"{name} {what}; a header and one row an observation are expected.")
    notes = []
    comments = sum(record.comment for record in records)
    rows = [record for record in records if not record.comment]
    if comments:
        notes.append(f"Lines that begin with # were passed over ({comments:,}).")
    if _has_header(rows):
        header, rows = rows[0].cells, rows[1:]
    else:
        header = [""] * len(rows[0].cells)
        notes.append("The first line holds numbers as the others do, so the columns have no names of their own.")
    header, rows = _trimmed(header, rows)
    row_names = bool(rows) and all(len(row.cells) == len(header) + 1 for row in rows)
    if row_names:
        header = ["row", *header]
    for row in rows:
        if len(row.cells) > len(header):
            raise InputError(
                f"{name} has {len(row.cells)} columns in line {row.line} where {len(header)} are expected; "
                "check the delimiter and the quotes."
            )
    names, unnamed = _distinct(header)
    width = len(header)
    cells = zip(*(row.cells + [""] * (width - len(row.cells)) for row in rows), strict=True)
    columns = dict(zip(names, map(list, cells), strict=True))
    return DelimitedText(columns, frozenset(unnamed | ({names[0]} if row_names else set())), delimiter, notes)


def read_blocks(path: Path, name: str, delimiter: str, rows: int) -> Iterator[DelimitedText]:
    """The table as `read_delimited` reads it, `rows` of it at a time and however long it is.

    The first block decides the header and which columns there are. Raises InputError as `read_delimited` does.
    """
    likely, commented = _delimiter(path, name)
    delimiter = delimiter or likely
    records = (one for one in _records(path, name, delimiter, commented, cells_max=0) if not one.comment)
    block = list(islice(records, rows))
    if not block:
        return
    named = _has_header(block)
    header, block = (block[0].cells, block[1:]) if named else ([""] * len(block[0].cells), block)
    header, block = _trimmed(header, block)
    row_names = bool(block) and all(len(row.cells) == len(header) + 1 for row in block)
    names, unnamed = _distinct(["row", *header] if row_names else header)
    unnamed |= {names[0]} if row_names else set()
    while block:
        columns: dict[str, list[str]] = {key: [] for key in names}
        for row in block:
            cells = row.cells
            if len(cells) > len(names) and any(cells[len(names) :]):
                raise InputError(
                    f"{name} has {len(cells)} columns in line {row.line} where {len(names)} are expected; "
                    "check the delimiter and the quotes."
                )
            for i, column in enumerate(columns.values()):
                column.append(cells[i] if i < len(cells) else "")
        yield DelimitedText(columns, frozenset(unnamed), delimiter, [])
        block = list(islice(records, rows))


@dataclass(frozen=True)
class _Record:
    line: int
    cells: list[str]
    comment: bool = False


def _lines(path: Path, name: str) -> Iterator[tuple[int, str]]:
    number = 0
    for raw in archives.lines(path, name):
        for part in raw.split(b"\r"):  # line ends of old spreadsheets
            number += 1
            yield number, decode(part)


def _delimiter(path: Path, name: str) -> tuple[str, int]:
    """The delimiter, and the line of a header that is written as a comment (0: none)."""
    lines = list(islice(_lines(path, name), 2000))
    if lines and (given := _SEP.fullmatch(lines[0][1].strip("\r "))):
        return given[1], 0
    content = [(n, text) for n, text in lines if text.strip() and not text.startswith("#")][:_LOOKED_AT]
    if not content:
        return ",", 0
    above = [(n, text) for n, text in lines if n < content[0][0] and text.startswith("#")]
    texts = [text for _, text in content]
    if above:
        header = above[-1][1].lstrip("#").strip()
        delimiter, fit = _best([header, *texts])
        width = len(_split(texts[0], delimiter))
        # A comment is the header where it splits as the rows do; the first row then is as numeric as the second.
        if fit == 2 and width > 1 and not _named_better(texts, delimiter):
            return delimiter, above[-1][0]
    return _best(texts)[0], 0


def _named_better(texts: list[str], delimiter: str) -> bool:
    """Whether the first row that is no comment looks like a header itself."""
    if len(texts) < 2:
        return False
    first, second = (_split(text, delimiter) for text in texts[:2])
    return sum(map(_is_number, first)) < sum(map(_is_number, second))


def _best(texts: list[str]) -> tuple[str, int]:
    """The delimiter that gives most lines one width, and how well the first line fits it (2: it has that width)."""
    fitting: list[tuple[int, int, str]] = []
    for delimiter in _DELIMITERS:
        widths = [len(_split(text, delimiter)) for text in texts]
        usual, times = Counter(widths[1:] or widths).most_common(1)[0]
        if usual < 2 or times < 0.7 * max(len(widths) - 1, 1) or (delimiter == " " and fitting):
            continue
        fit = 2 if widths[0] == usual else 1 if widths[0] == usual - 1 else 0
        if fit:
            fitting.append((fit, usual, delimiter))
    if fitting:
        fit, _, delimiter = max(fitting, key=lambda one: one[:2])
        return delimiter, fit
    counts = {d: texts[0].count(d) for d in ("\t", ";", ",")}
    return (max(counts, key=lambda d: counts[d]) if any(counts.values()) else " "), 0


def _split(text: str, delimiter: str) -> list[str]:
    if delimiter == " ":
        text = text.strip()
    if '"' not in text:
        cells = text.split() if delimiter == " " else text.split(delimiter)
    else:
        cells = next(csv.reader([text], delimiter=delimiter, skipinitialspace=True), [])
    return [cell.strip() for cell in cells]


def _records(path: Path, name: str, delimiter: str, header_line: int, cells_max: int = CELLS_MAX) -> Iterator[_Record]:
    """Rows in the order of the file; a quoted cell may run over several lines. `cells_max` 0: however many."""
    count, width = 0, 0
    lines = _lines(path, name)
    for number, line in lines:
        text = line
        if not text.strip() or (number == 1 and _SEP.fullmatch(text.strip("\r "))):
            continue
        if text.startswith("#"):
            if number == header_line:
                text = text.lstrip("#").strip()
            elif not width or len(_split(text, delimiter)) != width:
                yield _Record(number, [], comment=True)
                continue
        cells = _split(text, delimiter) if '"' not in text else _quoted(text, lines, delimiter, name, number)
        width = width or len(cells)
        count += len(cells)
        if cells_max and count > cells_max:
            raise InputError(
                f"{name} has more than {cells_max:,} cells; a text table of that size is not read: write it as h5ad, "
                "npz or Parquet."
            )
        yield _Record(number, cells)


def _quoted(text: str, lines: Iterator[tuple[int, str]], delimiter: str, name: str, number: int) -> list[str]:
    first = text.strip() if delimiter == " " else text
    used = [first]

    def following() -> Iterator[str]:
        for _, line in lines:
            used.append(line)
            yield line + "\n"

    try:
        cells = next(csv.reader(chain([first + "\n"], following()), delimiter=delimiter, skipinitialspace=True))
    except csv.Error:
        raise InputError(f"{name} has a broken quotation in line {number}; mend or remove the quotes.") from None
    if len(used) > 1 and "\n".join(used).count('"') % 2:
        raise InputError(f"{name} has a quotation in line {number} that never ends; mend or remove the quotes.")
    return [" ".join(cell.split()) if "\n" in cell else cell.strip() for cell in cells]


def _has_header(rows: list[_Record]) -> bool:
    """Whether the first row names the columns: false where each column of numbers holds a fraction in it too."""
    first, body = rows[0].cells, rows[1:100]
    numeric = [
        j
        for j in range(len(first))
        if body and all(j < len(row.cells) and (_is_number(row.cells[j]) or not row.cells[j]) for row in body)
    ]
    fractions = [j for j in numeric if _is_number(first[j]) and re.search(r"[.,]\d", first[j])]
    return not (fractions and all(_is_number(first[j]) for j in numeric))


def _trimmed(header: list[str], rows: list[_Record]) -> tuple[list[str], list[_Record]]:
    """Without the empty cells at the end of every row that a last delimiter makes."""
    while header and not header[-1] and all(len(row.cells) < len(header) or not row.cells[-1] for row in rows):
        width = len(header) - 1
        header = header[:width]
        rows = [_Record(row.line, row.cells[:width]) if len(row.cells) > width else row for row in rows]
    extra = [row for row in rows if len(row.cells) > len(header)]
    if extra and all(not any(row.cells[len(header) :]) for row in extra):
        rows = [_Record(row.line, row.cells[: len(header)]) for row in rows]
    return header, rows


def _distinct(header: list[str]) -> tuple[list[str], set[str]]:
    taken: set[str] = {cell for cell in header if cell}
    seen: set[str] = set()
    names, unnamed = [], set()
    for i, cell in enumerate(header):
        name = stem = cell or f"column_{i + 1}"
        number = 1
        while name in seen or (name in taken and name != cell):
            number += 1
            name = f"{stem}_{number}"
        if not cell or re.fullmatch(r"Unnamed: \d+", cell):
            unnamed.add(name)
        seen.add(name)
        names.append(name)
    return names, unnamed


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None
