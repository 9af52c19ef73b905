"""Formats of genotypes that are known and not read: how each is recognised, and what converts it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from core.data.intake.formats.base import Head
from core.errors import InputError

_ONE_PERSON = "merge the files of many people to one VCF (bcftools convert --tsv2vcf each, then bcftools merge)"
_GENEPOP_POP = re.compile(rb"^\s*pop\s*$", re.IGNORECASE | re.MULTILINE)
_GENEPOP_ROW = re.compile(rb"^[^\n]*,\s*(\d{4}|\d{6})(\s+(\d{4}|\d{6}))*\s*$", re.MULTILINE)
_PERSONAL = re.compile(
    rb"^[#\s]*\"?rsid\"?[\t ,]+\"?chromosome\"?[\t ,]+\"?position\"?[\t ,]+\"?(genotype|result|allele1)\b",
    re.IGNORECASE | re.MULTILINE,
)
_ANGSD = re.compile(rb"marker\s+allele1\s+allele2\s", re.IGNORECASE)
_BEAGLE = re.compile(rb"marker\s+alleleA\s+alleleB\s", re.IGNORECASE)
_TREEMIX = re.compile(rb"\S+([ \t]\S+)*\s*\n\d+,\d+([ \t]\d+,\d+)+\s*\n")


@dataclass(frozen=True)
class ForeignFormat:
    """A format that is refused by name: what the sentence calls it, how it is recognised, how to convert it."""

    title: str
    recognised: str
    advice: str
    matches: Callable[[Head], bool]


def _starts(*beginnings: bytes) -> Callable[[Head], bool]:
    return lambda head: head.first.startswith(beginnings)


# Tables of individuals and variants, whose few columns of small numbers look alike.
_TABLES = (".fam", ".tfam", ".bim", ".map", ".ind", ".snp", ".psam", ".pvar", ".sample", ".samples", ".legend")


def _is_structure(head: Head) -> bool:
    """By its ending, or by rows of whole numbers in pairs that begin with one id."""
    if head.suffix in (".str", ".stru", ".structure"):
        return True
    rows = [line.split() for line in head.first.split(b"\n")[:-1] if line.strip()]
    if head.suffix in _TABLES or len(rows) < 4:
        return False
    body = rows[1:] if rows[0][0] != rows[1][0] else rows
    body = body[: len(body) // 2 * 2][:12]
    if not all(re.fullmatch(rb"-?\d{1,3}", cell) for row in body for cell in row[2:]):
        return False
    widths = {len(row) for row in body}
    if len(widths) > 1 or max(widths) < 6:
        return False
    pairs = zip(body[::2], body[1::2], strict=True)
    ids = [row[0] for row in body[::2]]
    if len(ids) > 1 and len(set(ids)) == len(ids) and all(one[0] == two[0] for one, two in pairs):
        return True
    # One row an individual: id, population, two numbered alleles a locus; a header has one name a locus.
    alleles = {cell for row in body for cell in row[2:]} - {b"-9"}
    numbered = alleles == {b"1", b"2"} or (b"4" in alleles and alleles <= {b"1", b"2", b"3", b"4"})
    loci = (len(body[0]) - 2) // 2
    headed = len(rows[0]) in (loci, loci + 1, loci + 2) and len(body[0]) % 2 == 0
    return numbered and len(body[0]) % 2 == 0 and (headed or rows[0][0] not in (b"", b"id", b"sample"))


def _is_genepop(head: Head) -> bool:
    return _GENEPOP_POP.search(head.first) is not None and _GENEPOP_ROW.search(head.first) is not None


FOREIGN: tuple[ForeignFormat, ...] = (
    ForeignFormat(
        "a STRUCTURE file",
        "its ending .str, or two rows of numbers an individual",
        "convert it to VCF or PLINK ped with PGDSpider",
        _is_structure,
    ),
    ForeignFormat("a genepop file", "lines POP", "convert it to VCF or PLINK ped with PGDSpider", _is_genepop),
    ForeignFormat(
        "an Arlequin file",
        "its section [Profile]",
        "convert it to VCF or PLINK ped with PGDSpider",
        lambda head: head.first.lstrip().lower().startswith(b"[profile]"),
    ),
    ForeignFormat(
        "a file of genotype likelihoods (ANGSD's beagle.gz)",
        "its header marker allele1 allele2",
        "genotypes are expected: call them (angsd -doBcf 1 -doGeno 1 -doPost 1) and give the BCF",
        lambda head: _ANGSD.match(head.first) is not None,
    ),
    ForeignFormat(
        "a BEAGLE 3 file of genotype probabilities",
        "its header marker alleleA alleleB",
        "convert it to VCF with gprobs2beagle.jar and beagle2vcf.jar",
        lambda head: _BEAGLE.match(head.first) is not None,
    ),
    ForeignFormat(
        "a file of allele counts of populations (TreeMix)",
        "pairs of counts such as 5,3",
        "genotypes of individuals are expected: give the VCF that it was made from",
        lambda head: _TREEMIX.match(head.first) is not None,
    ),
    ForeignFormat(
        "one person's raw data (23andMe, AncestryDNA, MyHeritage)",
        "its header rsid, chromosome, position",
        f"a population of many people is expected: {_ONE_PERSON}",
        lambda head: _PERSONAL.search(head.first[:8192]) is not None,
    ),
    ForeignFormat(
        "a GDS file (SeqArray, SNPRelate)",
        "its first bytes COREARRAY",
        "write a VCF in R with SeqArray::seqGDS2VCF, or a bed with SNPRelate::snpgdsGDS2BED",
        _starts(b"COREARRAY"),
    ),
    ForeignFormat(
        "a NEXUS or PHYLIP alignment",
        "its first line #NEXUS",
        "genotypes are expected: write a VCF with snp-sites, or import sequences as sets",
        lambda head: head.first[:6].upper() == b"#NEXUS",
    ),
)


def refuse_foreign(head: Head) -> None:
    """Raise InputError for a file of a format that is known and not read."""
    for one in FOREIGN:
        if one.matches(head):
            raise InputError(f"{head.name} is {one.title}, which is not read: {one.advice}.")
