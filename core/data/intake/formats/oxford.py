"""Oxford .gen with its .sample: three probabilities a genotype, as IMPUTE2, SNPTEST and qctool write them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.data.genotypes import MISSING, Calls, Genotypes, number_ids
from core.data.intake import archives
from core.data.intake.companions import companion
from core.data.intake.formats.base import CohortFormat, CohortSource, Head, ReadResult, formats
from core.data.intake.formats.calls import CallsWriter, NoVariantError, column, variant_columns
from core.data.intake.people import described_individuals
from core.data.intake.tables import decode
from core.errors import InputError

THRESHOLD = 0.9
"""The least probability of a genotype that is taken, as PLINK has it."""

_LEADS = (5, 6)
_ALLELE = re.compile(rb"[ACGTNacgtn]+|[0-9ID*.-]|<[^>]*>")
_CONTIG = re.compile(r"(chr)?([0-9]{1,3}|X|Y|XY|MT?|Z|W)", re.IGNORECASE)
_CONTIG_IN_ID = re.compile(r"((?:chr)?(?:[0-9]{1,3}|X|Y|MT?))[:_]\d+.*", re.IGNORECASE)


@formats.register(
    "oxford",
    title="Oxford gen",
    kind="genotypes",
    help="Oxford .gen with its .sample; the genotype of probability 0.9 or more is taken, of the second allele.",
    source="Oxford file formats (Marchini and Howie; IMPUTE2, SNPTEST), threshold of PLINK 1.9",
)
class Oxford(CohortFormat):
    """A variant a row: five or six columns, then P(first allele twice), P(both), P(second twice) an individual."""

    endings = (".gen",)
    companion_endings = (".sample", ".samples")
    joins = True
    recognised = "by rows of two alleles and probabilities in threes that add to 1"

    @staticmethod
    def matches(head: Head) -> bool:
        return head.suffix not in (".hap", ".haps") and _first_lead(head.first) is not None

    @staticmethod
    def read(source: CohortSource) -> ReadResult[Genotypes]:
        lead, n = _shape(source.main)
        rows = _Rows(source, lead, n)
        for number, line in enumerate(archives.lines(source.main.path, source.main.name), 1):
            if line.strip():
                rows.add(number, line)
        return rows.result()


@dataclass
class _Rows:
    """The matrix and the columns of the variants, grown row by row."""

    source: CohortSource
    lead: int
    n: int

    def __post_init__(self) -> None:
        self.name = self.source.main.name
        self.writer = CallsWriter(self.source.folder, self.n, self.name)
        self.columns: list[list[str]] = []
        self.unsure = 0

    def add(self, number: int, line: bytes) -> None:
        """One line."""
        cells = line.split()
        if len(cells) != self.lead + 3 * self.n:
            raise InputError(
                f"{self.name} has {len(cells):,} columns in line {number:,} where {self.lead + 3 * self.n:,} are "
                f"expected ({self.lead} and three probabilities for each of {self.n:,} individuals): export it anew."
            )
        try:
            probability = np.array(cells[self.lead :], dtype="S16").astype(np.float64).reshape(-1, 3)
        except ValueError:
            raise InputError(
                f"{self.name} holds a word among the probabilities of line {number:,}; numbers from 0 to 1 are "
                "expected: mend that line."
            ) from None
        total = probability.sum(axis=1)
        if not (probability >= -1e-6).all() or not (total < 1.05).all():
            raise InputError(
                f"{self.name} holds probabilities that add to {total.max():.2f} in line {number:,}; three of one "
                "genotype add to 1 at most: check that it is a .gen file."
            )
        calls, unsure = calls_of(probability)
        self.unsure += unsure
        self.writer.append(calls)
        self.columns.append([decode(cell) for cell in cells[: self.lead]])

    def result(self) -> ReadResult[Genotypes]:
        """The genotypes with the individuals of the sample file."""
        if not self.columns:
            raise NoVariantError(f"{self.name} has no variants; a row each is expected: export it anew.")
        sample = companion(self.source, ".sample", ".samples")
        ids, labels, phenotypes, said = described_individuals(
            sample.path if sample else None, sample.name if sample else "", self.n, self.name
        )
        notes = [
            f"Of each genotype's three probabilities the one of {THRESHOLD} or more is taken, and the second allele "
            f"counted; {self.unsure:,} calls have none so sure and are missing.",
            *said,
        ]
        if sample is None:
            notes.append("No .sample file came with it, so the individuals are numbered.")
        contigs, names = _places(self.columns, self.lead)
        first, second = self.lead - 2, self.lead - 1
        if not any(contigs):
            notes.append("The file names no chromosome.")
        try:
            columns = variant_columns(
                names,
                contigs,
                (max(0, int(row[self.lead - 3])) for row in self.columns),
                ([row[j].replace("0", "").upper() for j in (first, second)] for row in self.columns),
            )
        except (ValueError, OverflowError):
            raise InputError(
                f"{self.name} has a position that is no whole number in column {self.lead - 2}; give base pairs."
            ) from None
        people = number_ids("sample", self.n) if ids is None else column(ids)
        genotypes = Genotypes(
            calls=self.writer.matrix().T, sample_id=people, labels=labels, phenotypes=phenotypes, **columns
        )
        return ReadResult(genotypes, notes=notes)


def calls_of(probability: npt.NDArray[np.float64]) -> tuple[Calls, int]:
    """(n,) counts of the second allele from (n, 3) probabilities, and how many are known but not sure enough."""
    best = probability.max(axis=1)
    sure = best >= THRESHOLD - 1e-9
    counts = np.where(sure, probability.argmax(axis=1), MISSING).astype(np.int8)
    return counts, int((~sure & (best > 0)).sum())


def _places(rows: list[list[str]], lead: int) -> tuple[list[str], list[str]]:
    """Contigs and ids. Of five columns the first is a contig or an id of its own (--- in IMPUTE2's output)."""
    first = [row[0] for row in rows]
    names = [row[lead - 4] for row in rows]
    if (
        lead == 6
        or all(_CONTIG.fullmatch(one) for one in first)
        or (len(set(first)) == 1 and first[0] != "---" and not _CONTIG_IN_ID.fullmatch(first[0]))
    ):
        contigs = ["" if one in ("0", "NA", "---") else one for one in first]
    else:
        found = [_CONTIG_IN_ID.fullmatch(f) or _CONTIG_IN_ID.fullmatch(i) for f, i in zip(first, names, strict=True)]
        contigs = [match[1] if match else "" for match in found]
    positions = [row[lead - 3] for row in rows]
    names = [f"{c}:{p}" if one in (".", "---") else one for one, c, p in zip(names, contigs, positions, strict=True)]
    return contigs, names


def _shape(head: Head) -> tuple[int, int]:
    """How many columns stand before the probabilities, and how many individuals have them."""
    for line in archives.lines(head.path, head.name):
        cells = line.split()
        if cells:
            lead = next((k for k in _LEADS if len(cells) > k and (len(cells) - k) % 3 == 0), 0)
            if lead:
                return lead, (len(cells) - lead) // 3
            break
    raise InputError(
        f"{head.name} has {len(cells):,} columns in its first line; 5 or 6 and three probabilities an individual are "
        "expected: export it anew."
    )


def _first_lead(first: bytes) -> int | None:
    """The columns before the probabilities, judged from the first line (perhaps not all of it); None if it has none."""
    line, end, _ = first.partition(b"\n")
    cells = line.split()
    if not end and len(first) >= 1 << 16:
        cells = cells[:-1]
    for lead in _LEADS:
        alleles, rest = cells[lead - 2 : lead], cells[lead:]
        if len(rest) < 3 or (end and len(rest) % 3) or not re.fullmatch(rb"\d+", cells[lead - 3]):
            continue
        if not all(_ALLELE.fullmatch(one) for one in alleles) or alleles[0] == alleles[1]:
            continue
        try:
            triplets = np.array(rest[: len(rest) // 3 * 3], dtype="S16").astype(np.float64).reshape(-1, 3)
        except ValueError:
            continue
        total = triplets.sum(axis=1)
        if ((np.abs(total - 1) < 0.05) | (total == 0)).mean() >= 0.95 and (triplets >= 0).all():
            return lead
    return None
