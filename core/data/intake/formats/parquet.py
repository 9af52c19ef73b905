"""Parquet tables: one observation a row, its columns typed by the file."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.data.intake import archives
from core.data.intake.feature_columns import from_columns
from core.data.intake.formats.base import CollectionFormat, CollectionSource, Head, formats
from core.data.intake.formats.elements import column_of
from core.data.intake.formats.observations import ObservationTable, check_entries
from core.data.intake.typed_columns import TypedColumn
from core.errors import InputError

MAGIC = b"PAR1"


@formats.register(
    "parquet",
    title="Parquet",
    kind="sets",
    help="Numeric features or sequences, and columns.",
    source="Apache Parquet, read by pyarrow",
)
class ParquetFormat(CollectionFormat):
    """Read as a table of text is, but that the file itself says what is a number."""

    delimited = True

    @staticmethod
    def matches(head: Head) -> bool:
        return head.first.startswith(MAGIC)

    @staticmethod
    def read(source: CollectionSource) -> ObservationTable:
        import pyarrow as pa
        from pyarrow import parquet

        name = source.main.name
        if source.options.delimiter != "auto":
            raise InputError(f"{name} is Parquet, which has no delimiter; leave delimiter out.")
        try:
            file = parquet.ParquetFile(source.main.path)
            cells, size = file.metadata.num_rows * file.metadata.num_columns, source.main.path.stat().st_size
            check_entries(cells, name)
            if 8 * cells > max(archives.RATIO_FREE, archives.RATIO_MAX * size):
                raise InputError(f"{name} declares {cells:,} cells in {size:,} bytes; write it anew.")
            table = file.read()
        except (pa.ArrowException, OSError, ValueError, NotImplementedError) as error:
            why = archives.reason(error)
            raise InputError(f"{name} is a Parquet file that cannot be read ({why}); write it anew.") from None
        columns, notes = {}, []
        for field in table.schema:
            if pa.types.is_nested(field.type) or pa.types.is_binary(field.type):
                notes.append(f"The column {field.name!r} was left out: it holds {field.type}, not one value a row.")
                continue
            columns[field.name] = _typed(table[field.name].to_pandas().array)
        if not columns or not table.num_rows:
            raise InputError(f"{name} has no rows; one row an observation is expected.")
        unnamed = frozenset(key for key in columns if key.startswith("__index_level_"))
        return from_columns(columns, unnamed, source, notes)


def _typed(values: Any) -> TypedColumn:
    values = values.to_numpy() if type(values).__name__ == "NumpyExtensionArray" else values
    column, text = column_of(values)
    if text is None:
        return TypedColumn(np.asarray(column, dtype=np.str_).tolist())
    return TypedColumn(text.tolist(), np.asarray(column, dtype=np.float64))
