"""Tables that come beside a matrix of cells: one row a barcode, joined by it."""

from __future__ import annotations

from core.data.intake.delimited import read_delimited
from core.data.intake.formats.base import CollectionSource
from core.data.intake.formats.observations import ObservationTable
from core.data.intake.typed_columns import typed_columns
from core.errors import InputError


def join_tables(table: ObservationTable, barcodes: list[str], source: CollectionSource) -> None:
    """Add the columns of the tables that came with a matrix, by the column that holds its barcodes.

    Barcodes are compared as they are and then without the number of their lane (-1). Raises InputError for a file
    that is no table of these barcodes.
    """
    for head in source.others:
        text = read_delimited(head.path, head.name)
        key, places = _key(text.columns, barcodes)
        if not key:
            raise InputError(
                f"{head.name} came with {source.main.name} but no column of it holds its barcodes (such as "
                f"{barcodes[0] if barcodes else ''!r}); give one row a barcode."
            )
        row = [places.get(barcode, places.get(_stem(barcode), -1)) for barcode in barcodes]
        known = sum(place >= 0 for place in row)
        others = {name: [*values, ""] for name, values in text.columns.items() if name != key}
        for name, one in typed_columns(others, comma_is_free=text.delimiter != ",").items():
            words = one.strings()[row]
            if one.numbers is None:
                table.columns[name] = words
            else:
                table.columns[name], table.texts[name] = one.numbers[row], words
        table.notes.append(f"{head.name} describes {known:,} of {len(barcodes):,} barcodes by its column {key!r}.")


def _key(columns: dict[str, list[str]], barcodes: list[str]) -> tuple[str, dict[str, int]]:
    """The column that holds most of the barcodes, and barcode → row."""
    exact, stems = set(barcodes), {_stem(one) for one in barcodes}
    best, held = "", 0
    for name, values in columns.items():
        count = sum(v in exact or v in stems or _stem(v) in stems for v in values)
        if count > held:
            best, held = name, count
    if not best:
        return "", {}
    values = columns[best]
    lanes = len(stems) < len(exact)  # the same letters in several lanes: without the lane they are ambiguous
    places = {} if lanes else {_stem(v): i for i, v in enumerate(values)}
    return best, places | {v: i for i, v in enumerate(values)}


def _stem(barcode: str) -> str:
    stem, dash, lane = barcode.rpartition("-")
    return stem if dash and lane.isdigit() else barcode
