"""Small text tables (samples, variants, fam, bim): delimiter and header found, every row held to one width."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.data.intake import archives
from core.errors import InputError

DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "space": " "}
_CELLS_MAX = 8_000_000  # about half a gigabyte of Python strings


@dataclass(frozen=True)
class Table:
    """Rows of strings, all of one width, with the name of each column (or None where the file has no header)."""

    name: str
    header: list[str] | None
    rows: list[list[str]]

    def column(self, index: int) -> list[str]:
        """One column."""
        return [row[index] for row in self.rows]


def delimiter_of(line: str) -> str:
    """The delimiter of a line: a tab if there is one, else the commoner of comma and semicolon, else a space."""
    if "\t" in line:
        return "\t"
    commas, semicolons = line.count(","), line.count(";")
    if commas or semicolons:
        return "," if commas >= semicolons else ";"
    return " "


def decode(line: bytes) -> str:
    """UTF-8, or Latin-1 where it is not: names only, so a wrong accent is the worst that can come of it."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def split(line: str, delimiter: str) -> list[str]:
    """The cells of a line without quotes and surrounding blanks; runs of spaces count once."""
    if delimiter == " ":
        return [cell.strip('"') for cell in line.split()]
    if '"' in line:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]
    return [cell.strip() for cell in line.split(delimiter)]


def read_table(path: Path, name: str, header: bool | None = None, delimiter: str = "") -> Table:
    """The whole table; `header` None means: the first row is one if it holds no number in a column of numbers,
    and `delimiter` "" that it is found from the first line.

    Trailing empty cells are ignored, and a header one cell shorter than its rows (R's row names) is shifted.
    Raises InputError for an empty table and for rows of different widths.
    """
    numbered = list(_rows(path, name, delimiter))
    if not numbered:
        raise InputError(f"{name} is an empty table; a header and a row each are expected.")
    rows = [row for _, row in numbered]
    first = rows[0] if (_is_header(rows) if header is None else header) else None
    body = numbered[1:] if first is not None else numbered
    if not body:
        raise InputError(f"{name} has a header but no rows; a row each is expected.")
    width = max(len(row) for _, row in body)
    if first is not None:
        if len(first) == width - 1 and all(len(row) == width for _, row in body):
            first = ["row", *first]
        width = max(width, len(first)) if len(first) >= width else -1
    for number, row in body:
        if width < 0 or (first is None and len(row) != width):
            expected = len(first) if first is not None else width
            if len(row) != expected:
                raise InputError(
                    f"{name} has {len(row)} columns in line {number} where {expected} are expected; "
                    "check the delimiter and empty cells."
                )
    return Table(name, _distinct(first) if first else None, [row + [""] * (width - len(row)) for _, row in body])


def _rows(path: Path, name: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    cells = 0
    for number, raw in enumerate(archives.lines(path, name), 1):
        line = decode(raw)
        if not line.strip() or line.startswith("##"):
            continue
        delimiter = delimiter or delimiter_of(line)
        try:
            row = split(line.removeprefix("#"), delimiter)
        except csv.Error:
            raise InputError(f"{name} has a broken quotation in line {number}; mend or remove the quotes.") from None
        while row and not row[-1]:
            row.pop()
        cells += len(row)
        if cells > _CELLS_MAX:
            raise InputError(f"{name} has more than {_CELLS_MAX:,} cells; it is no table of samples or variants.")
        yield number, row


def _is_header(rows: list[list[str]]) -> bool:
    """A first row is a header when some column is numeric below it and not in it, or when its words never recur."""
    first, body = rows[0], rows[1:200]
    if not body or any(_number(cell) for cell in first):
        return False
    for j, cell in enumerate(first):
        values = [row[j] for row in body if j < len(row)]
        if values and all(_number(v) for v in values) and not _number(cell):
            return True
    return not any(cell in [row[j] for row in body if j < len(row)] for j, cell in enumerate(first) if cell)


def _number(cell: str) -> bool:
    return re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", cell) is not None


def _distinct(header: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    names = []
    for i, cell in enumerate(header):
        name = cell or f"column_{i + 1}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return names
