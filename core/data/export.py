"""Genotypes written to the files that others read: .npz, .csv, .vcf.gz and PLINK .bed; each can be imported again."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import core
from core.data.genotypes import MISSING, Genotypes
from core.data.population_files import individual_arrays
from core.errors import InputError

_FORMULA = ("=", "+", "-", "@")
_BED_MISSING = -127
_ROWS = 256
_UNKNOWN_REFERENCE, _UNKNOWN_ALTERNATE = "N", "A"


Provenance = Mapping[str, str]


def write(genotypes: Genotypes, path: Path, provenance: Provenance | None = None) -> list[Path]:
    """Write to `path` in the format of its ending; returns the files written, `path` first.

    .npz holds everything. .csv has a row an individual with its labels and phenotypes in front. .vcf.gz and .bed hold
    calls and variants; labels and phenotypes go to a table beside them, `<name>.samples.tsv`. An unknown contig and
    position is written as 0, an unknown allele pair in VCF as N and A.

    `provenance` says where the individuals come from (model, run, dataset, …); a header tells it with the version:
    ##source and ##popscape lines before a VCF, a CSV (there with a line each of contigs, positions and alleles) and the
    sample table of PLINK files, the array "provenance" in .npz. Raises InputError for another ending, and for haploid
    data as .bed.
    """
    for ending, writer in _WRITERS.items():
        if path.name.lower().endswith(ending):
            path.parent.mkdir(parents=True, exist_ok=True)
            return writer(genotypes, path, header_lines(provenance))
    raise InputError(f"{path.name} has no ending that can be written; choose one of: {', '.join(_WRITERS)}.")


def header_lines(provenance: Provenance | None) -> list[str]:
    """The lines that a file begins with; none where nothing is known."""
    if provenance is None:
        return []
    told = {key: " ".join(text.split()).replace('"', "'") for key, text in provenance.items()}
    return [f"##source=Popscape {core.__version__}", *(f'##popscape=<ID={k},Value="{v}">' for k, v in told.items())]


@contextmanager
def draft_of(path: Path) -> Iterator[Path]:
    """A name beside `path` that becomes it when all is written, so that no half file bears the name."""
    draft = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _npz(genotypes: Genotypes, path: Path, header: list[str]) -> list[Path]:
    told: dict[str, Any] = {"provenance": np.array("\n".join(header))} if header else {}
    with draft_of(path) as draft, draft.open("wb") as file:
        np.savez_compressed(
            file,
            call_genotype=np.ascontiguousarray(genotypes.calls),
            sample_id=genotypes.sample_id,
            variant_id=genotypes.variant_id,
            variant_contig=genotypes.variant_contig,
            variant_position=genotypes.variant_position,
            variant_allele=genotypes.variant_allele,
            ploidy=np.int64(genotypes.ploidy),
            **individual_arrays(genotypes),
            **told,
        )
    return [path]


def _csv(genotypes: Genotypes, path: Path, header: list[str]) -> list[Path]:
    codes = ["0", "1", "2", "NA"]  # missing is -1, the last entry
    labels, phenotypes = list(genotypes.labels), list(genotypes.phenotypes)
    lead = ["sample_id", *(f"label:{k}" for k in labels), *(f"phenotype:{k}" for k in phenotypes)]
    with draft_of(path) as draft, draft.open("w", encoding="utf-8", newline="") as file:
        file.writelines(f"{line}\n" for line in header)
        if genotypes.ploidy == 2 and (header or int(genotypes.calls.max(initial=0)) < 2):
            file.write("##ploidy=2\n")  # the counts alone may not say it
        if header:
            file.writelines(variant_lines(genotypes, len(lead)))
        file.write(",".join([*map(csv_cell, lead), *map(csv_cell, genotypes.variant_id.tolist())]) + "\n")
        for i in range(genotypes.n):
            words = [genotypes.sample_id[i], *(genotypes.labels[k][i] for k in labels)]
            numbers = [_number(genotypes.phenotypes[k][i]) for k in phenotypes]
            calls = [codes[c] for c in genotypes.calls[i].tolist()]
            file.write(",".join([*(csv_cell(str(w)) for w in words), *numbers, *calls]) + "\n")
    return [path]


def variant_lines(genotypes: Genotypes, lead: int) -> Iterator[str]:
    """A line each of contigs, positions and alleles, above the columns of their variants."""
    positions = [str(p) if p else "" for p in genotypes.variant_position.tolist()]
    alleles = genotypes.variant_allele.T.tolist()
    named = zip(
        ("contig", "position", "reference", "alternate"),
        (genotypes.variant_contig.tolist(), positions, *alleles),
        strict=True,
    )
    for name, values in named:
        if any(values):
            yield ",".join([f"##{name}", *[""] * (lead - 1), *map(csv_cell, values)]) + "\n"


def csv_cell(text: str) -> str:
    """A cell that a spreadsheet takes for text: formula signs get an apostrophe, delimiters quotes."""
    text = " ".join(text.split())
    if text.startswith(_FORMULA):
        text = f"'{text}"
    return '"' + text.replace('"', '""') + '"' if "," in text or '"' in text else text


def _number(value: float) -> str:
    return "NA" if np.isnan(value) else repr(float(value))


def _vcf(genotypes: Genotypes, path: Path, header: list[str]) -> list[Path]:
    codes = ["0/0", "0/1", "1/1", "./."] if genotypes.ploidy == 2 else ["0", "1", "", "."]
    with draft_of(path) as draft, gzip.open(draft, "wt", encoding="utf-8", compresslevel=6, newline="\n") as file:
        file.write("##fileformat=VCFv4.3\n")
        file.writelines(f"{line}\n" for line in header)
        file.write('##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n')
        for contig in dict.fromkeys(genotypes.variant_contig.tolist()):
            file.write(f"##contig=<ID={contig or '0'}>\n")
        people = [without_blanks(one) for one in genotypes.sample_id.tolist()]
        file.write("\t".join(["#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".replace(" ", "\t"), *people]) + "\n")
        for start in range(0, genotypes.m, _ROWS):
            block = np.ascontiguousarray(genotypes.calls[:, start : start + _ROWS].T)
            for offset, calls in enumerate(block.tolist()):
                fixed = vcf_variant(genotypes, start + offset)
                file.write("\t".join([*fixed, ".", ".", ".", "GT", *(codes[c] for c in calls)]) + "\n")
    return [path, *_sample_table(genotypes, path, [])]


def vcf_variant(genotypes: Genotypes, j: int) -> list[str]:
    """CHROM, POS, ID, REF and ALT of variant j; what is unknown as `write` says."""
    reference, alternate = genotypes.variant_allele[j].tolist()
    return [
        genotypes.variant_contig[j] or "0",
        str(genotypes.variant_position[j]),
        without_blanks(genotypes.variant_id[j]) or ".",
        reference or _UNKNOWN_REFERENCE,
        alternate or _UNKNOWN_ALTERNATE,
    ]


def without_blanks(text: str) -> str:
    """Without blanks, which VCF and PLINK take for delimiters."""
    return "_".join(str(text).split())


def _bed(genotypes: Genotypes, path: Path, header: list[str]) -> list[Path]:
    from bed_reader import create_bed

    if genotypes.ploidy != 2:
        raise InputError("PLINK bed holds diploid counts, and these data are haploid; write .vcf.gz, .npz or .csv.")
    companions = [path.with_suffix(".bim"), path.with_suffix(".fam")]
    properties = {
        "iid": [without_blanks(one) for one in genotypes.sample_id.tolist()],
        "sid": [without_blanks(one) for one in genotypes.variant_id.tolist()],
        "chromosome": [one or "0" for one in genotypes.variant_contig.tolist()],
        "bp_position": genotypes.variant_position.tolist(),
        "allele_1": [one or "0" for one in genotypes.variant_allele[:, 1].tolist()],
        "allele_2": [one or "0" for one in genotypes.variant_allele[:, 0].tolist()],
        "pheno": ["-9"] * genotypes.n,
    }
    with (
        draft_of(path) as draft,
        draft_of(companions[0]) as bim,
        draft_of(companions[1]) as fam,
        create_bed(
            draft,
            iid_count=genotypes.n,
            sid_count=genotypes.m,
            properties=properties,
            bim_location=bim,
            fam_location=fam,
        ) as bed,
    ):
        for start in range(0, genotypes.m, _ROWS):
            block = np.ascontiguousarray(genotypes.calls[:, start : start + _ROWS].T)
            for calls in np.where(block == MISSING, _BED_MISSING, block).astype(np.int8):
                bed.write(calls)
    return [path, *companions, *_sample_table(genotypes, path, header)]


def _sample_table(genotypes: Genotypes, path: Path, header: list[str]) -> list[Path]:
    """Labels and phenotypes for the formats that have no place for them, after the lines of `header`."""
    if not genotypes.labels and not genotypes.phenotypes and not header:
        return []
    stem = path.name
    for ending in _WRITERS:
        stem = stem.removesuffix(ending)
    table = path.with_name(f"{stem}.samples.tsv")
    with draft_of(table) as draft, draft.open("w", encoding="utf-8", newline="") as file:
        file.writelines(f"{line}\n" for line in header)
        file.write("\t".join(["sample_id", *genotypes.labels, *genotypes.phenotypes]) + "\n")
        for i in range(genotypes.n):
            words = [
                without_blanks(genotypes.sample_id[i]),
                *(" ".join(v[i].split()) for v in genotypes.labels.values()),
            ]
            file.write("\t".join([*words, *(_number(v[i]) for v in genotypes.phenotypes.values())]) + "\n")
    return [table]


_WRITERS: dict[str, Callable[[Genotypes, Path, list[str]], list[Path]]] = {
    ".npz": _npz,
    ".csv": _csv,
    ".vcf.gz": _vcf,
    ".bed": _bed,
}
