"""A table of variants (legend, bim, map, or a CSV with a header) that names the columns of a bare matrix."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.data.genotypes import Genotypes
from core.data.intake.formats.calls import variant_columns
from core.data.intake.tables import Table, read_table
from core.errors import InputError

NAMES = {
    "id": re.compile(r"id|snp|snp.?id|rs|rsid|marker|variant|variant.?id|name|locus", re.IGNORECASE),
    "contig": re.compile(r"#?(chrom|chromosome|chr|contig|chrom.?id|variant_contig)", re.IGNORECASE),
    "position": re.compile(r"pos|position|bp|ps|base.?pair.*|variant_position|pos.?bp", re.IGNORECASE),
    "reference": re.compile(r"ref|a0|reference|ref.?allele|allele0|major", re.IGNORECASE),
    "alternate": re.compile(r"alt|a1|alternate|alt.?allele|allele1|minor", re.IGNORECASE),
}
_CONTIG_IN_ID = re.compile(r"(chr)?([0-9]{1,3}|[XYM]|MT)[:_].+", re.IGNORECASE)


@dataclass(frozen=True)
class VariantTable:
    """Ids, contigs, positions (base pairs, 0 unknown) and alleles of variants, each a list of one length."""

    name: str
    ids: list[str]
    contigs: list[str]
    positions: list[int]
    alleles: list[tuple[str, str]]

    @classmethod
    def read(cls, path: Path, name: str) -> VariantTable:
        """Read a legend (id position a0 a1), bim (contig id cM position a1 a2), map (contig id cM position) or CSV."""
        table = read_table(path, name)
        places = _places(table)
        if "position" not in places:
            raise InputError(
                f"{table.name} has no column of positions; a table of variants with id, position (and chromosome, "
                "alleles) is expected: name its columns in a header."
            )

        def get(what: str) -> list[str]:
            return table.column(places[what]) if what in places else [""] * len(table.rows)

        ids = get("id")
        contigs = get("contig") if "contig" in places else [_contig_of(one) for one in ids]
        positions = [_position(text, table.name) for text in get("position")]
        alleles = list(zip(get("reference"), get("alternate"), strict=True))
        return cls(table.name, ids, contigs, positions, alleles)

    def __len__(self) -> int:
        return len(self.ids)

    def join(self, genotypes: Genotypes) -> tuple[Genotypes, list[str]]:
        """Give the variants of `genotypes` their contigs, positions and alleles: by id where ids match, else by order.

        Raises InputError when neither the ids nor the number of rows fit.
        """
        row = {one: i for i, one in enumerate(self.ids) if one}
        places = [row.get(one, -1) for one in genotypes.variant_id.tolist()]
        found = sum(place >= 0 for place in places)
        if found < genotypes.m and len(self) == genotypes.m and found <= genotypes.m // 2:
            joined, said = self._fill(genotypes, list(range(genotypes.m)), keep_ids=False)
            return joined, [f"Positions were taken from {self.name} in the order of its rows.", *said]
        if found == 0:
            raise InputError(
                f"{self.name} has {len(self):,} variants and the genotypes {genotypes.m:,}, and no id is in both; "
                "give one row for each variant, in the same order or with the same ids."
            )
        absent = genotypes.m - found
        note = f"{found:,} of {genotypes.m:,} variants were found by id in {self.name}"
        joined, said = self._fill(genotypes, places, keep_ids=True)
        return joined, [f"{note}; {absent:,} keep no position." if absent else f"{note}.", *said]

    def _fill(self, genotypes: Genotypes, places: list[int], keep_ids: bool) -> tuple[Genotypes, list[str]]:
        own = (self.ids[i] or f"{self.contigs[i]}:{self.positions[i]}" for i in places)
        given = [self.alleles[i] if i >= 0 else ("", "") for i in places]
        pairs = [_oriented(*one) for one in zip(genotypes.variant_allele.tolist(), given, strict=True)]
        wrong = [j for j, pair in enumerate(pairs) if pair is None]
        if wrong:
            counted = genotypes.variant_allele[wrong[0], 1]
            raise InputError(
                f"{self.name} gives {'/'.join(given[wrong[0]])} for {genotypes.variant_id[wrong[0]]}, whose counted "
                f"allele is {counted} in the genotypes ({len(wrong):,} such variants): give the table that belongs to "
                "them."
            )
        turned = sum(pair is not None and pair[0] != one[0] for pair, one in zip(pairs, given, strict=True) if any(one))
        columns = variant_columns(
            genotypes.variant_id.tolist() if keep_ids else own,
            (self.contigs[i] if i >= 0 else "" for i in places),
            (self.positions[i] if i >= 0 else 0 for i in places),
            (pair or ("", "") for pair in pairs),
        )
        said = (
            f"{turned:,} variants count the allele that {self.name} names as the reference; their pairs were swapped."
        )
        return replace(genotypes, **columns), [said] if turned else []


def _oriented(known: list[str], given: tuple[str, str]) -> tuple[str, str] | None:
    """The pair (other, counted) of a variant whose counted allele may be known; None where the table lacks it."""
    other, counted = known
    if not counted or not any(given):
        return given if any(given) else (other, counted)
    if counted == given[1] or (not given[1] and counted != given[0]):
        return (given[0] or other, counted)
    if counted == given[0] or (not given[0] and counted != given[1]):
        return (given[1] or other, counted)
    return None


def places_of(header: Sequence[str]) -> dict[str, int]:
    """Which column holds what of a variant, by its name; each column holds one thing."""
    places: dict[str, int] = {}
    for what, pattern in NAMES.items():
        fitting = [j for j, name in enumerate(header) if pattern.fullmatch(name) and j not in places.values()]
        places |= {what: fitting[0]} if fitting else {}
    return places


def _places(table: Table) -> dict[str, int]:
    """Which column is what: by the header, or by the known orders of files without one."""
    if table.header:
        return places_of(table.header)
    width = len(table.rows[0])
    known = {
        # bim counts allele 1, which is therefore the alternate one.
        6: {"contig": 0, "id": 1, "position": 3, "alternate": 4, "reference": 5},
        3: {"contig": 0, "id": 1, "position": 2},
    }
    if width == 4:
        numeric = Counter(j for row in table.rows[:50] for j in range(4) if row[j].lstrip("-").isdigit())
        legend = numeric[1] > numeric[3]
        return (
            {"id": 0, "position": 1, "reference": 2, "alternate": 3}
            if legend
            else {"contig": 0, "id": 1, "position": 3}
        )
    return known.get(width, {})


def _contig_of(identifier: str) -> str:
    match = _CONTIG_IN_ID.fullmatch(identifier)
    return match[2] if match else ""


def _position(text: str, name: str) -> int:
    try:
        value = round(float(text.replace(",", ""))) if text and text not in ("NA", ".") else 0
    except (ValueError, OverflowError):
        raise InputError(f"{name} has the position {text[:40]!r}; a number of base pairs is expected.") from None
    return max(0, min(value, 2**53))
