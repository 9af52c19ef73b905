"""EIGENSTRAT and ANCESTRYMAP: geno (text, packed or a call a line), snp and ind; the first allele of snp is counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import MISSING, Calls, Genotypes, from_calls
from core.data.intake import archives
from core.data.intake.columns import individual_columns
from core.data.intake.companions import companion
from core.data.intake.formats.base import (
    CohortFormat,
    CohortSource,
    Head,
    ReadResult,
    formats,
    lines_preview,
    matrix_preview,
)
from core.data.intake.formats.calls import CallsWriter, check_size, column, variant_columns
from core.data.intake.people import described, ids_of_people, read_people
from core.data.intake.tables import Table, decode, read_table
from core.errors import InputError

_PARTS = "geno, snp and ind"
_TEXT = frozenset(b"0129\r\n")
_CONTIGS = {"90": "MT", "91": "XY"}
_RECORD_LEAST = 48  # bytes of the header, and of a packed record at least
_BLOCK_CALLS = 16 << 20


@formats.register(
    "eigenstrat",
    title="EIGENSTRAT",
    kind="genotypes",
    help="EIGENSTRAT or ANCESTRYMAP, text or packed, with .snp and .ind; the first allele is counted.",
    source="EIGENSOFT file formats (Patterson et al. 2006); AADR's packed and transposed packed files",
)
class Eigenstrat(CohortFormat):
    """A variant a row of digits 0, 1, 2 and 9, two bits a genotype, or a call a line (ANCESTRYMAP)."""

    endings = (".geno", ".ancestrymapgeno")
    companion_endings = (".snp", ".ind")
    joins = True
    recognised = "by rows of digits without blanks, rows of a variant, an individual and a count, or by GENO and TGENO"

    @staticmethod
    def matches(head: Head) -> bool:
        return _is_geno(head) or (head.suffix in (".ind", ".snp") and _is_companion(head))

    @staticmethod
    def read(source: CohortSource) -> ReadResult[Genotypes]:
        geno = next((head for head in (source.main, *source.others) if _is_geno(head)), None)
        geno = geno or companion(source, ".geno", ".ancestrymapgeno", needed=_PARTS)
        assert geno is not None  # companion raises otherwise
        snp, ind = companion(source, ".snp"), companion(source, ".ind")
        if snp is None and ind is None and _is_text(geno):
            return _alone(geno, source)
        if snp is None or ind is None:
            kind = "is packed EIGENSTRAT, which" if _is_packed(geno) else "is EIGENSTRAT, which"
            raise InputError(
                f"{geno.name} {kind} came without its {'.snp' if snp is None else '.ind'} file; {_PARTS} belong "
                "together: give all three, or write PACKEDPED with convertf and give bed, bim and fam."
            )
        people = read_people(ind.path, ind.name)
        variants = read_table(snp.path, snp.name, header=False, delimiter=" ")
        n, m = len(people.rows), len(variants.rows)
        ids = ids_of_people(people)
        writer = CallsWriter(source.folder, n, geno.name)
        for block in [_calls(geno, variants.column(0), ids)] if _is_long(geno) else _blocks(geno, n, m, source):
            writer.append(block)
        _require(writer.rows == m, geno.name, f"{writer.rows:,} rows", f"{m:,} variants in {snp.name}")
        labels, phenotypes, notes = individual_columns(_described(people))
        genotypes = Genotypes(
            calls=writer.matrix().T,
            sample_id=column(ids),
            labels=labels,
            phenotypes=phenotypes,
            **_variant_columns(variants),
        )
        return ReadResult(genotypes, notes=["Counts are of the first allele of the .snp file; 9 is missing.", *notes])

    @staticmethod
    def preview(source: CohortSource) -> dict[str, Any]:
        if _is_long(source.main):
            return lines_preview(source)
        lines = [line for line in source.main.first.split(b"\n")[:8] if _is_text(source.main)]
        rows = [[chr(byte) for byte in line[:8]] for line in lines]
        corner = np.zeros((0, 0), dtype=np.int8)
        return {**matrix_preview((0, 0), [], [], corner, []), "individuals": None, "variants": None, "rows": rows}


def _is_geno(head: Head) -> bool:
    return _is_packed(head) or _is_text(head) or _is_long(head)


def _is_long(head: Head) -> bool:
    """ANCESTRYMAP's rows of a variant, an individual and a count; other tables of three columns have other endings."""
    rows = [line.split() for line in head.first.split(b"\n")[:3]]
    return head.suffix in (".geno", ".ancestrymapgeno") and all(
        len(row) == 3 and row[2] in (b"0", b"1", b"2", b"9", b"-1") for row in rows if row
    )


def _is_packed(head: Head) -> bool:
    return head.first.startswith((b"GENO ", b"TGENO ")) and b"\0" in head.first


def _is_text(head: Head) -> bool:
    """Rows of digits of one length; a .geno file may be one column wide."""
    lines = head.first.split(b"\n")[:3]
    width = len(lines[0].rstrip(b"\r"))
    return (
        width > (0 if head.suffix == ".geno" else 3)
        and all(set(line) <= _TEXT for line in lines)
        and all(len(line.rstrip(b"\r")) == width for line in lines[:-1])
    )


def _is_companion(head: Head) -> bool:
    cells = head.first.split(b"\n", 1)[0].split()
    return len(cells) == 3 if head.suffix == ".ind" else len(cells) in (4, 6)


def _alone(geno: Head, source: CohortSource) -> ReadResult[Genotypes]:
    width = len(geno.first.split(b"\n", 1)[0].rstrip(b"\r"))
    writer = CallsWriter(source.folder, width, geno.name)
    for block in _text_rows(geno, width):
        writer.append(block)
    note = (
        f"{geno.name} came without .snp and .ind (as LEA writes it): each row is taken as a variant, each digit as an "
        "individual, ids are made up and the counted allele is unknown."
    )
    return ReadResult(from_calls(writer.matrix().T), notes=[note])


