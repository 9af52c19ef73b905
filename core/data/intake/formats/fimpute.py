"""FImpute's genotypes: an id, the number of a chip and one word of digits an individual."""

from __future__ import annotations

import re

import numpy as np

from core.data.genotypes import MISSING, Genotypes, from_calls
from core.data.intake import archives
from core.data.intake.formats.base import CohortFormat, CohortSource, Head, ReadResult, formats, only_file
from core.data.intake.formats.calls import CallsWriter, column
from core.data.intake.tables import decode
from core.errors import InputError

_TITLES = re.compile(rb"\s*\S+\s+chip\S*\s+\S+[ \t\r]*\n\s*\S+\s+\d{1,2}\s+\d{2}", re.IGNORECASE)
_ROW = re.compile(rb"\s*\S+\s+\d{1,2}\s+\d{16,}\s*(\n|$)")  # a shorter word may be a number
_HALF = b"6789"


@formats.register(
    "fimpute",
    title="FImpute",
    kind="genotypes",
    help="FImpute genotypes, imputed or of one chip: an id, a chip and a word of digits 0, 1, 2 (5 missing).",
    source="FImpute 3 manual (Sargolzaei et al. 2014)",
)
class FImpute(CohortFormat):
    """Digits without blanks, all words of one length; snp_info, given as a table of variants, names them in order."""

    recognised = "by its header ID, Chip, Call, or rows of an id, a small number and one word of digits"

    @staticmethod
    def matches(head: Head) -> bool:
        return _TITLES.match(head.first) is not None or _ROW.match(head.first) is not None

    @staticmethod
    def read(source: CohortSource) -> ReadResult[Genotypes]:
        only_file(source)
        name = source.main.name
        code = np.full(256, -128, dtype=np.int8)
        code[list(b"0123456789")] = [0, 1, 2, 1, 1, *[MISSING] * 5]
        titled = _TITLES.match(source.main.first) is not None
        ids: list[str] = []
        chips: set[str] = set()
        half = 0
        writer: CallsWriter | None = None
        for number, line in enumerate(archives.lines(source.main.path, name), 1):
            cells = line.split()
            if not cells or (titled and number == 1):
                continue
            row = code[np.frombuffer(cells[-1], dtype=np.uint8)]
            writer = writer or CallsWriter(source.folder, len(row), name)
            if len(cells) != 3 or row.min() == -128:
                raise InputError(
                    f"{name} has {len(cells)} words in line {number:,}, the last {decode(cells[-1])[:20]!r}; an id, a "
                    "chip and digits are expected: mend that line."
                )
            chips.add(decode(cells[1]))
            if len(row) != writer.width:
                raise InputError(
                    f"{name} has {len(row):,} digits in line {number:,} and {writer.width:,} before it (chips "
                    f"{', '.join(sorted(chips))}); the same variants of all are expected: impute them with FImpute and "
                    "give genotypes_imp.txt, or give one chip."
                )
            half += sum(cells[2].count(bytes([digit])) for digit in _HALF)
            ids.append(decode(cells[0]))
            writer.append(row)
        if writer is None:
            raise InputError(f"{name} has no line of data; an id, a chip and digits a line are expected.")
        notes = [
            "Each row is an individual and each digit a variant's count, as FImpute has them (3 and 4 are "
            "heterozygotes, 5 is missing); variants are numbered unless snp_info is given as the table of variants."
        ]
        if half:
            notes.append(f"{half:,} calls of which one allele is known (6 to 9) are read as missing.")
        if len(chips) > 1:
            notes.append(f"Rows of chips {', '.join(sorted(chips))} have as many digits: they were taken for imputed.")
        return ReadResult(from_calls(writer.matrix(), sample_id=column(ids)), notes=notes)
