"""HapMap tables, as TASSEL and GAPIT read them: eleven columns, then one or two letters an individual."""

from __future__ import annotations

import re
from typing import Any

from core.data.genotypes import Genotypes
from core.data.intake import archives
from core.data.intake.formats.base import CohortFormat, CohortSource, Head, ReadResult, formats, only_file, rows_preview
from core.data.intake.formats.calls import CallsWriter, NoVariantError, column, variant_columns
from core.data.intake.formats.letters import LetterCells, LetterCounts, kept_of
from core.data.intake.tables import decode
from core.errors import InputError

_FIXED = re.compile(
    r"rs#?|alleles|chrom|pos|strand|assembly#?|center|genome_build|protLSID|assayLSID|panelLSID|panel|QC_?code",
    re.IGNORECASE,
)
_TITLE = re.compile(rb"(rs#?|rsid|snp|marker|id)[\t ,]+\"?alleles\b", re.IGNORECASE)
_GAPS = {b"-": b"DD", b"+": b"II", b"0": b"ID", b"--": b"DD", b"++": b"II", b"+-": b"ID", b"-+": b"ID"}


@formats.register(
    "hapmap",
    title="HapMap",
    kind="genotypes",
    help="HapMap tables with one letter (IUPAC) or two a genotype; the second allele of the column alleles is counted.",
    source="TASSEL 5 user manual (Bradbury et al. 2007)",
)
class HapMap(CohortFormat):
    """A variant a row."""

    endings = (".hmp.txt", ".hmp")
    joins = True
    recognised = "by its header (rs#, alleles, chrom, pos, …)"

    @staticmethod
    def matches(head: Head) -> bool:
        return _TITLE.match(head.first.lstrip(b'"')) is not None

    @staticmethod
    def read(source: CohortSource) -> ReadResult[Genotypes]:
        only_file(source)
        name = source.main.name
        lines = enumerate(archives.lines(source.main.path, name), 1)
        header = _cells(next(lines)[1])
        lead = _lead(header)
        individuals = [decode(cell) for cell in header[lead:]]
        if not individuals:
            raise InputError(f"{name} is a HapMap table without individuals behind its {lead} columns; export it anew.")
        letters = LetterCells(name)
        counts, writer = LetterCounts(letters.alleles), CallsWriter(source.folder, len(individuals), name)
        rows: list[list[str]] = []
        for number, line in lines:
            cells = _cells(line)
            if not line.strip():
                continue
            if len(cells) != len(header):
                raise InputError(
                    f"{name} has {len(cells):,} columns in line {number:,} where {len(header):,} are expected; "
                    "check the delimiter and empty cells."
                )
            pair, gaps = _listed(cells[1])
            genotypes = [_GAPS.get(cell, cell.replace(b"-", b"D")) for cell in cells[lead:]] if gaps else cells[lead:]
            numbers = letters.line(genotypes, number, lead + 1)
            first, second = letters.first[numbers], letters.second[numbers]
            writer.append(counts.add(first[None], second[None], [pair]))
            rows.append([decode(cell) for cell in cells[:4]])
        ids, _, contigs, positions = ([row[j] for row in rows] for j in range(4)) if rows else ([], [], [], [])
        if not counts.pairs:
            raise NoVariantError(f"{name} is a HapMap table with no variant of two alleles at most; export it anew.")
        kept = counts.kept
        try:
            places = [max(0, int(one)) for one in kept_of(positions, kept)]
        except ValueError:
            raise InputError(f"{name} has a position that is no whole number in column 4.") from None
        genotypes_read = Genotypes(
            calls=writer.matrix().T,
            sample_id=column(individuals),
            **variant_columns(
                kept_of(ids, kept), ("" if one in ("NA", "0") else one for one in kept_of(contigs, kept)), places,
                counts.pairs,
            ),
        )  # fmt: skip
        notes = ["This is HapMap: the second allele of the column alleles is counted.", *counts.remarks()]
        return ReadResult(genotypes_read, counts.dropped(), [*notes, *letters.remarks()])

    @staticmethod
    def preview(source: CohortSource) -> dict[str, Any]:
        only_file(source)
        lines = [_cells(line) for line in source.main.first.split(b"\n")[:9]]
        lead = _lead(lines[0])
        rows = [[decode(cell)[:40] for cell in (*cells[:4], *cells[lead : lead + 6])] for cells in lines]
        return rows_preview(len(lines[0]) - lead, True, rows, [])


def _cells(line: bytes) -> list[bytes]:
    delimiter = b"\t" if b"\t" in line else b"," if b"," in line else None
    cells = line.rstrip(b"\r\n").split(delimiter)
    return [cell.strip(b'" ') for cell in cells] if b'"' in line or delimiter == b"," else cells


def _lead(header: list[bytes]) -> int:
    """How many columns describe the variant: those with HapMap's own names."""
    names = [decode(cell) for cell in header[:11]]
    return next((j for j, one in enumerate(names) if j > 1 and not _FIXED.fullmatch(one)), len(names))


def _listed(cell: bytes) -> tuple[tuple[str, str], bool]:
    """(other, counted) of the column alleles, and whether one of them is a gap; "" where it does not say."""
    parts = [part.strip().upper() for part in decode(cell).split("/")]
    gaps = "-" in parts or "+" in parts
    parts = [{"-": "D", "+": "I"}.get(part, part) for part in parts]
    other, counted = (*parts, "", "")[:2]
    known = [part if part not in ("N", "NA", "0", ".") else "" for part in (other, counted)]
    return (known[0], known[1]), gaps