def _calls(geno: Head, variants: list[str], people: list[str]) -> Calls:
    """(m, n) counts of a file with a call a line; what has no line is missing. Raises InputError naming the line."""
    check_size(len(variants), len(people), geno.name)
    calls = np.full((len(variants), len(people)), MISSING, dtype=np.int8)
    row = {one.encode(): i for i, one in enumerate(variants)}
    place = {one.encode(): j for j, one in enumerate(people)}
    count = {b"0": 0, b"1": 1, b"2": 2, b"9": MISSING, b"-1": MISSING}
    for number, line in enumerate(archives.lines(geno.path, geno.name), 1):
        cells = line.split()
        if not cells:
            continue
        if len(cells) != 3 or cells[0] not in row or cells[1] not in place or cells[2] not in count:
            raise InputError(
                f"{geno.name} holds {' '.join(map(decode, cells))[:60]!r} in line {number:,}; a variant of the .snp "
                "file, an individual of the .ind file and 0, 1, 2 or 9 are expected: give the files of one export."
            )
        here, call = (row[cells[0]], place[cells[1]]), count[cells[2]]
        if calls[here] not in (MISSING, call):
            raise InputError(
                f"{geno.name} has two calls of {decode(cells[0])} for {decode(cells[1])} (line {number:,}), which "
                "differ; one is expected: leave one of them out."
            )
        calls[here] = call
    return calls


def _blocks(geno: Head, n: int, m: int, source: CohortSource) -> Iterator[Calls]:
    """Rows of counts, (r, n) each."""
    if not _is_packed(geno):
        yield from _text_rows(geno, n)
        return
    check_size(m, n, geno.name)
    path = archives.unfolded(geno.path, geno.name, source.folder)
    transposed = geno.first.startswith(b"TGENO")
    header = geno.first[:_RECORD_LEAST].split(b"\0", 1)[0].split()
    stated = [int(cell) for cell in header[1:3] if cell.isdigit()]
    _require(stated == [n, m], geno.name, " x ".join(map(str, stated)) or "no sizes", f"{n:,} x {m:,}")
    rows, width = (n, m) if transposed else (m, n)
    # A packed record has 48 bytes at least, and the header is as long as a record; a transposed file has neither rule.
    record = (width + 3) // 4 if transposed else max(_RECORD_LEAST, (width + 3) // 4)
    start = _RECORD_LEAST if transposed else record
    expected, present = start + rows * record, path.stat().st_size
    _require(
        present == expected, geno.name, f"{present:,} bytes", f"{expected:,} for {n:,} individuals x {m:,} variants"
    )
    packed: npt.NDArray[np.uint8] = np.memmap(path, dtype=np.uint8, mode="r", offset=start, shape=(rows, record))
    step = max(1, _BLOCK_CALLS // max(n, 1))
    for first in range(0, m, step):
        last = min(m, first + step)
        if transposed:
            low = first // 4
            part = _unpacked(np.ascontiguousarray(packed[:, low : (last + 3) // 4]))
            yield np.ascontiguousarray(part[:, first - 4 * low : last - 4 * low].T)
        else:
            yield np.ascontiguousarray(_unpacked(packed[first:last])[:, :n])


def _unpacked(packed: npt.NDArray[np.uint8]) -> Calls:
    """(r, 4 b) counts from (r, b) bytes: two bits a genotype, the highest first; 3 is missing."""
    counts = np.stack([packed >> 6, packed >> 4 & 3, packed >> 2 & 3, packed & 3], axis=2)
    return np.where(counts == 3, MISSING, counts).astype(np.int8).reshape(len(packed), -1)


def _text_rows(geno: Head, n: int) -> Iterator[Calls]:
    code = np.full(256, -128, dtype=np.int8)
    code[list(b"0129")] = [0, 1, 2, MISSING]
    for number, line in enumerate(archives.lines(geno.path, geno.name), 1):
        row = code[np.frombuffer(line.rstrip(), dtype=np.uint8)]
        if not len(row):
            continue
        if len(row) != n or row.min() == -128:
            raise InputError(
                f"{geno.name} has {len(row):,} characters in line {number:,}; {n:,} digits 0, 1, 2 or 9 are expected, "
                "one for each individual: give the files of one export."
            )
        yield row


def _require(fits: bool, name: str, found: str, expected: str) -> None:
    if not fits:
        raise InputError(f"{name} has {found} where {expected} are expected; give the three files of one export.")


def _described(people: Table) -> dict[str, list[str]]:
    columns = described(people)
    return {name: ["" if v in ("U", "u") else v for v in values] for name, values in columns.items()}


def _variant_columns(table: Table) -> dict[str, Any]:
    width = len(table.rows[0])
    if width not in (4, 6):
        raise InputError(
            f"{table.name} has {width} columns; 6 are expected (id, chromosome, cM, position, two alleles), or 4 "
            "without alleles: export it anew."
        )
    # Counts are of the first allele, so that is the alternate one; X is an allele that is not known.
    pairs = [[row[5], row[4]] if width == 6 else ["", ""] for row in table.rows]
    try:
        return variant_columns(
            table.column(0),
            (_CONTIGS.get(one, "" if one == "0" else one) for one in table.column(1)),
            (max(0, round(float(one))) for one in table.column(3)),
            (["" if one in ("X", "0", "N") else one.upper() for one in pair] for pair in pairs),
        )
    except (ValueError, OverflowError):
        raise InputError(
            f"{table.name} has a position that is no number; base pairs are expected in column 4."
        ) from None
