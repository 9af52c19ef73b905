"""A cohort that is written in any format comes back equal, whatever its order, counted alleles and contig spelling."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data import contigs, export
from core.data.genotypes import Genotypes, from_calls
from core.data.intake import reader
from core.data.intake.cohort_options import CohortOptions
from core.data.population_files import read_genotypes

Writer = Callable[[Genotypes, Path], list[Path]]
SPELLINGS = ({"1": "1", "7": "7", "X": "X"}, {"1": "chr1", "7": "chr07", "X": "chrX"}, {"1": "1", "7": "7", "X": "23"})


def cohort_of(seed: int) -> Genotypes:
    """A small diploid cohort in which every variant has two alleles, a heterozygote and some missing calls."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(4, 9)), int(rng.integers(4, 9))
    calls = rng.integers(-1, 3, (n, m)).astype(np.int8)
    calls[0], calls[1], calls[2] = 0, 1, 2
    pairs = np.array([rng.choice(list("ACGT"), 2, replace=False) for _ in range(m)])
    return from_calls(
        calls,
        sample_id=np.array([f"S{i:02d}" for i in range(n)]),
        variant_id=np.array([f"rs{j}" for j in range(m)]),
        variant_contig=np.array([("1", "7", "X")[3 * j // m] for j in range(m)]),
        variant_position=np.arange(100, 100 + 10 * m, 10),
        variant_allele=pairs,
    )


def disguised(cohort: Genotypes, seed: int) -> Genotypes:
    """The same cohort in another order, with other counted alleles and another spelling of contigs."""
    rng = np.random.default_rng(seed)
    other = cohort.individuals(rng.permutation(cohort.n)).variants(rng.permutation(cohort.m))
    turned = rng.random(cohort.m) < 0.5
    calls = np.where(turned[None] & (other.calls >= 0), 2 - other.calls, other.calls).astype(np.int8)
    pairs = np.where(turned[:, None], other.variant_allele[:, ::-1], other.variant_allele)
    spelling = SPELLINGS[int(rng.integers(3))]
    written = np.array([spelling[one] for one in other.variant_contig.tolist()])
    return replace(other, calls=calls, variant_allele=pairs, variant_contig=written)


def read_here(files: list[Path], **options: str) -> Genotypes:
    """What the reader gives, in this process."""
    with tempfile.TemporaryDirectory() as folder:
        job = {
            "task": "read",
            "kind": "genotypes",
            "files": [(str(file), file.name) for file in files],
            "tables": {},
            "options": asdict(CohortOptions(**options)),
        }
        answer = reader.main(job, Path(folder))
        read = read_genotypes(Path(folder), answer["ploidy"])
        return replace(read, calls=np.array(read.calls))


def same(cohort: Genotypes, read: Genotypes, *, ids: bool, alleles: bool, positions: bool = True) -> None:
    """`read` holds the calls of `cohort`: individuals by id, variants by place or by id, alleles as they are named."""
    assert sorted(read.sample_id.tolist()) == sorted(cohort.sample_id.tolist())
    assert (read.n, read.m, read.ploidy) == (cohort.n, cohort.m, 2)
    row = [read.sample_id.tolist().index(one) for one in cohort.sample_id.tolist()]
    by_place = positions and (not ids or alleles)  # our CSV has ids alone
    place, key = read.variant_position.tolist(), cohort.variant_position.tolist()
    if not by_place:
        place, key = read.variant_id.tolist(), cohort.variant_id.tolist()
    written, expected = contigs.alike(read.variant_contig.tolist(), cohort.variant_contig.tolist())
    for j, one in enumerate(key):
        k = place.index(one)
        assert not by_place or written[str(read.variant_contig[k])] == expected[str(cohort.variant_contig[j])]
        assert not ids or read.variant_id[k] == cohort.variant_id[j]
        calls, pair = read.calls[row, k], read.variant_allele[k].tolist()
        if alleles:
            assert sorted(pair) == sorted(cohort.variant_allele[j].tolist())
        turned = alleles and pair != cohort.variant_allele[j].tolist()
        np.testing.assert_array_equal(np.where((calls >= 0) & turned, 2 - calls, calls), cohort.calls[:, j])


def letters(cohort: Genotypes, j: int, absent: str) -> list[tuple[str, str]]:
    other, counted = cohort.variant_allele[j].tolist()
    codes = {-1: (absent, absent), 0: (other, other), 1: (counted, other), 2: (counted, counted)}
    return [codes[call] for call in cohort.calls[:, j].tolist()]


def places(cohort: Genotypes) -> list[tuple[str, str, int, str, str]]:
    columns = (cohort.variant_contig, cohort.variant_id, cohort.variant_position)
    alleles = cohort.variant_allele.T
    return list(zip(*(column.tolist() for column in (*columns, *alleles)), strict=True))


def save(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def ped(cohort: Genotypes, folder: Path) -> list[Path]:
    cells = [letters(cohort, j, "0") for j in range(cohort.m)]
    rows = [
        f"f{i} {one} 0 0 0 -9 " + " ".join(" ".join(column[i]) for column in cells)
        for i, one in enumerate(cohort.sample_id.tolist())
    ]
    lines = [f"{contig}\t{one}\t0\t{position}" for contig, one, position, _, _ in places(cohort)]
    return [save(folder / "x.ped", *rows), save(folder / "x.map", *lines)]


def tped(cohort: Genotypes, folder: Path) -> list[Path]:
    rows = [
        f"{contig} {one} 0 {position} " + " ".join(" ".join(pair) for pair in letters(cohort, j, "0"))
        for j, (contig, one, position, _, _) in enumerate(places(cohort))
    ]
    people = [f"f{i} {one} 0 0 0 -9" for i, one in enumerate(cohort.sample_id.tolist())]
    return [save(folder / "x.tfam", *people), save(folder / "x.tped", *rows)]


def words(calls: np.ndarray) -> list[str]:
    return ["NA" if call < 0 else str(call) for call in calls.tolist()]


def traw(cohort: Genotypes, folder: Path) -> list[Path]:
    header = ["CHR", "SNP", "(C)M", "POS", "COUNTED", "ALT", *(f"0_{one}" for one in cohort.sample_id.tolist())]
    rows = [
        [contig, one, "0", str(position), counted, other, *words(cohort.calls[:, j])]
        for j, (contig, one, position, other, counted) in enumerate(places(cohort))
    ]
    return [save(folder / "x.traw", *("\t".join(row) for row in [header, *rows]))]


def raw(cohort: Genotypes, folder: Path) -> list[Path]:
    """As `plink --recode A include-alt` writes it."""
    named = [f"{one}_{counted}(/{other})" for _, one, _, other, counted in places(cohort)]
    rows = [
        ["f", one, "0", "0", "0", "-9", *words(calls)]
        for one, calls in zip(cohort.sample_id.tolist(), cohort.calls, strict=True)
    ]
    header = ["FID", "IID", "PAT", "MAT", "SEX", "PHENOTYPE", *named]
    return [save(folder / "x.raw", *(" ".join(row) for row in [header, *rows]))]


def gen(cohort: Genotypes, folder: Path) -> list[Path]:
    triplets = {-1: "0 0 0", 0: "1 0 0", 1: "0.02 0.98 0", 2: "0 0 1"}
    rows = [
        f"{contig} {one} {position} {other} {counted} " + " ".join(triplets[c] for c in cohort.calls[:, j].tolist())
        for j, (contig, one, position, other, counted) in enumerate(places(cohort))
    ]
    people = [f"{one} {one} 0" for one in cohort.sample_id.tolist()]
    return [save(folder / "x.gen", *rows), save(folder / "x.sample", "ID_1 ID_2 missing", "0 0 0", *people)]


def eigenstrat(cohort: Genotypes, folder: Path) -> list[Path]:
    rows = ["".join("9" if call < 0 else str(call) for call in column.tolist()) for column in cohort.calls.T]
    lines = [f"{one} {contig} 0.0 {place} {counted} {other}" for contig, one, place, other, counted in places(cohort)]
    people = [f"{one} U pop" for one in cohort.sample_id.tolist()]
    return [save(folder / "x.geno", *rows), save(folder / "x.snp", *lines), save(folder / "x.ind", *people)]


def ancestrymap(cohort: Genotypes, folder: Path) -> list[Path]:
    """The calls of EIGENSTRAT a line each, without those that are missing."""
    _, *others = eigenstrat(cohort, folder)
    rows = [
        f"{one} {who} {call}"
        for one, calls in zip(cohort.variant_id.tolist(), cohort.calls.T.tolist(), strict=True)
        for who, call in zip(cohort.sample_id.tolist(), calls, strict=True)
        if call >= 0
    ]
    return [save(folder / "x.geno", *rows), *others]


def beagle3(cohort: Genotypes, folder: Path) -> list[Path]:
    people = " ".join(f"{one} {one}" for one in cohort.sample_id.tolist())
    rows = [
        f"M {one} " + " ".join(" ".join(pair) for pair in letters(cohort, j, "?"))
        for j, one in enumerate(cohort.variant_id.tolist())
    ]
    return [save(folder / "x.bgl", f"I id {people}", *rows)]


def hapmap(cohort: Genotypes, folder: Path) -> list[Path]:
    fixed = ["rs#", "alleles", "chrom", "pos", "strand", "assembly#", "center", "protLSID", "assayLSID", "panelLSID"]
    header = [*fixed, "QCcode"]
    rows = [
        [one, f"{other}/{counted}", contig, str(position), "+", *["NA"] * 6, *map("".join, letters(cohort, j, "N"))]
        for j, (contig, one, position, other, counted) in enumerate(places(cohort))
    ]
    return [save(folder / "x.hmp.txt", *("\t".join(row) for row in [[*header, *cohort.sample_id.tolist()], *rows]))]


def vcftools(cohort: Genotypes, folder: Path) -> list[Path]:
    rows = ["\t".join(map(str, [i, *row])) for i, row in enumerate(cohort.calls.tolist())]
    lines = [f"{contig}\t{position}" for contig, _, position, _, _ in places(cohort)]
    files = ("x.012.indv", cohort.sample_id.tolist()), ("x.012.pos", lines), ("x.012", rows)
    return [save(folder / name, *text) for name, text in files]


def exported(ending: str) -> Writer:
    def write(cohort: Genotypes, folder: Path) -> list[Path]:
        return [path for path in export.write(cohort, folder / f"x{ending}") if not path.name.endswith("samples.tsv")][
            :3
        ]

    return write


WRITERS: dict[str, Writer] = {
    "ped": ped, "tped": tped, "traw": traw, "raw": raw, "gen": gen, "eigenstrat": eigenstrat,
    "ancestrymap": ancestrymap, "beagle3": beagle3, "hapmap": hapmap,
    "012": vcftools, ".npz": exported(".npz"), ".csv": exported(".csv"), ".vcf.gz": exported(".vcf.gz"),
    ".bed": exported(".bed"),
}  # fmt: skip


@pytest.mark.parametrize("form", list(WRITERS))
@settings(max_examples=6)
@given(seed=st.integers(0, 10_000))
def test_what_is_written_comes_back(form: str, seed: int) -> None:
    cohort = disguised(cohort_of(seed), seed + 1)
    with tempfile.TemporaryDirectory() as folder:
        files = WRITERS[form](cohort, Path(folder))
        if seed % 2:
            files.reverse()
        named = {
            "ids": form != "012",
            "alleles": form not in ("012", ".csv"),
            "positions": form not in ("raw", "beagle3"),
        }
        same(cohort, read_here(files), **named)


@settings(max_examples=6)
@given(seed=st.integers(0, 10_000), forms=st.sampled_from([("ped", "ped"), ("gen", "gen"), (".vcf.gz", ".vcf.gz")]))
def test_a_file_a_chromosome_comes_back(seed: int, forms: tuple[str, str]) -> None:
    cohort = disguised(cohort_of(seed), seed + 1)
    half = cohort.m // 2
    shuffled = cohort.individuals(np.random.default_rng(seed).permutation(cohort.n))
    parts = [cohort.variants(np.arange(half)), shuffled.variants(np.arange(half, cohort.m))]
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, (part, form) in enumerate(zip(parts, forms, strict=True)):
            own = Path(folder) / str(number)
            own.mkdir()
            for path in WRITERS[form](part, own):
                files.append(path.rename(Path(folder) / f"chr{number}{path.name.removeprefix('x')}"))
        same(cohort, read_here(files), ids=True, alleles=True)


@settings(max_examples=6)
@given(seed=st.integers(0, 10_000), pair=st.booleans())
def test_haplotypes_of_ms_come_back(seed: int, pair: bool) -> None:
    """Written by hand as ms writes them: sites in order, positions as shares of the sequence that -r tells."""
    rng = np.random.default_rng(seed)
    n, m = 2 * int(rng.integers(2, 6)), int(rng.integers(4, 9))
    haplotypes = rng.integers(0, 2, (n, m)).astype(np.int8)
    haplotypes[0], haplotypes[1] = 0, 1
    positions = np.sort(rng.choice(np.arange(1, 1000), m, replace=False))
    lines = [f"ms {n} 1 -t 5 -r 4 1000", "1 2 3", "", "//", f"segsites: {m}"]
    lines += ["positions: " + " ".join(f"{p / 1000:.5f}" for p in positions)]
    lines += ["".join(map(str, row)) for row in haplotypes.tolist()]
    with tempfile.TemporaryDirectory() as folder:
        read = read_here([save(Path(folder) / "ms.out", *lines)], haplotypes="pair" if pair else "auto")
        calls = np.array(read.calls)
    np.testing.assert_array_equal(calls, haplotypes[0::2] + haplotypes[1::2] if pair else haplotypes)
    assert read.ploidy == 1 + pair and read.variant_position.tolist() == positions.tolist()
