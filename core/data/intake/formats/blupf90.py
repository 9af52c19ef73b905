"""BLUPF90's genotypes: an id and one word of digits an individual."""

from __future__ import annotations

import re

import numpy as np

from core.data.genotypes import MISSING, Genotypes, from_calls
from core.data.intake import archives
from core.data.intake.formats.base import (
    CohortFormat,
    CohortSource,
    Head,
    ReadResult,
    formats,
    only_file,
)
from core.data.intake.formats.calls import CallsWriter, column
from core.data.intake.tables import decode
from core.errors import InputError

_LINE = re.compile(rb"\s*\S+\s+[0-59]{4,}\s*")
_LONGEST_START = re.compile(rb"\s*\S+\s+[0-59]{1000,}")  # of a line that is longer than what is looked at


@formats.register(
    "blupf90",
    title="BLUPF90",
    kind="genotypes",
    help="BLUPF90 genotypes: an id and a word of digits 0, 1, 2 (5 missing) an individual.",
    source="BLUPF90 manual (Misztal et al. 2018), also AlphaSuite's unseparated files",
)
class Blupf90(CohortFormat):
    """Digits without blanks, all words of one length."""

    recognised = "by rows of an id and one word of digits"

    @staticmethod
    def matches(head: Head) -> bool:
        lines = head.first.split(b"\n")[:3]
        if len(lines) == 1:
            return _LONGEST_START.match(lines[0]) is not None
        whole = [line.rstrip() for line in lines[:2] if line.strip()]
        words = [line.split() for line in whole]
        return (
            bool(whole)
            and all(_LINE.fullmatch(line) for line in whole)
            and len({len(cells[1]) for cells in words}) == 1
            and len(words[0][1]) > 15  # a shorter one may be a number
        )

    @staticmethod
    def read(source: CohortSource) -> ReadResult[Genotypes]:
        only_file(source)
        name = source.main.name
        code = np.full(256, -128, dtype=np.int8)
        code[list(b"0123459")] = [0, 1, 2, 1, 1, MISSING, MISSING]
        ids: list[str] = []
        writer: CallsWriter | None = None
        phased = False
        for number, line in enumerate(archives.lines(source.main.path, name), 1):
            cells = line.split()
            if not cells:
                continue
            row = code[np.frombuffer(cells[-1], dtype=np.uint8)]
            writer = writer or CallsWriter(source.folder, len(row), name)
            if len(cells) != 2 or len(row) != writer.width or row.min() == -128:
                raise InputError(
                    f"{name} has {len(cells)} words in line {number:,}, the last of {len(row):,} characters; an id and "
                    f"{writer.width:,} digits 0, 1, 2 or 5 are expected: mend that line."
                )
            phased = phased or b"3" in cells[1] or b"4" in cells[1]
            ids.append(decode(cells[0]))
            writer.append(row)
        if writer is None:
            raise InputError(f"{name} has no line of data; an id and digits a line are expected.")
        notes = [
            "Each row is an individual and each digit a variant's count (5 is missing), as BLUPF90 has them; variants "
            "are numbered, for the file does not name them."
        ]
        if phased:
            notes.append("3 and 4 are read as heterozygotes, as BLUPF90 codes them with phase.")
        return ReadResult(from_calls(writer.matrix(), sample_id=column(ids)), notes=notes)
