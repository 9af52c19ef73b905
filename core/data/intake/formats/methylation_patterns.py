"""Methylation patterns of wgbstools (.pat): reads as one letter a CpG."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from core.data.intake import archives
from core.data.intake.coded_columns import CodedColumn
from core.data.intake.formats.base import CollectionFormat, CollectionSource, Head, formats
from core.data.intake.formats.observation_text import BLOCK
from core.data.intake.formats.observations import ObservationTable
from core.data.intake.formats.several import files_of, stems, with_files
from core.data.intake.letters import Letters
from core.data.intake.tables import decode
from core.errors import InputError

_LINE = re.compile(rb"[^\t]+\t\d+\t[CT.]+\t\d+(\t.*)?")
COPIES_MAX = 10_000  # observations that one line becomes
_FIELDS = ("chr", "CpG")


@formats.register(
    "pat",
    title="Methylation patterns",
    kind="sets",
    help="Contig, index of the first CpG, pattern (C methylated, T not, . unknown) and count of each line; a count is "
    "as many observations; the option region_size makes a column of windows of CpGs; several files or a zip of them, "
    "one a sample (column file).",
    source="wgbstools, .pat",
)
class PatFormat(CollectionFormat):
    """One observation a read, of one letter a CpG."""

    companions = True

    @staticmethod
    def matches(head: Head) -> bool:
        lines = [line.rstrip(b"\r") for line in head.first.split(b"\n")[:-1][:20]] or [head.first]
        return all(_LINE.fullmatch(line) for line in lines)

    @staticmethod
    def read(source: CollectionSource) -> ObservationTable:
        heads, notes = files_of(source, PatFormat.matches)
        options = source.options
        letters, columns, cut = Letters(options, source.folder), dict[str, CodedColumn](), 0
        for stem, head in zip(stems(heads), heads, strict=True):
            lines = _lines(head)
            while block := list(islice(lines, BLOCK)):
                copies = [min(count, COPIES_MAX) for *_, count in block]
                cut += sum(count > COPIES_MAX for *_, count in block)
                cells: dict[str, list[Any]] = {
                    name: [one[i] for one, n in zip(block, copies, strict=True) for _ in range(n)]
                    for i, name in enumerate((*_FIELDS, "pattern"))
                }
                texts = cells.pop("pattern")
                if options.region_size:
                    cells["region"] = windows(cells["chr"], cells["CpG"], options.region_size)
                for name, values in (with_files(cells, [stem] * len(texts)) if len(heads) > 1 else cells).items():
                    columns.setdefault(name, CodedColumn()).add([str(value) for value in values])
                letters.add(texts)
        table = letters.table(columns, source.main.name, "pattern")
        if cut:
            notes.append(f"{cut:,} lines have a count above {COPIES_MAX:,}, which was taken instead.")
        table.notes = [*notes, "A letter is a CpG: C is methylated, T is not.", *table.notes]
        table.a_file_a_set = len(heads) > 1
        return table


def windows(contig: list[str], place: list[int], size: int) -> list[str]:
    """The name of the window of `size` places in which each one lies, such as chr1:101-200; places count from 1."""
    starts = [(one - 1) // size * size for one in place]
    return [f"{name}:{start + 1}-{start + size}" for name, start in zip(contig, starts, strict=True)]


def _lines(head: Head) -> Iterator[tuple[str, int, str, int]]:
    for number, raw in enumerate(archives.lines(head.path, head.name), 1):
        if not raw.strip():
            continue
        if not _LINE.fullmatch(raw):
            raise InputError(
                f"{head.name} has {decode(raw)[:40]!r} in line {number:,}; contig, index of the first CpG, pattern of "
                "C, T and points, and count are expected, between tabs: write it anew with wgbstools bam2pat."
            )
        contig, place, pattern, count, *_ = raw.split(b"\t")
        yield decode(contig), int(place), decode(pattern), int(count)
