"""Long tables of sequences, read a block of rows at a time."""

from __future__ import annotations

from itertools import chain

from core.data.intake.coded_columns import CodedColumn
from core.data.intake.delimited import read_blocks
from core.data.intake.feature_columns import no_use
from core.data.intake.formats.base import CollectionSource, Head
from core.data.intake.formats.observation_text import BLOCK, sequence_column, text_column
from core.data.intake.formats.observations import ObservationTable
from core.data.intake.letters import Letters
from core.data.intake.methylation import methylation_column
from core.data.intake.tables import DELIMITERS
from core.data.intake.typed_columns import typed_columns
from core.errors import InputError

LONG_BYTES = 64 << 20  # of a file, packed or not; a shorter one is read whole


def long_sequences(source: CollectionSource, head: Head) -> ObservationTable | None:
    """The observations of a long table with a column of sequences; None where there is none, or codes of methylation
    beside it, which only a table that is read whole can have.

    Which column holds sequences and which are of no use, the first rows tell. Raises InputError.
    """
    options = source.options
    if head.path.stat().st_size < LONG_BYTES or options.features or options.methylation_column:
        return None
    blocks = read_blocks(head.path, head.name, DELIMITERS.get(options.delimiter, ""), BLOCK)
    first = next(blocks, None)
    if first is None:
        return None
    parts = {*options.set_column, *options.label_columns, options.unit, options.neighbourhood, options.quantiles}
    typed = typed_columns(first.columns, comma_is_free=first.delimiter != ",")
    wanted = {*parts, options.sequence_column}
    left = {key: why for key, one in typed.items() if key not in wanted and (why := no_use(key, one, first.unnamed))}
    kept = {key: cells for key, cells in first.columns.items() if key not in left}
    if options.sequence_column and options.sequence_column not in kept:
        raise InputError(
            f"{head.name} has no column {options.sequence_column!r}; it has {', '.join(list(first.columns)[:12])}."
        )
    others = {key: cells for key, cells in kept.items() if key not in parts}
    by_letters = text_column(others) if options.alphabet == "text" else sequence_column(others, ())
    sequence = options.sequence_column or by_letters
    if not sequence or methylation_column(kept[sequence], kept, options.alphabet):
        return None
    letters, columns = Letters(options, source.folder), {key: CodedColumn() for key in kept if key != sequence}
    rows = 0
    for block in chain([first], blocks):
        letters.add(block.columns[sequence])
        for key, one in columns.items():
            one.add(block.columns[key])
        rows += len(block.columns[sequence])
    table = letters.table(columns, head.name)
    notes = [f"The column {key!r} was left out: {why}." for key, why in left.items()]
    if not options.sequence_column:
        notes.append(f"The column {sequence!r} was taken for the sequences; name features to take numbers instead.")
    table.notes = [*notes, f"{rows:,} rows were read a block at a time.", *table.notes]
    return table
