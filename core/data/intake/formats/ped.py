"""PLINK text filesets: ped and map (an individual a row), tped and tfam (a variant a row)."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from core.data.genotypes import Genotypes
from core.data.intake import archives
from core.data.intake.columns import individual_columns
from core.data.intake.companions import companion
from core.data.intake.formats.base import CohortFormat, CohortSource, Head, ReadResult, formats
from core.data.intake.formats.calls import CallsWriter, NoVariantError, check_size, column, variant_columns
from core.data.intake.formats.families import COLUMNS, family_columns, individual_ids
from core.data.intake.formats.letters import Alleles, LetterCounts
from core.data.intake.tables import Table, decode, read_table
from core.errors import InputError

_LEAD = 6
_BASES = frozenset((b"A", b"C", b"G", b"T"))
_LETTERS = _BASES | {b"0", b"N", b"I", b"D", b"-"}
_BLOCK_CALLS = 8 << 20
_ALLELE = re.compile(rb"[ACGTNacgtn0-9*.?-]+|[IDX+]|<[^>]*>")


@formats.register(
    "ped",
    title="PLINK ped",
    kind="genotypes",
    help="PLINK text .ped with its .map; the rarer allele is counted, families, sex and phenotypes are kept.",
    source="PLINK 1.9 file formats (Chang et al. 2015)",
)
class Ped(CohortFormat):
    """Two alleles a variant, an individual a row."""

    endings = (".ped",)
    companion_endings = (".map",)
    joins = True
    recognised = "by its ending, or by six columns about an individual and pairs of alleles behind them"

    @staticmethod
    def matches(head: Head) -> bool:
        return head.suffix == ".ped" or (head.suffix == ".map" and _is_map(head)) or _is_ped(head)

    @staticmethod
    def read(source: CohortSource) -> ReadResult[Genotypes]:
        ped = source.main if _is_ped(source.main) else companion(source, ".ped", needed="ped and map")
        map_file = companion(source, ".map", needed="ped and map")
        assert ped is not None and map_file is not None  # companion raises otherwise
        contigs, ids, positions = _map(map_file)
        alleles = Alleles(ped.name)
        individuals, codes = _rows(ped, map_file.name, len(ids), alleles, source)
        n, counts = len(individuals), LetterCounts(alleles)
        writer = CallsWriter(source.folder, n, ped.name)
        step = max(1, _BLOCK_CALLS // n)
        for start in range(0, len(ids), step):
            block = np.ascontiguousarray(codes[:, 2 * start : 2 * (start + step)].T)
            writer.append(counts.add(block[::2], block[1::2]))
        return _result(writer, counts, Table(ped.name, COLUMNS, individuals), (ids, contigs, positions))


@formats.register(
    "tped",
    title="PLINK tped",
    kind="genotypes",
    help="PLINK transposed text .tped with its .tfam; the rarer allele is counted.",
    source="PLINK 1.9 file formats (Chang et al. 2015)",
)
class Tped(CohortFormat):
    """Two alleles an individual, a variant a row."""

    endings = (".tped",)
    companion_endings = (".tfam",)
    joins = True
    recognised = "by its ending, or by four columns about a variant and pairs of alleles behind them"

    @staticmethod
    def matches(head: Head) -> bool:
        return head.suffix in (".tped", ".tfam") or _is_tped(head)

    @staticmethod
    def read(source: CohortSource) -> ReadResult[Genotypes]:
        tped = source.main if _is_tped(source.main) else companion(source, ".tped", needed="tped and tfam")
        tfam = companion(source, ".tfam", needed="tped and tfam")
        assert tped is not None and tfam is not None  # companion raises otherwise
        people = read_table(tfam.path, tfam.name, header=False, delimiter=" ")
        if len(people.rows[0]) != _LEAD:
            raise InputError(
                f"{tfam.name} has {len(people.rows[0])} columns; 6 are expected (family, id, parents, sex, phenotype): "
                "export it anew."
            )
        n, alleles = len(people.rows), Alleles(tped.name)
        counts, writer = LetterCounts(alleles), CallsWriter(source.folder, n, tped.name)
        contigs, ids, positions = [], [], []
        for number, line in enumerate(archives.lines(tped.path, tped.name), 1):
            cells = line.split(None, 4)
            if not cells:
                continue
            codes = alleles.line(_uncompounded(cells[4], n).strip() if len(cells) > 4 else b"")
            if len(codes) != 2 * n:
                raise InputError(
                    f"{tped.name} has {len(codes):,} alleles in line {number:,} where {2 * n:,} are expected, two for "
                    f"each individual of {tfam.name}: give the two files of one export."
                )
            contigs.append(decode(cells[0]))
            ids.append(decode(cells[1]))
            positions.append(_position(decode(cells[3]), tped.name))
            writer.append(counts.add(codes[None, ::2], codes[None, 1::2]))
        return _result(writer, counts, people, (ids, contigs, positions))


def _rows(
    ped: Head, map_name: str, m: int, alleles: Alleles, source: CohortSource
) -> tuple[list[list[str]], np.memmap[Any, np.dtype[np.uint16]]]:
    """The six first cells of each individual, and (n, 2 m) numbers of alleles in a scratch file."""
    path = source.folder / "alleles.uint16"
    path.unlink(missing_ok=True)
    individuals = []
    with path.open("wb") as scratch:
        for number, line in enumerate(archives.lines(ped.path, ped.name), 1):
            cells = line.split(None, _LEAD)
            if not cells or cells[0].startswith(b"#"):
                continue
            rest = _uncompounded(cells[_LEAD], m).strip() if len(cells) > _LEAD else b""
            codes = alleles.line(rest)
            if len(codes) != 2 * m:
                raise InputError(
                    f"{ped.name} has {len(codes):,} alleles behind six columns in line {number:,}, where {2 * m:,} are "
                    f"expected, two for each of the {m:,} variants of {map_name}: give the two files of one export."
                )
            individuals.append([decode(cell) for cell in cells[:_LEAD]])
            check_size(len(individuals), m, ped.name)
            scratch.write(np.ascontiguousarray(codes).data)
            if number == 1:
                _require_letters(alleles, ped.name)
    if not individuals:
        raise InputError(f"{ped.name} has no individuals; a row each is expected: export it anew.")
    shape = (len(individuals), 2 * m)
    return individuals, np.memmap(path, dtype=np.uint16, mode="r", shape=shape)


def _require_letters(alleles: Alleles, name: str) -> None:
    wrong = [one for one in alleles.spelling[1:] if not _ALLELE.fullmatch(one.encode())]
    if wrong:
        raise InputError(
            f"{name} holds {wrong[0][:20]!r} where alleles such as A and G are expected: check that the six columns "
            "family, id, father, mother, sex, phenotype stand before them."
        )


def _uncompounded(text: bytes, count: int) -> bytes:
    """Alleles of their own where two stand in one cell (AG, as --recode compound-genotypes writes)."""
    if len(text) > 3 * count:
        return text
    cells = text.split()
    if len(cells) != count or any(len(cell) != 2 for cell in cells):
        return text
    return b" ".join(cell[:1] + b" " + cell[1:] for cell in cells)


def _is_ped(head: Head) -> bool:
    """Rows of six columns (sex is a number, and so is the phenotype) and pairs of letters, whatever the ending."""
    rows = _whole_rows(head)
    return bool(rows) and all(
        re.fullmatch(rb"[012]|-9", row[4]) and re.fullmatch(rb"-?\d+(\.\d+)?|NA", row[5]) and _are_pairs(row[6:])
        for row in rows
    )


def _is_tped(head: Head) -> bool:
    """Rows of contig, id, cM and position, and pairs of letters behind them, whatever the ending."""
    rows = _whole_rows(head)
    numbers = rb"-?\d+(\.\d+)?"
    return bool(rows) and all(
        re.fullmatch(numbers, row[2]) and re.fullmatch(rb"-?\d+", row[3]) and _are_pairs(row[4:]) for row in rows
    )


def _whole_rows(head: Head) -> list[list[bytes]]:
    """The cells of the first rows, all of one width; of a single long line as much as was looked at."""
    lines = [line for line in head.first.split(b"\n") if line.strip()]
    if len(lines) > 1 and len(head.first) >= 1 << 16:
        lines = lines[:-1]
    rows = [line.split() for line in lines[:5]]
    width = len(rows[0]) if rows else 0
    return rows if width > 7 and all(len(row) == width for row in rows) else []


def _are_pairs(cells: list[bytes]) -> bool:
    """An even number of single letters of alleles; a heterozygote code would tell that one is a genotype."""
    return len(cells) % 2 == 0 and set(cells) <= _LETTERS and bool(set(cells) & _BASES)


def _is_map(head: Head) -> bool:
    """A map of PLINK has three or four columns, the last a whole number; other files end so too."""
    cells = head.first.split(b"\n", 1)[0].split()
    return len(cells) in (3, 4) and re.fullmatch(rb"-?\d+", cells[-1]) is not None


def _map(head: Head) -> tuple[list[str], list[str], list[int]]:
    """Contigs, ids and positions; a negative position stays so, for the variant is to be left out."""
    table = read_table(head.path, head.name, header=False, delimiter=" ")
    width = len(table.rows[0])
    if width not in (3, 4):
        raise InputError(
            f"{head.name} has {width} columns; 4 are expected (chromosome, id, cM, position), or 3 without cM: export "
            "it anew."
        )
    positions = [_position(row[-1], head.name) for row in table.rows]
    return table.column(0), table.column(1), positions


def _position(text: str, name: str) -> int:
    try:
        return min(int(text), 2**53)
    except ValueError:
        raise InputError(
            f"{name} has the position {text[:40]!r}, which is no whole number; base pairs are expected."
        ) from None


def _result(
    writer: CallsWriter,
    counts: LetterCounts,
    people: Table,
    variants: tuple[list[str], list[str], list[int]],
) -> ReadResult[Genotypes]:
    """Genotypes without the variants that have more than two alleles, or that the map marks to be left out."""
    kept = [j for j, keep in enumerate(counts.kept) if keep]
    ids, contigs = ([values[j] for j in kept] for values in variants[:2])
    positions = [variants[2][j] for j in kept]
    labels, phenotypes, notes = individual_columns(family_columns(people), plink=True)
    dropped = counts.dropped()
    if not kept:
        raise NoVariantError(
            f"{people.name} gives no variant with two alleles at most; letters a genotype are expected."
        )
    names = (
        f"{contig}:{position}" if one == "." else one
        for one, contig, position in zip(ids, contigs, positions, strict=True)
    )
    places = (max(0, position) for position in positions)
    genotypes = Genotypes(
        calls=writer.matrix().T,
        sample_id=column(individual_ids(people)),
        labels=labels,
        phenotypes=phenotypes,
        **variant_columns(names, ("" if one == "0" else one for one in contigs), places, counts.pairs),
    )
    marked = np.array([position < 0 for position in positions])
    if marked.any():
        genotypes = genotypes.variants(np.flatnonzero(~marked))
        dropped["marked by a negative position"] = int(marked.sum())
    return ReadResult(genotypes, dropped, [*notes, *counts.remarks()])
