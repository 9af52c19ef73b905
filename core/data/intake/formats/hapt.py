"""Haplotype text.

One haplotype a row (`tag ID_A 0 1 …`, Yelmen et al. 2021), or one variant a row (IMPUTE .hap, SHAPEIT .haps).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import MISSING, Calls, Genotypes, from_calls, number_ids
from core.data.intake import archives
from core.data.intake.columns import individual_columns
from core.data.intake.formats.base import CohortFormat, CohortSource, Head, ReadResult, formats, rows_preview
from core.data.intake.formats.calls import CallsWriter, column, variant_columns
from core.data.intake.formats.codes import LineParser
from core.data.intake.people import described, ids_of_people, is_plink, read_people
from core.data.intake.tables import Table, decode, read_table
from core.data.intake.variants import VariantTable
from core.errors import InputError

_PARTNER = re.compile(r"(?P<who>.+?)[_.\-:]?(?P<which>[AB]|(?<=[_.\-:])[0-2])", re.IGNORECASE)
_VARIANT_LEAD = 5  # .haps: contig, id, position, allele 0, allele 1


@formats.register(
    "hapt",
    title="Haplotype text",
    kind="genotypes",
    help="Haplotype text .hapt, .hap or .haps, also zipped; pairs ID_A and ID_B become one diploid individual.",
    source="Yelmen et al. 2021 (PLoS Genetics 17, e1009303); IMPUTE2 and SHAPEIT haplotype files",
)
class Haplotypes(CohortFormat):
    """0/1 per haplotype."""

    endings = (".hapt", ".hap", ".haps")
    companion_endings = (".legend", ".sample", ".samples", ".indv")
    joins = True
    recognised = "by its ending, or by rows that begin with a tag and ID_A or ID_B"

    @staticmethod
    def matches(head: Head) -> bool:
        if head.suffix in (".hapt", ".hap", ".haps"):
            return True
        start = head.first.split(b"\n", 1)[0].split()
        return (
            len(start) > 4
            and re.fullmatch(rb".+_[ABab]", start[1]) is not None
            and all(cell in (b"0", b"1") for cell in start[2:-1])
        )

    @staticmethod
    def read(source: CohortSource) -> ReadResult[Genotypes]:
        lead, width = _first_line(source.main)
        parser = LineParser(width, b" ", source.main.name)
        writer = CallsWriter(source.folder, width, source.main.name)
        leading: list[list[str]] = []
        for number, line in enumerate(archives.lines(source.main.path, source.main.name), 1):
            if not line.strip():
                continue
            parts = line.split(None, lead)
            if len(parts) <= lead:
                raise InputError(f"{source.main.name} has no alleles in line {number:,}; check that line.")
            row = parser.parse(parts[lead].replace(b"\t", b" ").strip(), number, lead + 1)
            if row.max() > 1:
                place = lead + 1 + int(np.argmax(row))
                raise InputError(
                    f"{source.main.name} holds a 2 in line {number:,}, column {place:,}; haplotypes have 0 and 1: "
                    "give a table of counts a name that ends in .txt or .csv."
                )
            writer.append(row)
            leading.append([decode(part) for part in parts[:lead]])
        if parser.tally().high > 1:
            raise InputError(
                f"{source.main.name} holds the value {parser.tally().high:g}; haplotypes have 0 and 1: give a table of "
                "counts a name that ends in .txt or .csv."
            )
        matrix = writer.matrix()
        result = (
            _by_variant(matrix, leading, source) if _variants_in_rows(source, lead) else _by_haplotype(matrix, leading)
        )
        return _paired(result, source)

    @staticmethod
    def preview(source: CohortSource) -> dict[str, Any]:
        lead, width = _first_line(source.main)
        rows = [
            [decode(c)[:40] for c in line.split()[: lead + 8]] for line in source.main.first.split(b"\n")[:8] if line
        ]
        return rows_preview(width, _variants_in_rows(source, lead), rows, [f"{lead} columns stand before the alleles."])


def _first_line(head: Head) -> tuple[int, int]:
    """How many columns stand before the alleles, and how many alleles follow."""
    for line in archives.lines(head.path, head.name):
        cells = line.split()
        if not cells:
            continue
        words = [j for j, cell in enumerate(cells[:8]) if cell not in (b"0", b"1", b"?", b"-1", b".", b"-")]
        lead = words[-1] + 1 if words else 0
        if len(cells) <= lead or lead not in (0, 1, 2, _VARIANT_LEAD):
            shown = decode(line)[:40]
            raise InputError(
                f"{head.name} starts with {shown!r}; a tag, an id and alleles 0 or 1 are expected in each line of "
                "haplotypes: check that it is what its name says."
            )
        return lead, len(cells) - lead
    raise InputError(f"{head.name} has no line of data; haplotypes are expected: copy or export it again.")


def _variants_in_rows(source: CohortSource, lead: int) -> bool:
    asked = source.options.orientation
    if asked != "auto":
        return asked == "samples_in_columns"
    return lead == _VARIANT_LEAD or (lead == 0 and source.main.suffix == ".hap")


def _by_haplotype(matrix: Calls, leading: list[list[str]]) -> ReadResult[Genotypes]:
    ids = column(row[-1] for row in leading) if leading[0] else number_ids("haplotype", len(matrix))
    tags = [row[0] for row in leading] if len(leading[0]) == 2 else []
    labels = {"tag": column(tags)} if len(set(tags)) > 1 else {}
    return ReadResult(from_calls(matrix, ploidy=1, sample_id=ids, labels=labels))


def _by_variant(matrix: Calls, leading: list[list[str]], source: CohortSource) -> ReadResult[Genotypes]:
    """IMPUTE and SHAPEIT: two neighbouring columns are the haplotypes of one individual, named by the sample file."""
    haplotypes = matrix.shape[1]
    people = _people(source, haplotypes)
    told: dict[str, Any] = {}
    notes: list[str] = []
    ids = number_ids("haplotype", haplotypes)
    if people is not None:
        ids = column(f"{who}_{which}" for who in ids_of_people(people) for which in "AB")
        labels, phenotypes, notes = individual_columns(described(people), plink=is_plink(people))
        told["labels"] = {name: values.repeat(2) for name, values in labels.items()}
        told["phenotypes"] = {name: values.repeat(2) for name, values in phenotypes.items()}
    variants: dict[str, Any] = {}
    if leading[0]:
        contigs, variant_ids, positions, *alleles = zip(*leading, strict=True)
        try:
            variants = variant_columns(variant_ids, contigs, map(int, positions), zip(*alleles, strict=True))
        except (ValueError, OverflowError):
            raise InputError(f"{source.main.name} has a position that is no whole number in column 3.") from None
    return ReadResult(from_calls(matrix.T, ploidy=1, sample_id=ids, **told, **variants), notes=notes)


def _people(source: CohortSource, haplotypes: int) -> Table | None:
    """The sample file that came along, held against the number of haplotypes."""
    head = next((h for h in source.others if h.suffix in (".sample", ".samples", ".indv")), None)
    if head is None or haplotypes % 2:
        return None
    bare = head.suffix == ".indv"
    table = read_table(head.path, head.name, header=False) if bare else read_people(head.path, head.name)
    if len(table.rows) != haplotypes // 2:
        raise InputError(
            f"{head.name} names {len(table.rows):,} individuals, but {source.main.name} has {haplotypes:,} haplotypes; "
            "two each are expected: give the files of one export."
        )
    return table


def _paired(result: ReadResult[Genotypes], source: CohortSource) -> ReadResult[Genotypes]:
    """Positions from the legend, and pairs to diploids unless the haplotypes are to be kept."""
    genotypes, said = _with_legend(result.population, source)
    notes = [*result.notes, *said]
    if source.options.haplotypes == "keep":
        return ReadResult(genotypes, result.dropped, notes)
    first, second, names, remarks, alone = _partners(genotypes.sample_id.tolist())
    dropped = {"haplotype without its partner": alone} if alone else {}
    if not names:
        raise InputError(f"{source.main.name} has no pair of haplotypes; name them ID_A and ID_B, or keep haplotypes.")
    one, two = genotypes.calls[first], genotypes.calls[second]
    calls = np.where((one < 0) | (two < 0), MISSING, one + two).astype(np.int8)
    diploid = replace(
        genotypes,
        calls=calls,
        sample_id=column(names),
        labels={k: v[first] for k, v in genotypes.labels.items()},
        phenotypes={k: v[first] for k, v in genotypes.phenotypes.items()},
        ploidy=2,
    )
    return ReadResult(diploid, dropped, notes + remarks)


def _partners(
    ids: list[str],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], list[str], list[str], int]:
    """Rows of the first and second haplotype of each individual, their names, remarks, and how many have no partner."""
    rows: dict[str, dict[str, int]] = {}
    for i, one in enumerate(ids):
        match = _PARTNER.fullmatch(one)
        if match:
            rows.setdefault(match["who"], {}).setdefault(match["which"].upper(), i)
    complete = {who: sorted(pair.values()) for who, pair in rows.items() if len(pair) == 2}
    # Numbered haplotypes (x_1, x_2, x_3 …) make one false pair; real pairs are nearly all of a file.
    if len(complete) * 2 >= 0.75 * len(ids):
        index = np.array(list(complete.values()), dtype=np.int64)
        return index[:, 0], index[:, 1], list(complete), [], len(ids) - index.size
    even = len(ids) // 2
    remark = "The ids name no pairs (ID_A, ID_B), so haplotypes were paired in the order of the file."
    names = [ids[2 * i] for i in range(even)]
    return np.arange(0, 2 * even, 2), np.arange(1, 2 * even, 2), names, [remark], len(ids) % 2


def _with_legend(genotypes: Genotypes, source: CohortSource) -> tuple[Genotypes, list[str]]:
    """Positions from a legend that came along, or from the only one beside the file if it has just the right rows."""
    if source.variants or genotypes.has_positions:
        return genotypes, []
    given = [(h.path, h.name) for h in source.others if h.suffix == ".legend"]
    if given:
        return VariantTable.read(*given[0]).join(genotypes)
    found = sorted(source.beside.glob("*.legend")) if source.beside else []
    if len(found) != 1:
        return genotypes, []
    try:
        table = VariantTable.read(found[0], found[0].name)
    except InputError:
        return genotypes, [f"{found[0].name} beside the file cannot be read as a legend and was not used."]
    if len(table) != genotypes.m:
        return genotypes, [
            f"{found[0].name} beside the file has {len(table):,} rows for {genotypes.m:,} variants and was not used."
        ]
    return table.join(genotypes)
