"""Text tables of observations: numeric columns as features, or a column of sequences."""

from __future__ import annotations

from core.data.intake.delimited import read_delimited
from core.data.intake.feature_columns import from_columns
from core.data.intake.formats.base import CollectionFormat, CollectionSource, Head, formats
from core.data.intake.formats.observations import ObservationTable
from core.data.intake.tables import DELIMITERS
from core.data.intake.typed_columns import typed_columns


@formats.register(
    "table",
    title="Table",
    kind="sets",
    help="CSV or TSV with a header: numeric features or sequences, and columns.",
    source="text",
)
class TableFormat(CollectionFormat):
    """One observation a row; tried when no other reader recognises the file."""

    fallback = 2
    delimited = True

    @staticmethod
    def matches(head: Head) -> bool:
        return b"\0" not in head.first[:2000] and any(d in head.first for d in (b",", b"\t", b";", b" ", b"|"))

    @staticmethod
    def read(source: CollectionSource) -> ObservationTable:
        text = read_delimited(source.main.path, source.main.name, DELIMITERS.get(source.options.delimiter, ""))
        columns = typed_columns(text.columns, comma_is_free=text.delimiter != ",")
        return from_columns(columns, text.unnamed, source, text.notes)
