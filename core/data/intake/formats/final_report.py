"""Illumina's FinalReport: a genotype a row (long), or a table of letters below [Data] (matrix)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

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
from core.data.intake.formats.calls import CallsWriter, check_size, column, refuse_repeats, variant_columns
from core.data.intake.formats.letter_table import LetterTable
from core.data.intake.formats.letters import Alleles, LetterCounts, kept_of
from core.data.intake.tables import decode
from core.errors import InputError

_SNP = re.compile(r"SNP.?Name|SNP", re.IGNORECASE)
_SAMPLES = (re.compile(r"Sample.?ID", re.IGNORECASE), re.compile(r"Sample.?Name", re.IGNORECASE))
_CONTIG = re.compile(r"Chr|Chromosome", re.IGNORECASE)
_POSITION = re.compile(r"Position|MapInfo|Coordinate", re.IGNORECASE)
_ALLELES = re.compile(r"Allele\s?([12])\s*-\s*(\w+)", re.IGNORECASE)
_STRANDS = ("plus", "forward", "top", "design", "ab")  # the first that a file has is taken
_SCORE = re.compile(r"\|[-0-9.]+(?=\s|,|$)")
_BLOCK_CALLS = 8 << 20


@dataclass(frozen=True)
class _Columns:
    """Which cells of a row are what; `contig` and `position` None where the report has none."""

    count: int
    snp: int
    sample: int
    first: int
    second: int
    contig: int | None
    position: int | None
    strand: str


@formats.register(
    "final_report",
    title="Illumina FinalReport",
    kind="genotypes",
    help="Illumina FinalReport, long or as a matrix, with bases or A and B; the rarer allele is counted, or B.",
    source="Illumina GenomeStudio user guide",
)
class FinalReport(CohortFormat):
    """The lines between [Header] and [Data] are skipped."""

    recognised = "by its first line [Header]"

    @staticmethod
    def matches(head: Head) -> bool:
        start = head.first.removeprefix(b"\xef\xbb\xbf").lstrip()
        return start.startswith(b"[Header]") or (start.startswith(b"SNP Name") and b"Allele1" in start[:500])

    @staticmethod
    def read(source: CohortSource) -> ReadResult[Genotypes]:
        only_file(source)
        rows = _rows(source.main)
        header = next(rows, (0, []))[1]
        if not any(_SNP.fullmatch(cell) for cell in header):
            return _matrix(source)
        return _long(source, _columns(header, source.main.name))


def _rows(head: Head) -> Iterator[tuple[int, list[str]]]:
    """The cells of each line below [Data], with its number."""
    below = not head.first.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[Header]")
    delimiter = ""
    for number, line in enumerate(archives.lines(head.path, head.name), 1):
        if below and line.strip():
            text = decode(line)
            delimiter = delimiter or ("\t" if "\t" in text else ",")
            yield number, [cell.strip() for cell in text.split(delimiter)]
        below = below or line.strip().rstrip(b",").lower() == b"[data]"


def _columns(header: list[str], name: str) -> _Columns:
    def place(*patterns: re.Pattern[str]) -> int | None:
        fitting = (j for pattern in patterns for j, cell in enumerate(header) if pattern.fullmatch(cell))
        return next(fitting, None)

    alleles = {(m[2].lower(), m[1]): j for j, cell in enumerate(header) if (m := _ALLELES.fullmatch(cell))}
    strand = next((one for one in _STRANDS if (one, "1") in alleles and (one, "2") in alleles), "")
    snp, sample = place(_SNP), place(*_SAMPLES)
    if snp is None or sample is None or not strand:
        raise InputError(
            f"{name} is an Illumina FinalReport with the columns {', '.join(header)[:80]}; SNP Name, Sample ID and two "
            "alleles of one strand (such as Allele1 - Top, Allele2 - Top) are expected: export it with them."
        )
    return _Columns(
        len(header), snp, sample, alleles[strand, "1"], alleles[strand, "2"], place(_CONTIG), place(_POSITION), strand
    )


def _long(source: CohortSource, at: _Columns) -> ReadResult[Genotypes]:
    """Read twice: first who and what there is, then the alleles into their places."""
    name = source.main.name
    individual: dict[str, int] = {}
    variant: dict[str, int] = {}
    places: list[tuple[str, str]] = []
    for number, cells in _body(source.main):
        if len(cells) < at.count:
            raise InputError(
                f"{name} has {len(cells)} columns in line {number:,} where {at.count} are expected; export it anew."
            )
        individual.setdefault(cells[at.sample], len(individual))
        if cells[at.snp] not in variant:
            variant[cells[at.snp]] = len(variant)
            contig = "" if at.contig is None else cells[at.contig]
            places.append((contig, "0" if at.position is None else cells[at.position]))
    n, m = len(individual), len(variant)
    if not n:
        raise InputError(f"{name} has no rows below [Data]; a genotype each is expected: export it anew.")
    check_size(n, m, name)
    path = source.folder / "alleles.uint16"
    path.unlink(missing_ok=True)
    numbers = np.memmap(path, dtype=np.uint16, mode="w+", shape=(2, m, n))
    alleles, rows = Alleles(name), 0
    for _, cells in _body(source.main):
        j, i = variant[cells[at.snp]], individual[cells[at.sample]]
        numbers[0, j, i] = alleles.number(cells[at.first].encode())
        numbers[1, j, i] = alleles.number(cells[at.second].encode())
        rows += 1
    if rows > n * m:
        raise InputError(f"{name} has {rows:,} genotypes of {n:,} x {m:,}; one each is expected: remove the repeats.")
    refuse_repeats(list(individual), name)
    counts, writer = LetterCounts(alleles), CallsWriter(source.folder, n, name)
    step = max(1, _BLOCK_CALLS // n)
    bases = at.strand != "ab"
    for start in range(0, m, step):
        block = numbers[:, start : start + step]
        writer.append(counts.add(block[0], block[1], None if bases else [("A", "B")] * block.shape[1]))
    if not bases:
        counts.pairs = [("", "")] * len(counts.pairs)
    kept = counts.kept
    try:
        positions = [max(0, int(position or 0)) for _, position in places]
    except ValueError:
        raise InputError(f"{name} has a position that is no whole number; base pairs are expected.") from None
    contigs = ("" if contig == "0" else contig for contig, _ in places)
    columns = variant_columns(
        kept_of(variant, kept),
        kept_of(contigs, kept),
        (place for place, keep in zip(positions, kept, strict=True) if keep),
        counts.pairs,
    )
    notes = [f"This is an Illumina FinalReport; its alleles of {at.strand if bases else 'AB'} are read."]
    stated = re.search(rb"Num Samples\D+(\d+)", source.main.first)
    if stated and int(stated[1]) != n:
        notes.append(f"Its header states {int(stated[1]):,} individuals; {n:,} have genotypes in it.")
    if not bases:
        notes.append("B is counted, and which bases A and B are stays unknown.")
    if rows < n * m:
        notes.append(f"{n * m - rows:,} genotypes are not in the file and are missing.")
    genotypes = Genotypes(calls=writer.matrix().T, sample_id=column(individual), **columns)
    return ReadResult(genotypes, counts.dropped(), [*notes, *counts.remarks()])


def _body(head: Head) -> Iterator[tuple[int, list[str]]]:
    rows = _rows(head)
    next(rows, None)
    return rows


def _matrix(source: CohortSource) -> ReadResult[Genotypes]:
    """The part below [Data] as a table of letters; a score behind each genotype (AB|0.9) is left out."""
    path = source.folder / "matrix.txt"
    with path.open("wb") as file:
        for _, cells in _rows(source.main):
            file.write("\t".join(_SCORE.sub("", cell) for cell in cells).encode() + b"\n")
    table = replace(source.main, path=path, first=archives.first_bytes(path))
    if not LetterTable.matches(table):
        raise InputError(
            f"{source.main.name} is an Illumina FinalReport without a column SNP Name, and no matrix of letters such "
            "as AB either; export it with SNP Name, Sample ID and two alleles."
        )
    options = source.options
    if options.orientation == "auto":
        options = replace(options, orientation="samples_in_columns")
    return LetterTable.read(replace(source, main=table, options=options))
