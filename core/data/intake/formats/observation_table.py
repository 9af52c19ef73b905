"""Text tables of observations: numeric columns as features, or a column of sequences."""

from __future__ import annotations

from core.data.intake.delimited import read_delimited
from core.data.intake.feature_columns import from_columns
from core.data.intake.formats.base import CollectionFormat, CollectionSource, Head, formats
from core.data.intake.formats.observations import ObservationTable
from core.data.intake.formats.several import files_of, joined, stems
from core.data.intake.long_tables import long_sequences
from core.data.intake.tables import DELIMITERS
from core.data.intake.typed_columns import typed_columns


@formats.register(
    "table",
    title="Table",
    kind="sets",
    help="CSV or TSV with a header: numeric features or sequences, and columns; several or a zip of "
    "them, one a sample (column file).",
    source="text",
)
class TableFormat(CollectionFormat):
    """One observation a row; tried when no other reader recognises the file."""

    fallback = 2
    delimited = True
    companions = True

    @staticmethod
    def matches(head: Head) -> bool:
        return b"\0" not in head.first[:2000] and any(d in head.first for d in (b",", b"\t", b";", b" ", b"|"))

    @staticmethod
    def read(source: CollectionSource) -> ObservationTable:
        heads, notes = files_of(source, TableFormat.matches)
        if len(heads) == 1 and (long := long_sequences(source, heads[0])) is not None:
            long.notes = [*notes, *long.notes]
            return long
        delimiter = DELIMITERS.get(source.options.delimiter, "")
        parts = [read_delimited(head.path, head.name, delimiter) for head in heads]
        text = parts[0] if len(parts) == 1 else joined(parts, stems(heads), source.main.name)
        columns = typed_columns(text.columns, comma_is_free=text.delimiter != ",")
        table = from_columns(columns, text.unnamed, source, [*notes, *text.notes])
        table.a_file_a_set = len(parts) > 1
        return table
