"""The settings of an import: what is asked of the file, and which individuals and variants are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.config.schema import setting


@dataclass(frozen=True)
class CohortOptions:
    """How a genotype file is read and filtered; the defaults keep every variant and individual that can be kept."""

    kind: ClassVar[str] = "genotypes"

    label_columns: tuple[str, ...] = setting(
        (), "Columns that hold populations or other groups, the main one first; empty: found by their names and values."
    )
    region: str = setting("", "Keep only this region, written contig:from-to (1-based, both ends kept), or a contig.")
    maf_min: float | None = setting(
        None, "Remove variants whose minor-allele frequency is below this.", low=0.0, high=0.5
    )
    variant_missing_max: float | None = setting(
        None, "Remove variants in which more than this fraction of calls is missing.", low=0.0, high=1.0
    )
    individual_missing_max: float | None = setting(
        None, "Remove individuals in whom more than this fraction of calls is missing.", low=0.0, high=1.0
    )
    thin_bp: int | None = setting(None, "Keep variants at least this far apart on their contig.", unit="bp", low=1)
    hwe_p_min: float | None = setting(
        None,
        "Remove variants whose Hardy-Weinberg p-value (exact; chi-squared above 20,000 individuals) is below this; "
        "differences between populations lower it too.",
        low=0.0,
        high=1.0,
    )
    multiallelic: str = setting(
        "drop",
        "Drop variants with several alternate alleles, or split them into one variant an alternate allele.",
        choices=("drop", "split"),
    )
    symbolic: str = setting(
        "drop",
        "Drop structural alleles of a VCF such as <DEL> and <DUP>, or keep them as variants like any other.",
        choices=("drop", "keep"),
        advanced=True,
    )
    coding: str = setting(
        "auto",
        "Which numbers of a text or array file stand for which genotype; judged from all values where left on auto.",
        choices=("auto", "counts", "centred", "shares", "from_one", "heterozygote_last"),
    )
    orientation: str = setting(
        "auto",
        "Which axis of a text or array file is the individuals; detected where left on auto.",
        choices=("auto", "samples_in_rows", "samples_in_columns"),
    )
    haplotypes: str = setting(
        "auto",
        "Pair two haplotypes of a haplotype file to one diploid individual, or keep each; auto: keep those of ms, else "
        "pair.",
        choices=("auto", "pair", "keep"),
    )
    haploid_calls: str = setting(
        "missing",
        "A haploid call in a diploid VCF record (a man's X) becomes missing, or counts as homozygous.",
        choices=("missing", "homozygous"),
        advanced=True,
    )
    ploidy: str = setting(
        "auto",
        "Allele copies an individual has in a text or array file; auto takes 1 where no count exceeds 1.",
        choices=("auto", "1", "2"),
        advanced=True,
    )
    delimiter: str = setting(
        "auto",
        "What separates the columns of a text file.",
        choices=("auto", "tab", "comma", "semicolon", "space"),
        advanced=True,
    )
