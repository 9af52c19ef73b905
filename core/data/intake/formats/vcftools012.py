"""vcftools --012: a matrix of counts with the individuals in .012.indv and the places of the variants in .012.pos."""

from __future__ import annotations

from typing import Any

from core.data.genotypes import Genotypes, from_calls
from core.data.intake import archives
from core.data.intake.companions import companion
from core.data.intake.formats.base import CohortFormat, CohortSource, Head, ReadResult, formats
from core.data.intake.formats.calls import CallsWriter, column, variant_columns
from core.data.intake.formats.codes import LineParser
from core.data.intake.tables import read_table
from core.errors import InputError


@formats.register(
    "vcftools012",
    title="vcftools 012",
    kind="genotypes",
    help="vcftools --012 with .012.indv and .012.pos; counts are of the alternate allele.",
    source="vcftools manual (Danecek et al. 2011)",
)
class Vcftools012(CohortFormat):
    """An individual a row: a running number, then counts; -1 is missing."""

    endings = (".012",)
    companion_endings = (".012.indv", ".012.pos")
    joins = True
    recognised = "by its ending"

    @staticmethod
    def matches(head: Head) -> bool:
        return head.name.lower().removesuffix(".gz").endswith((".012", ".012.indv", ".012.pos"))

    @staticmethod
    def read(source: CohortSource) -> ReadResult[Genotypes]:
        main = companion(source, ".012", needed="012, 012.indv and 012.pos")
        assert main is not None  # companion raises otherwise
        writer: CallsWriter | None = None
        for number, line in enumerate(archives.lines(main.path, main.name), 1):
            _, _, rest = line.replace(b" ", b"\t").partition(b"\t")
            if not line.strip():
                continue
            if writer is None:
                width = rest.count(b"\t") + 1
                writer, parser = CallsWriter(source.folder, width, main.name), LineParser(width, b"\t", main.name)
            writer.append(parser.parse(rest, number, 2))
        if writer is None:
            raise InputError(f"{main.name} has no line of data; a row of counts an individual is expected.")
        tally = parser.tally()
        if tally.low < -1 or tally.high > 2:
            wrong = tally.high if tally.high > 2 else tally.low
            raise InputError(f"{main.name} holds the value {wrong:g}; counts 0, 1, 2 or -1 for missing are expected.")
        calls, columns, notes = writer.matrix(), {}, ["Counts are of the alternate allele; -1 is missing."]
        people, places = companion(source, ".012.indv"), companion(source, ".012.pos")
        if people is not None:
            columns["sample_id"] = column(_ids(people, len(calls), main.name))
        if places is not None:
            columns |= _variants(places, calls.shape[1], main.name)
        absent = [ending for ending, head in ((".012.indv", people), (".012.pos", places)) if head is None]
        if absent:
            notes.append(f"No {' and no '.join(absent)} came with it; what they would name is numbered.")
        return ReadResult(from_calls(calls, 2, **columns), notes=notes)


def _ids(head: Head, n: int, main: str) -> list[str]:
    ids = read_table(head.path, head.name, header=False, delimiter="\t").column(0)
    if len(ids) != n:
        raise InputError(
            f"{head.name} names {len(ids):,} individuals, but {main} has {n:,} rows; give the files of one export."
        )
    return ids


def _variants(head: Head, m: int, main: str) -> dict[str, Any]:
    table = read_table(head.path, head.name, header=False)
    if len(table.rows[0]) != 2 or len(table.rows) != m:
        raise InputError(
            f"{head.name} has {len(table.rows):,} rows of {len(table.rows[0])} columns, but {main} has {m:,} columns "
            "of counts; a chromosome and a position for each are expected: give the files of one export."
        )
    try:
        return variant_columns(
            (f"{contig}:{position}" for contig, position in table.rows),
            table.column(0),
            (max(0, int(one)) for one in table.column(1)),
            [["", ""]] * m,
        )
    except ValueError:
        raise InputError(f"{head.name} has a position that is no whole number; base pairs are expected.") from None
