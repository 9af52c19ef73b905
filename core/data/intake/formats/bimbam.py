"""BIMBAM's genotype files: the numbers of individuals and of variants, ids, and a line of letters a variant."""

from __future__ import annotations

import re

from core.data.genotypes import Genotypes, from_calls, number_ids
from core.data.intake import archives
from core.data.intake.formats.base import CohortFormat, CohortSource, Head, ReadResult, formats, only_file
from core.data.intake.formats.calls import CallsWriter, NoVariantError, column
from core.data.intake.formats.letters import LetterCells, LetterCounts, kept_of
from core.data.intake.tables import decode
from core.errors import InputError

_SIZES = re.compile(rb"\s*(\d+)\s*=?\s*\n\s*(\d+)\s*\n(?=IND\b|[^\n]*[ACGT?N]{2})", re.IGNORECASE)


@formats.register(
    "bimbam",
    title="BIMBAM",
    kind="genotypes",
    help="BIMBAM genotypes in letters, two an individual; the rarer allele is counted. Its mean genotypes are Text.",
    source="BIMBAM 1.0 manual (Guan and Stephens 2008)",
)
class Bimbam(CohortFormat):
    """Commas or blanks between the cells; a table of variants gives the positions."""

    recognised = "by two lines of one number each, before a line IND or a variant"

    @staticmethod
    def matches(head: Head) -> bool:
        return _SIZES.match(head.first.replace(b"\r", b"")) is not None

    @staticmethod
    def read(source: CohortSource) -> ReadResult[Genotypes]:
        only_file(source)
        name = source.main.name
        sizes = _SIZES.match(source.main.first.replace(b"\r", b""))
        assert sizes is not None  # as it matched
        n, m = int(sizes[1]), int(sizes[2])
        letters = LetterCells(name)
        counts, writer = LetterCounts(letters.alleles), CallsWriter(source.folder, max(1, n), name)
        people, ids = number_ids("sample", n).tolist(), []
        for number, line in enumerate(archives.lines(source.main.path, name), 1):
            cells = line.replace(b",", b" ").split()
            if number <= 2 or not cells:
                continue
            if len(cells) != n + 1:
                raise InputError(
                    f"{name} has {len(cells) - 1:,} genotypes in line {number:,} where {n:,} are expected, as its "
                    "first line says: mend that line."
                )
            if cells[0].upper() == b"IND":
                people = [decode(cell) for cell in cells[1:]]
                continue
            numbers = letters.line(cells[1:], number, 2)
            writer.append(counts.add(letters.first[numbers][None], letters.second[numbers][None]))
            ids.append(decode(cells[0]))
        if len(ids) != m:
            raise InputError(
                f"{name} has {len(ids):,} variants where its second line says {m:,}; copy or export it again."
            )
        if not counts.pairs:
            raise NoVariantError(f"{name} has no variant of two alleles at most; split multi-allelic ones first.")
        genotypes = from_calls(
            writer.matrix().T,
            sample_id=column(people),
            variant_id=column(kept_of(ids, counts.kept)),
            variant_allele=column((one for pair in counts.pairs for one in pair), 50).reshape(-1, 2),
        )
        return ReadResult(genotypes, counts.dropped(), [*counts.remarks(), *letters.remarks()])
