"""Output of ms and of the simulators that write as it does (msms, scrm, discoal, SLiM, mspms)."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from core.data.genotypes import Calls, Genotypes, from_calls, number_ids
from core.data.intake import archives
from core.data.intake.formats.base import (
    CohortFormat,
    CohortSource,
    Head,
    ReadResult,
    formats,
    only_file,
)
from core.data.intake.formats.calls import CallsWriter, NoVariantError
from core.data.intake.tables import decode
from core.errors import InputError

_SEGSITES = re.compile(rb"^segsites:\s*(\d+)", re.MULTILINE)
_LENGTH = re.compile(r"\s-r\s+\S+\s+(\d+)")
_LENGTH_ELSE = 1_000_000


@formats.register(
    "ms",
    title="ms",
    kind="genotypes",
    help="Output of ms, msms, scrm, discoal or SLiM: haplotypes 0/1 with positions; the first replicate is read.",
    source="ms manual (Hudson 2002)",
)
class Ms(CohortFormat):
    """A haplotype a row, each a haploid individual, or two neighbours a diploid one."""

    recognised = "by its lines // and segsites:"

    @staticmethod
    def matches(head: Head) -> bool:
        return head.first.lstrip().startswith((b"//", b"segsites:")) or (
            re.search(rb"^//", head.first, re.MULTILINE) is not None and _SEGSITES.search(head.first) is not None
        )

    @staticmethod
    def read(source: CohortSource) -> ReadResult[Genotypes]:
        only_file(source)
        name = source.main.name
        command, positions = "", []
        writer: CallsWriter | None = None
        replicates, sites = 0, 0
        for number, line in enumerate(archives.lines(source.main.path, name), 1):
            if line.startswith(b"segsites:"):
                replicates += 1
                sites = _number_of_sites(line, name) if replicates == 1 else sites
            elif number == 1:
                command = decode(line)
            elif replicates == 1 and line.startswith(b"positions:"):
                positions = [float(cell) for cell in line.split()[1:] if _is_share(cell)]
            elif replicates == 1 and line[:1] in (b"0", b"1"):
                row = np.frombuffer(line.rstrip(), dtype=np.uint8) - np.uint8(48)
                if len(row) != sites or row.max() > 1:
                    raise InputError(
                        f"{name} has a haplotype of {len(row):,} characters in line {number:,}; {sites:,} of 0 and 1 "
                        "are expected: run the simulation again."
                    )
                writer = writer or CallsWriter(source.folder, sites, name)
                writer.append(row.astype(np.int8))
        if writer is None:
            raise NoVariantError(f"{name} has no haplotype with a segregating site; 0 and 1 are expected in rows.")
        calls, ploidy, notes = _individuals(writer.matrix(), source)
        if replicates > 1:
            notes.append(f"Only the first of {replicates:,} replicates was read, for each is a population of its own.")
        columns: dict[str, Any] = {"sample_id": number_ids("individual" if ploidy == 2 else "haplotype", len(calls))}
        if len(positions) == sites:
            length = int(match[1]) if (match := _LENGTH.search(command)) else _LENGTH_ELSE
            columns["variant_position"] = np.rint(np.array(positions) * length).astype(np.int64).clip(1)
            columns["variant_contig"] = np.full(sites, "1", dtype=np.str_)
            notes.append(
                f"Positions are shares of the sequence, here times {length:,} base pairs"
                + (" (from -r)." if match else ", a length that the file does not tell.")
            )
        return ReadResult(from_calls(calls, ploidy, **columns), notes=notes)


def _individuals(haplotypes: Calls, source: CohortSource) -> tuple[Calls, int, list[str]]:
    """Calls and ploidy of the haplotypes (n, m) as haploid individuals, or paired in the order of the file."""
    counted = "and 1, the derived allele, is counted"
    n = len(haplotypes)
    if source.options.haplotypes != "pair":
        said = (
            f"Output of ms: {n:,} haplotypes are read as haploid individuals, {counted} (haplotypes=pair pairs them)."
        )
        return haplotypes, 1, [said]
    if n % 2:
        raise InputError(
            f"{source.main.name} has {n:,} haplotypes, which make no pairs; an even number is expected: simulate one "
            "more, or set haplotypes=keep."
        )
    said = f"Output of ms: {n:,} haplotypes were paired in their order to {n // 2:,} diploid individuals, {counted}."
    return haplotypes[0::2] + haplotypes[1::2], 2, [said]


def _number_of_sites(line: bytes, name: str) -> int:
    match = _SEGSITES.match(line)
    if match is None:
        raise InputError(f"{name} has a line segsites: without a number; run the simulation again.")
    return int(match[1])


def _is_share(cell: bytes) -> bool:
    return re.fullmatch(rb"[01]?\.?\d*([eE]-?\d+)?", cell) is not None and cell not in (b"", b".")
