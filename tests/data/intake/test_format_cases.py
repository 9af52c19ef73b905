"""Files of the programs of the field: each format gives what an independent reading gives, or a sentence by name.

Files of `cases/genotypes` hold one cohort in many forms, so that its VCF, read by plain code here, is the oracle.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.data.genotypes import Genotypes
from core.data.intake.cohort_options import CohortOptions
from core.data.intake.importing import preview, read_file
from core.errors import InputError
from tests.data.intake.test_hostile import one_sentence

Case = Callable[[str], Path]


@pytest.fixture
def case(shared: Path) -> Case:
    """The path of a file of the cases."""
    return lambda name: shared / "cases" / "genotypes" / name


def read(*files: Path, samples: Path | None = None, **options: Any) -> tuple[Genotypes, str]:
    """What an import gives, and its remarks."""
    result = read_file(files, options=CohortOptions(**options), samples=samples)
    assert isinstance(result.population, Genotypes)
    return result.population, " ".join([*result.notes, *(f"{v} {k}" for k, v in result.dropped.items())])


def refusal(*files: Path, **options: Any) -> str:
    """The one sentence in which an import ends."""
    with pytest.raises(InputError) as caught:
        read_file(files, options=CohortOptions(**options))
    assert one_sentence(str(caught.value)), str(caught.value)
    return str(caught.value)


def oracle(path: Path) -> tuple[list[str], dict[str, tuple[str, str]], np.ndarray]:
    """Individuals, {id: (reference, alternate)} and (individuals, variants) counts of a plain VCF."""
    rows = [line.split("\t") for line in path.read_text().splitlines() if not line.startswith("##")]
    counts = [[-1 if "." in c else c.count("1") for c in (cell.split(":")[0] for cell in row[9:])] for row in rows[1:]]
    return rows[0][9:], {row[2]: (row[3], row[4]) for row in rows[1:]}, np.array(counts).T


def agrees(cohort: Genotypes, path: Path, *, ids: bool = True, alleles: bool = True) -> None:
    """`cohort` is that of the VCF at `path`, whichever allele it counts; where `alleles` the file says which."""
    people, pairs, counts = oracle(path)
    assert cohort.sample_id.tolist() == people if ids else cohort.n == len(people)
    assert cohort.m == len(pairs)
    for j, (one, pair) in enumerate(pairs.items()):
        k = cohort.variant_id.tolist().index(one) if alleles else j
        expected = counts[:, j]
        other, counted = cohort.variant_allele[k].tolist()
        if not alleles:
            assert other == counted == ""
        elif counted == pair[0] or other == pair[1]:
            expected = np.where(expected < 0, -1, 2 - expected)
        else:
            assert counted == pair[1] or other == pair[0]
        np.testing.assert_array_equal(cohort.calls[:, k], expected, err_msg=one)


def write(folder: Path, **files: str) -> list[Path]:
    """Small files, by name with two underscores for a point."""
    paths = []
    for name, text in files.items():
        path = folder / name.replace("__", ".")
        path.write_text(text)
        paths.append(path)
    return paths


# Several files

VCF = (
    "##fileformat=VCFv4.2\n##contig=<ID={0}>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=G>\n"
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{1}\n"
)
RECORD = "{0}\t{1}\t.\tA\tC\t.\t.\t.\tGT\t{2}\n"


def vcf(folder: Path, contig: str, people: Sequence[str], *calls: Sequence[str]) -> Path:
    path = folder / f"chr{contig}.vcf"
    path.write_text(
        VCF.format(contig, "\t".join(people))
        + "".join(RECORD.format(contig, 10 * i + 10, "\t".join(row)) for i, row in enumerate(calls))
    )
    return path


def test_one_vcf_a_chromosome_is_one_cohort(case: Case, home: Path) -> None:
    paths = [case("34-per-chromosome/chr5.vcf"), case("34-per-chromosome/chr6.vcf")]
    cohort, said = read(*paths)
    people, _, first = oracle(paths[0])
    second = oracle(paths[1])[2]
    assert cohort.sample_id.tolist() == people
    np.testing.assert_array_equal(cohort.calls, np.hstack([first, second]))
    assert cohort.variant_contig.tolist() == ["5"] * first.shape[1] + ["6"] * second.shape[1]
    assert "2 files of the same individuals were put together" in said
    assert any("chr6.vcf" in note for note in preview(paths)["notes"])
    assert read(*paths, region="6:1-100000")[0].m == second.shape[1]


def test_individuals_in_another_order_are_put_in_one(tmp_path: Path, home: Path) -> None:
    one = vcf(tmp_path, "1", "abc", ["0/0", "0/1", "1/1"], ["0/1", "0/0", "./."])
    two = vcf(tmp_path, "2", "cab", ["1/1", "0/0", "0/1"])
    cohort, _ = read(one, two)
    assert cohort.sample_id.tolist() == ["a", "b", "c"]
    assert cohort.calls.tolist() == [[0, 1, 0], [1, 0, 1], [2, -1, 2]]
    assert "earlier file" in read(one, one)[1]


def test_other_individuals_are_refused(tmp_path: Path, home: Path) -> None:
    one = vcf(tmp_path, "1", "abc", ["0/0", "0/1", "1/1"])
    two = vcf(tmp_path, "2", "abd", ["0/0", "0/1", "1/1"])
    message = refusal(one, two)
    assert "'c' is in chr1.vcf" in message and "bcftools merge" in message


def test_a_stranger_is_named(tmp_path: Path, home: Path) -> None:
    one = vcf(tmp_path, "1", "abc", ["0/0", "0/1", "1/1"], ["0/0", "0/1", "1/1"])
    (table,) = write(tmp_path, people__csv="id,pop\na,X\nb,Y\nc,Y\n")
    assert "people.csv came with it" in refusal(one, table)
    (log,) = write(tmp_path, run__log="PLINK v1.9\n")
    assert read(one, log)[0].m == 2


# PLINK in text

PED = "f1 a 0 0 1 1 A A C G 0 0\nf2 b 0 0 2 2 A T C C I D\nf3 c 0 0 1 -9 T T 0 C I I\n"
MAP = "1 rs1 0 100\n2 rs2 0 200\nX rs3 0 300\n"
PED_CALLS = [[0, 1, -1], [1, 0, 1], [2, -1, 0]]


def test_ped_with_its_map(tmp_path: Path, home: Path) -> None:
    ped, map_file = write(tmp_path, x__ped=PED, x__map=MAP)
    for files in ((ped, map_file), (map_file, ped), (ped,), (map_file,)):
        cohort, said = read(*files)
        assert cohort.calls.tolist() == PED_CALLS
        assert cohort.variant_allele.tolist() == [["A", "T"], ["C", "G"], ["I", "D"]]
        assert cohort.variant_position.tolist() == [100, 200, 300]
        assert cohort.labels["sex"].tolist() == ["male", "female", "male"]
        assert "rarer" in said and "1 half calls" in said
    shown = preview([ped, map_file])
    assert (shown["individuals"], shown["variants"]) == (3, 3)
    assert any("rs1 counts T (not A)" in note for note in shown["notes"])


def test_ped_in_other_spellings(tmp_path: Path, home: Path) -> None:
    compound = "f1 a 0 0 1 1 AA CG 00\nf2 b 0 0 2 2 AT CC ID\nf3 c 0 0 1 -9 TT 0C II\n"
    files = write(tmp_path, x__ped=compound, x__map=MAP)
    assert read(*files)[0].calls.tolist() == PED_CALLS
    files = write(
        tmp_path, x__ped=PED.replace(" ", "\t").lower(), x__map="".join(MAP.splitlines(True)[:2]) + "X rs3 0 -5\n"
    )
    cohort, said = read(*files)
    assert cohort.calls.tolist() == [row[:2] for row in PED_CALLS] and "negative position" in said
    numbers = PED.translate(str.maketrans("ACGTID", "123412"))
    assert read(*write(tmp_path, x__ped=numbers, x__map=MAP))[0].calls.tolist() == PED_CALLS


def test_a_map_of_another_ped_is_refused(tmp_path: Path, home: Path) -> None:
    files = write(tmp_path, x__ped=PED, x__map=MAP + "3 rs4 0 5\n")
    assert "8 are expected" in refusal(*files) and "x.map" in refusal(*files)


def test_ped_by_chromosome(tmp_path: Path, home: Path) -> None:
    both = write(tmp_path, c1__ped=PED, c1__map=MAP, c2__ped=PED, c2__map=MAP.replace("rs", "snp").replace("00", "11"))
    cohort, _ = read(*both)
    assert cohort.m == 6 and cohort.variant_id.tolist().count("rs1") == 1
    assert cohort.calls.sum() == 2 * np.array(PED_CALLS).sum()


def test_tped_with_its_tfam(tmp_path: Path, home: Path) -> None:
    tped = "1 rs1 0 100 A A A T T T\n2 rs2 0 200 C G C C 0 C\nX rs3 0 300 0 0 I D I I\n"
    fam = "f1 a 0 0 1 1\nf2 b 0 0 2 2\nf3 c 0 0 1 -9\n"
    files = write(tmp_path, x__tped=tped, x__tfam=fam)
    cohort, _ = read(*files)
    assert cohort.calls.tolist() == PED_CALLS and cohort.sample_id.tolist() == ["a", "b", "c"]
    assert "6 are expected" in refusal(*write(tmp_path, x__tped=tped.replace(" C C", " C", 1), x__tfam=fam))


def test_a_variant_with_three_alleles_is_left_out(tmp_path: Path, home: Path) -> None:
    files = write(tmp_path, x__ped=PED.replace("A T C C", "A G C C"), x__map=MAP)
    cohort, said = read(*files)
    assert cohort.variant_id.tolist() == ["rs2", "rs3"] and "1 multi-allelic" in said


def test_traw_counts_the_allele_it_names(tmp_path: Path, home: Path) -> None:
    text = (
        "CHR\tSNP\t(C)M\tPOS\tCOUNTED\tALT\t0_a\t0_b\t0_c\n1\trs1\t0\t10\tT\tA\t0\t1\t2\n"
        "1\trs2\t0\t20\tG\tC\t1\tNA\t0\n"
    )
    (path,) = write(tmp_path, x__traw=text)
    packed = tmp_path / "y.traw.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    for one in (path, packed):
        cohort, said = read(one)
        assert cohort.calls.tolist() == [[0, 1], [1, -1], [2, 0]] and cohort.sample_id.tolist() == ["a", "b", "c"]
        assert cohort.variant_allele.tolist() == [["A", "T"], ["C", "G"]] and "COUNTED" in said
