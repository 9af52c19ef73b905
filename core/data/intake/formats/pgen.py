"""PLINK 2 filesets: pgen (calls), pvar (variants) and psam (individuals), read with the optional pgenlib."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np

from core.data.genotypes import MISSING, Genotypes
from core.data.intake import archives
from core.data.intake.columns import individual_columns
from core.data.intake.companions import companion
from core.data.intake.formats.base import CohortFormat, CohortSource, Head, ReadResult, formats, lines_preview
from core.data.intake.formats.calls import CallsWriter, check_size, column, variant_columns
from core.data.intake.people import described, ids_of_people, read_people
from core.data.intake.tables import decode
from core.errors import InputError

MAGICS = tuple(bytes((0x6C, 0x1B, mode)) for mode in (0x02, 0x03, 0x04, 0x10, 0x11))
_PARTS = "pgen, pvar and psam"
_OTHERWISE = "write a bed with plink2 --make-bed"
_BLOCK_CALLS = 8 << 20


@formats.register(
    "pgen",
    title="PLINK 2 pgen",
    kind="genotypes",
    help="PLINK 2 .pgen with .pvar and .psam, where the optional pgenlib is installed; the ALT allele is counted.",
    source="PLINK 2 file formats (Chang et al. 2015); read with pgenlib",
)
class Pgen(CohortFormat):
    """Biallelic hard calls; dosages are read as the hard calls that PLINK 2 stores beside them."""

    endings = (".pgen",)
    companion_endings = (".pvar", ".psam")
    joins = True
    recognised = "by its first bytes (6c 1b 10 and the like)"

    @staticmethod
    def matches(head: Head) -> bool:
        return head.first.startswith(MAGICS) or head.suffix in (".pvar", ".psam")

    @staticmethod
    def read(source: CohortSource) -> ReadResult[Genotypes]:
        pgen = companion(source, ".pgen", needed=_PARTS)
        assert pgen is not None  # companion raises otherwise
        if importlib.util.find_spec("pgenlib") is None:
            raise InputError(
                f"{pgen.name} is a PLINK 2 pgen file, and pgenlib, which reads it, is not installed: install "
                f"requirements-extra.txt, or {_OTHERWISE}."
            )
        pvar, psam = companion(source, ".pvar"), companion(source, ".psam")
        if pvar is None or psam is None:
            absent = ".pvar" if pvar is None else ".psam"
            raise InputError(
                f"{pgen.name} is a PLINK 2 pgen file that came without its {absent} file; {_PARTS} belong together: "
                f"give all three, or {_OTHERWISE}."
            )
        people = read_people(psam.path, psam.name)
        rows = _variants(pvar)
        n, m = len(people.rows), len(rows)
        check_size(m, n, pgen.name)
        writer = CallsWriter(source.folder, n, pgen.name)
        _read_calls(pgen, n, m, writer)
        labels, phenotypes, notes = individual_columns(described(people), plink=True)
        genotypes = Genotypes(
            calls=writer.matrix().T,
            sample_id=column(ids_of_people(people)),
            labels=labels,
            phenotypes=phenotypes,
            **_columns(rows, pvar.name),
        )
        return ReadResult(genotypes, notes=["Counts are of the ALT allele of the .pvar file.", *notes])

    @staticmethod
    def preview(source: CohortSource) -> dict[str, Any]:
        return {**lines_preview(source), "rows": []} if b"\0" in source.main.first else lines_preview(source)


def _read_calls(pgen: Head, n: int, m: int, writer: CallsWriter) -> None:
    from pgenlib import PgenReader

    try:
        with PgenReader(str(pgen.path).encode(), raw_sample_ct=n, variant_ct=m) as reader:
            step = max(1, _BLOCK_CALLS // n)
            for start in range(0, m, step):
                block = np.empty((min(m, start + step) - start, n), dtype=np.int8)
                reader.read_range(start, start + len(block), block)
                writer.append(np.where(block < 0, MISSING, block).astype(np.int8))
    except (RuntimeError, ValueError) as error:
        raise InputError(
            f"{pgen.name} cannot be read with {n:,} individuals and {m:,} variants ({_reason(error)}): give "
            f"the three files of one export, or {_OTHERWISE}."
        ) from None


def _reason(error: Exception) -> str:
    """pgenlib's sentence, which comes as the text of a bytes object."""
    return archives.reason(error).replace("\\n", "").strip("b'\". ")


def _variants(pvar: Head) -> list[list[str]]:
    """Contig, position, id, reference and alternate of each variant."""
    rows: list[list[str]] = []
    order = [0, 3, 1, 5, 4]  # without a header as in a bim file
    for number, line in enumerate(archives.lines(pvar.path, pvar.name), 1):
        if line.startswith(b"##") or not line.strip():
            continue
        if line.startswith(b"#"):
            names = [decode(cell).lstrip("#").upper() for cell in line.split()]
            wanted = ["CHROM", "POS", "ID", "REF", "ALT"]
            if not set(wanted) <= set(names):
                raise InputError(
                    f"{pvar.name} has the columns {', '.join(names)[:80]}; {', '.join(wanted)} are expected."
                )
            order = [names.index(one) for one in wanted]
            continue
        cells = line.split(None, max(order) + 1)
        if len(cells) <= max(order):
            raise InputError(
                f"{pvar.name} has {len(cells)} columns in line {number:,}; at least {max(order) + 1} are expected: "
                "export it anew."
            )
        rows.append([decode(cells[j]) for j in order])
        if "," in rows[-1][4]:
            raise InputError(
                f"{pvar.name} has several alternate alleles in line {number:,}; one is expected: split or drop such "
                "variants with plink2 --max-alleles 2 --make-pgen."
            )
    if not rows:
        raise InputError(f"{pvar.name} has no variants; a row each is expected: export it anew.")
    return rows


def _columns(rows: list[list[str]], name: str) -> dict[str, Any]:
    try:
        return variant_columns(
            (f"{row[0]}:{row[1]}:{row[3]}:{row[4]}" if row[2] == "." else row[2] for row in rows),
            ("" if row[0] == "0" else row[0] for row in rows),
            (max(0, int(row[1])) for row in rows),
            (["" if one in (".", "0") else one for one in row[3:5]] for row in rows),
        )
    except ValueError:
        raise InputError(f"{name} has a position that is no whole number; base pairs are expected.") from None
