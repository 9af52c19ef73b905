"""A cohort as the files that a user would upload."""

from __future__ import annotations

from core.data.genotypes import Genotypes


def vcf(genotypes: Genotypes) -> bytes:
    """The cohort as VCF text."""
    codes = ["0/0", "0/1", "1/1", "./."]
    fixed = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT"]
    lines = [
        "##fileformat=VCFv4.2",
        "##contig=<ID=1>",
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
        "\t".join([*fixed, *genotypes.sample_id.tolist()]),
    ]
    for j in range(genotypes.m):
        calls = [codes[c] for c in genotypes.calls[:, j].tolist()]
        place = ["1", str(genotypes.variant_position[j]), f"v{j}", "A", "G", ".", ".", ".", "GT"]
        lines.append("\t".join([*place, *calls]))
    return ("\n".join(lines) + "\n").encode()


def sample_table(genotypes: Genotypes) -> bytes:
    """The labels and phenotypes of each individual as a tab-separated table."""
    columns = {"sample": genotypes.sample_id, **genotypes.labels, **genotypes.phenotypes}
    rows = zip(*(values.tolist() for values in columns.values()), strict=True)
    return "".join("\t".join(map(str, row)) + "\n" for row in [tuple(columns), *rows]).encode()
