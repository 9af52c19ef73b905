"""PLINK's .traw: counts of the allele in COUNTED, a variant a row."""

from __future__ import annotations

from core.data.genotypes import Genotypes
from core.data.intake import archives
from core.data.intake.formats.base import (
    CohortFormat,
    CohortSource,
    Head,
    ReadResult,
    formats,
    only_file,
)
from core.data.intake.formats.calls import CallsWriter, NoVariantError, column, variant_columns
from core.data.intake.formats.codes import LineParser
from core.data.intake.tables import decode
from core.errors import InputError

_HEADER = ["CHR", "SNP", "(C)M", "POS", "COUNTED", "ALT"]


@formats.register(
    "traw",
    title="PLINK traw",
    kind="genotypes",
    help="PLINK .traw; counts are of the allele that COUNTED names.",
    source="PLINK 1.9 and 2 file formats (Chang et al. 2015), --recode A-transpose",
)
class Traw(CohortFormat):
    """A table of counts whose header is CHR, SNP, (C)M, POS, COUNTED, ALT."""

    endings = (".traw",)
    joins = True
    recognised = "by its header (CHR SNP (C)M POS COUNTED ALT)"

    @staticmethod
    def matches(head: Head) -> bool:
        return head.first.split(b"\n", 1)[0].split()[:6] == [one.encode() for one in _HEADER]

    @staticmethod
    def read(source: CohortSource) -> ReadResult[Genotypes]:
        only_file(source)
        name = source.main.name
        lines = enumerate(archives.lines(source.main.path, name), 1)
        individuals = [decode(cell) for cell in next(lines)[1].split()[6:]]
        if not individuals:
            raise InputError(f"{name} names no individuals behind its six columns; one column each is expected.")
        parser = LineParser(len(individuals), b"\t", name)
        writer = CallsWriter(source.folder, len(individuals), name)
        lead: list[list[str]] = []
        for number, line in lines:
            cells = line.replace(b" ", b"\t").split(b"\t", 6)
            if not line.strip():
                continue
            if len(cells) < 7:
                raise InputError(f"{name} has {len(cells)} columns in line {number:,}; more than 6 are expected.")
            lead.append([decode(cell) for cell in cells[:6]])
            writer.append(parser.parse(cells[6], number, 7))
        if not lead:
            raise NoVariantError(f"{name} has a header and no variants; a row each is expected: export it anew.")
        if parser.tally().high > 2 or parser.tally().low < 0:
            raise InputError(f"{name} holds the value {parser.tally().high:g}; counts 0, 1, 2 or NA are expected.")
        contigs, ids, _, positions, counted, other = zip(*lead, strict=True)
        try:
            columns = variant_columns(
                ids,
                ("" if one == "0" else one for one in contigs),
                (max(0, int(one)) for one in positions),
                ([allele.replace("0", "") for allele in pair] for pair in zip(other, counted, strict=True)),
            )
        except ValueError:
            raise InputError(f"{name} has a position that is no whole number in column 4.") from None
        names, said = plain_ids(individuals)
        genotypes = Genotypes(calls=writer.matrix().T, sample_id=column(names), **columns)
        notes = ["The counted allele of each variant is the one in the column COUNTED.", *said, *parser.remarks()]
        return ReadResult(genotypes, notes=notes)


def plain_ids(ids: list[str]) -> tuple[list[str], list[str]]:
    """Ids without the family in front (FID_IID) where it is 0 or the id itself in all of them, with a remark."""
    parts = [one.partition("_") for one in ids]
    halves = [(one[: len(one) // 2], one[len(one) // 2 + 1 :]) for one in ids]
    if all(family == "0" and one for family, _, one in parts):
        short = [one for _, _, one in parts]
    elif all(first and first == second for first, second in halves):
        short = [first for first, _ in halves]
    else:
        return ids, []
    return short, [f"Individuals named as family and id ({ids[0]!r}) are called by their id ({short[0]!r})."]
