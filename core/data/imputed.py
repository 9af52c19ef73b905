"""Imputed genotypes, and the files that they are written to: VCF with dosages and probabilities, CSV of dosages."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
import numpy.typing as npt

from core.data.export import (
    Provenance,
    csv_cell,
    draft_of,
    header_lines,
    variant_lines,
    vcf_variant,
    without_blanks,
)
from core.data.genotypes import MISSING, Calls, Genotypes
from core.errors import InputError

_STEPS = 1000  # probabilities are written to the thousandth, so that those of a call add up to one
_ROWS = 256
_FORMAT = (
    '##INFO=<ID=AF,Number=A,Type=Float,Description="Frequency of the alternate allele, from the dosages">',
    '##INFO=<ID=R2,Number=1,Type=Float,Description="Squared correlation of imputed and true dosages that the '
    'probabilities of the imputed calls promise">',
    '##INFO=<ID=IMP,Number=0,Type=Flag,Description="The variant was imputed for everybody">',
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype: known, or the most likely one">',
    '##FORMAT=<ID=DS,Number=A,Type=Float,Description="Expected number of alternate alleles">',
    '##FORMAT=<ID=GP,Number=G,Type=Float,Description="Probability of each genotype">',
)


@dataclass(frozen=True)
class Imputed:
    """Individuals whose missing calls have probabilities.

    Attributes:
        genotypes: (n, m) what was known, missing -1.
        probability: (n, m, ploidy + 1) float32 of each genotype; a known call has probability 1.
        expected_r2: (m,) see `core.evaluation.imputation`; NaN where it has no value.
    """

    genotypes: Genotypes
    probability: npt.NDArray[np.float32]
    expected_r2: npt.NDArray[np.float64]

    @property
    def missing(self) -> npt.NDArray[np.bool_]:
        """(n, m) which calls were imputed."""
        return self.genotypes.calls == MISSING

    @property
    def calls(self) -> Calls:
        """(n, m) int8, known or most likely."""
        likely: Calls = self.probability.argmax(axis=-1).astype(np.int8)
        return likely


def writable(path: Path) -> None:
    """Raise InputError where `write_imputed` knows no format of that ending."""
    if not path.name.lower().endswith((".vcf", ".vcf.gz", ".csv")):
        raise InputError(
            f"{path.name} has no ending that imputed genotypes are written to; choose .vcf.gz or .vcf for genotypes, "
            "dosages and probabilities, or .csv for dosages."
        )


def write_imputed(imputed: Imputed, path: Path, provenance: Provenance) -> Path:
    """Write .vcf, .vcf.gz (GT, DS, GP; INFO AF, R2, IMP) or .csv (a row an individual, a dosage a variant).

    The header tells version and `provenance`. Raises InputError for another ending.
    """
    writable(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    header = header_lines(provenance)
    with draft_of(path) as draft, _opened(draft) as file:
        if path.name.lower().endswith(".csv"):
            _csv(imputed, file, header)
        else:
            _vcf(imputed, file, header)
    return path


def _opened(draft: Path) -> TextIO:
    if draft.name.lower().endswith(".gz"):
        return gzip.open(draft, "wt", encoding="utf-8", compresslevel=6, newline="\n")
    return draft.open("w", encoding="utf-8", newline="\n")


def _vcf(imputed: Imputed, file: TextIO, header: list[str]) -> None:
    genotypes = imputed.genotypes
    contigs = [f"##contig=<ID={one or '0'}>" for one in dict.fromkeys(genotypes.variant_contig.tolist())]
    people = map(without_blanks, genotypes.sample_id.tolist())
    columns = "\t".join(["#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".replace(" ", "\t"), *people])
    file.writelines(f"{line}\n" for line in ("##fileformat=VCFv4.3", *header, *contigs, *_FORMAT, columns))
    absent: npt.NDArray[np.bool_] = np.all(imputed.missing, axis=0)
    words: dict[int, str] = {}
    for j, steps in enumerate(_thousandths(imputed)):
        info = [f"AF={_share(steps @ np.arange(steps.shape[1]), genotypes.ploidy):.4g}"]
        info += [f"R2={imputed.expected_r2[j]:.3f}"] if np.isfinite(imputed.expected_r2[j]) else []
        info += ["IMP"] if absent[j] else []
        # A dictionary of what occurs: most calls of a file are written alike.
        codes = (steps @ [1, 1 + _STEPS, (1 + _STEPS) ** 2][: steps.shape[1]]).tolist()
        cells = [words.get(code) or words.setdefault(code, _cell(row)) for code, row in zip(codes, steps, strict=True)]
        fixed = [*vcf_variant(genotypes, j), ".", ".", ";".join(info), "GT:DS:GP"]
        file.write("\t".join([*fixed, *cells]) + "\n")


def _thousandths(imputed: Imputed) -> Iterator[npt.NDArray[np.int64]]:
    """Of each variant (n, ploidy + 1) probabilities in thousandths, each row's sum 1000."""
    for start in range(0, imputed.genotypes.m, _ROWS):
        block = np.moveaxis(imputed.probability[:, start : start + _ROWS], 0, 1)
        steps = np.rint(block * _STEPS).astype(np.int64)
        likely = steps.argmax(axis=2)[..., None]
        rest = _STEPS - steps.sum(axis=2, keepdims=True)
        np.put_along_axis(steps, likely, np.take_along_axis(steps, likely, 2) + rest, 2)
        yield from steps


def _cell(steps: npt.NDArray[np.int64]) -> str:
    likely, ploidy = int(steps.argmax()), len(steps) - 1
    genotype = ("0/0", "0/1", "1/1")[likely] if ploidy == 2 else str(likely)
    dosage = float(steps @ np.arange(len(steps))) / _STEPS
    return f"{genotype}:{dosage:.4g}:{','.join(f'{step / _STEPS:.4g}' for step in steps.tolist())}"


def _share(dosage: npt.NDArray[np.int64], ploidy: int) -> float:
    return float(dosage.mean()) / _STEPS / ploidy


def _csv(imputed: Imputed, file: TextIO, header: list[str]) -> None:
    genotypes = imputed.genotypes
    file.writelines(f"{line}\n" for line in header)
    file.writelines(variant_lines(genotypes, 1))
    file.write(",".join(["sample_id", *map(csv_cell, genotypes.variant_id.tolist())]) + "\n")
    copies = np.arange(genotypes.ploidy + 1)
    for name, probability in zip(genotypes.sample_id.tolist(), imputed.probability, strict=True):
        dosage = probability.astype(np.float64) @ copies
        file.write(",".join([csv_cell(name), *(f"{value:.4g}" for value in dosage.tolist())]) + "\n")
