"""Genotype files of BEAGLE 3: a line of ids and a line a marker, two columns an individual."""

from __future__ import annotations

import re

from core.data.genotypes import Genotypes, from_calls
from core.data.intake import archives
from core.data.intake.columns import individual_columns
from core.data.intake.formats.base import CohortFormat, CohortSource, Head, ReadResult, formats, only_file
from core.data.intake.formats.calls import CallsWriter, NoVariantError, column
from core.data.intake.formats.letters import Alleles, LetterCounts, kept_of
from core.data.intake.tables import decode
from core.errors import InputError

_LEAD = 2
_DESCRIBING = (b"A", b"C", b"S", b"T")  # affection status, covariate, strata, trait
_MARKER = re.compile(rb"^M\s", re.MULTILINE)


@formats.register(
    "beagle3",
    title="BEAGLE 3",
    kind="genotypes",
    help="BEAGLE 3 genotypes (lines I and M), phased or not; the rarer allele is counted, traits are kept.",
    source="BEAGLE 3.3 manual (Browning and Browning 2007)",
)
class Beagle3(CohortFormat):
    """Two alleles an individual, a marker a row; a table of markers gives the positions."""

    endings = (".bgl",)
    joins = True
    recognised = "by its line I with each id twice, and lines M"

    @staticmethod
    def matches(head: Head) -> bool:
        lines = [line for line in head.first.split(b"\n") if line.strip() and not line.startswith(b"#")]
        cells = lines[0].split() if lines else []
        ids = cells[_LEAD:] if len(lines) > 1 else cells[_LEAD:-1]  # the last word of a long line may be cut
        if len(ids) < 2 or cells[0] != b"I":
            return False
        pairs = zip(ids[::2], ids[1::2], strict=False)
        return all(one == two for one, two in pairs) and (len(lines) == 1 or _MARKER.search(head.first) is not None)

    @staticmethod
    def read(source: CohortSource) -> ReadResult[Genotypes]:
        only_file(source)
        name = source.main.name
        alleles = Alleles(name)
        counts, ids = LetterCounts(alleles), []
        people: list[str] = []
        described: dict[str, list[str]] = {}
        writer: CallsWriter | None = None
        for number, line in enumerate(archives.lines(source.main.path, name), 1):
            kind, what, *rest = (*line.split(None, _LEAD), b"", b"")[:3]
            if not kind or line.startswith(b"#"):
                continue
            if kind == b"I" and not people:
                people = _people(rest[0].split(), number, name)
                writer = CallsWriter(source.folder, len(people), name)
            elif kind in _DESCRIBING and people:
                values = _each_once(rest[0].split(), len(people), number, name)
                # A status is 1 or 2, and 0 where it is not known.
                described[decode(what)] = ["" if kind == b"A" and one == "0" else one for one in values]
            elif kind == b"M" and writer is not None:
                codes = alleles.line(rest[0].strip())
                if len(codes) != 2 * writer.width:
                    raise InputError(
                        f"{name} has {len(codes):,} alleles in line {number:,} where {2 * writer.width:,} are "
                        "expected, two for each individual of its line I: mend that line."
                    )
                writer.append(counts.add(codes[None, ::2], codes[None, 1::2]))
                ids.append(decode(what))
            else:
                raise InputError(
                    f"{name} has a line that begins with {decode(kind)[:20]!r} (line {number:,}); I, then A, C, S, T "
                    "and M are expected, as BEAGLE 3 has them: mend that line."
                )
        if writer is None or not counts.pairs:
            raise NoVariantError(f"{name} has no marker of two alleles at most; lines M of BEAGLE 3 are expected.")
        labels, phenotypes, notes = individual_columns(described)
        genotypes = from_calls(
            writer.matrix().T,
            sample_id=column(people),
            variant_id=column(kept_of(ids, counts.kept)),
            variant_allele=column((one for pair in counts.pairs for one in pair), 50).reshape(-1, 2),
            labels=labels,
            phenotypes=phenotypes,
        )
        return ReadResult(genotypes, counts.dropped(), [*notes, *counts.remarks()])


def _people(cells: list[bytes], number: int, name: str) -> list[str]:
    if len(cells) % 2 or cells[::2] != cells[1::2]:
        raise InputError(
            f"{name} has {len(cells):,} ids in line {number:,} that are no pairs; each individual twice is expected: "
            "export it anew."
        )
    return [decode(cell) for cell in cells[::2]]


def _each_once(cells: list[bytes], n: int, number: int, name: str) -> list[str]:
    """What a line says of each individual, from its first column."""
    if len(cells) != 2 * n:
        raise InputError(
            f"{name} has {len(cells):,} entries in line {number:,} where {2 * n:,} are expected, two for each "
            "individual: mend that line."
        )
    return [decode(cell) for cell in cells[::2]]
