"""Several files of one kind given together, or packed in one zip: each is a sample, named in the column "file"."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from core.data.intake.delimited import CELLS_MAX, DelimitedText
from core.data.intake.formats.base import CollectionSource, Head
from core.errors import InputError

FILE = "file"
_ENDINGS = re.compile(r"(\.(gz|bgz|xz|csv|tsv|txt|tab|dat|fasta|fa|fas|fna|faa|ffn|aln|fastq|fq))+$", re.IGNORECASE)


def files_of(source: CollectionSource, fits: Callable[[Head], bool]) -> tuple[list[Head], list[str]]:
    """Those files of an import that are of the kind of the main one, in the order of their names, and remarks.

    Of text files these are the ones with the commonest ending, so that a README beside them is none of them.
    """
    every = [head for head in (source.main, *source.others) if fits(head)]
    ending = Counter(head.suffix for head in every).most_common(1)[0][0]
    taken = sorted((head for head in every if head.suffix == ending), key=lambda head: head.name)
    left = [head.name for head in (source.main, *source.others) if head not in taken]
    notes = [f"{len(left)} other files were not read (such as {left[0]!r})."] if left else []
    return taken, notes


def stems(heads: Sequence[Head]) -> list[str]:
    """The names of the files without their endings."""
    return [_ENDINGS.sub("", head.name) or head.name for head in heads]


def with_files(columns: dict[str, list[str]], names: list[str]) -> dict[str, list[str]]:
    """`columns` with one for the file of each observation, under a name that is free."""
    key = FILE if FILE not in columns else f"{FILE} (name)"
    return columns | {key: names}


def joined(parts: Sequence[DelimitedText], names: Sequence[str], shown: str) -> DelimitedText:
    """Tables below each other: the columns that all of them have, and the file of each row.

    Raises InputError where they share no column that has a name, or are too large together.
    """
    first = parts[0]
    common = [key for key in first.columns if all(key in part.columns for part in parts)]
    if not set(common) - first.unnamed:
        raise InputError(
            f"The tables of {shown} share no column ({names[0]!r} begins {', '.join(list(first.columns)[:5])}; "
            f"{names[1]!r} begins {', '.join(list(parts[1].columns)[:5])}); give tables with the same header."
        )
    rows = [len(part.columns[common[0]]) for part in parts]
    if sum(rows) * len(common) > CELLS_MAX:
        raise InputError(f"The tables of {shown} have more than {CELLS_MAX:,} cells together; give fewer of them.")
    columns = {key: [cell for part in parts for cell in part.columns[key]] for key in common}
    notes = list(dict.fromkeys(note for part in parts for note in part.notes))
    notes.append(f"{len(parts)} tables were put below each other; the column {FILE!r} tells them apart.")
    lost = sorted({key for part in parts for key in part.columns} - set(common))
    if lost:
        notes.append(f"Columns that not every table has were left out: {', '.join(lost[:12])}.")
    unnamed = frozenset(key for key in common if any(key in part.unnamed for part in parts))
    by_row = [name for name, n in zip(names, rows, strict=True) for _ in range(n)]
    comma = next((part.delimiter for part in parts if part.delimiter == ","), first.delimiter)
    return DelimitedText(with_files(columns, by_row), unnamed, comma, notes)
