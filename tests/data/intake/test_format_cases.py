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
from core.data.intake.documentation import markdown
from core.data.intake.importing import preview, read_file
from core.errors import InputError
from tests.data.intake.test_hostile import one_sentence

pytestmark = pytest.mark.usefixtures("in_process")

RNG = np.random.default_rng(11)
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


# Oxford, IMPUTE2


@pytest.mark.parametrize("name", ["chr5.gen", "chr1.gen", "impute2.gen"])
def test_probabilities_become_calls(case: Case, name: str, home: Path) -> None:
    path = case(f"05-oxford-gen/{name}")
    cohort, said = read(path)
    rows = [line.split() for line in path.read_text().splitlines()]
    lead = 6 if (len(rows[0]) - 6) % 3 == 0 else 5
    expected = np.array([[float(v) for v in row[lead:]] for row in rows]).reshape(len(rows), -1, 3)
    calls = np.where(expected.max(axis=2) >= 0.9, expected.argmax(axis=2), -1)
    np.testing.assert_array_equal(cohort.calls, calls.T)
    assert cohort.variant_allele.tolist() == [row[lead - 2 : lead] for row in rows]
    assert cohort.variant_position.tolist() == [int(row[lead - 3]) for row in rows]
    assert set(cohort.variant_contig.tolist()) == {"" if name == "impute2.gen" else name[3]}
    assert (cohort.n, cohort.ploidy) == (60, 2) and "0.9 or more" in said


def test_gen_takes_its_sample_file(case: Case, home: Path) -> None:
    files = case("05-oxford-gen/chr5.gen"), case("05-oxford-gen/chr5.sample")
    agrees(read(*files)[0], case("23-allel-npz/c.vcf"))


def test_unsure_probabilities_are_missing(tmp_path: Path, home: Path) -> None:
    gen = "--- rs1 100 A G 0.95 0.05 0 0.5 0.5 0 0 0 0 0.02 0.06 0.92\n--- rs2 200 A T 0 1 0 1 0 0 0 0 1 0 1 0\n"
    sample = "ID_1 ID_2 missing sex pop height\n0 0 0 D D P\nf a 0 1 X 1.5\nf b 0 2 X 2\ng c 0 1 Y NA\ng d 0 2 Y 3\n"
    files = write(tmp_path, x__gen=gen, x__sample=sample)
    cohort, said = read(*files)
    assert cohort.calls.tolist() == [[0, 1], [-1, 0], [-1, 2], [2, 1]] and "1 calls have none so sure" in said
    assert cohort.labels["pop"].tolist() == ["X", "X", "Y", "Y"]
    assert cohort.sample_id.tolist() == ["a", "b", "c", "d"]
    (bare,) = write(tmp_path, imputed__txt=gen.replace("---", "7:1"))
    assert read(bare)[0].variant_contig.tolist() == ["7", "7"]
    assert "1.50" in refusal(*write(tmp_path, x__gen=gen + "--- rs3 300 A G 1 0 0 1 0 0 1 0 0 1 0.5 0\n"))


# EIGENSTRAT


def test_eigenstrat_counts_the_first_allele(case: Case, home: Path) -> None:
    files = [case(f"08-eigenstrat/e.{ending}") for ending in ("geno", "snp", "ind")]
    cohort, _ = read(*files)
    agrees(cohort, case("23-allel-npz/c.vcf"))
    assert cohort.variant_contig.tolist() == ["5"] * 80
    assert read(files[2], files[0], files[1])[0].sample_id.tolist() == cohort.sample_id.tolist()
    notes = " ".join(preview(files)["notes"])
    assert "first allele of the .snp" in notes and "rs1000 counts T (not C)" in notes


def packed(counts: np.ndarray, transposed: bool) -> bytes:
    """Two bits a genotype, the highest first."""
    n, m = counts.shape
    rows = np.where(counts < 0, 3, counts) if transposed else np.where(counts < 0, 3, counts).T
    record = -(-rows.shape[1] // 4) if transposed else max(48, -(-rows.shape[1] // 4))
    body = bytearray()
    for row in rows:
        cells = np.zeros(4 * record, dtype=int)
        cells[: len(row)] = row
        body += bytes(int(v) for v in cells.reshape(-1, 4) @ np.array([64, 16, 4, 1]))
    header = f"{'TGENO' if transposed else 'GENO'} {n:6d} {m:6d} 5d9a1 5d9a2".encode()
    return header.ljust(48 if transposed else record, b"\0") + bytes(body)


@pytest.mark.parametrize("transposed", [False, True])
def test_packed_eigenstrat(tmp_path: Path, transposed: bool, home: Path) -> None:
    rng = np.random.default_rng(3)
    counts = rng.integers(-1, 3, (230, 11))
    (tmp_path / "x.geno").write_bytes(packed(counts, transposed))
    snp = "".join(f"rs{j} {90 if j == 10 else 1} 0.0 {j + 1} A {'X' if j else 'G'}\n" for j in range(11))
    ind = "".join(f"S{i} {'MFU'[i % 3]} {'YRI' if i % 2 else 'CEU'}\n" for i in range(230))
    files = [tmp_path / "x.geno", *write(tmp_path, x__snp=snp, x__ind=ind)]
    cohort, _ = read(*files)
    order = np.argsort(cohort.variant_position)
    np.testing.assert_array_equal(cohort.calls[:, order], counts)
    assert cohort.variant_allele[0].tolist() == ["G", "A"] and cohort.variant_contig[-1] == "MT"
    assert next(iter(cohort.labels)) == "population" and set(cohort.labels["population"]) == {"YRI", "CEU"}
    (tmp_path / "x.geno").write_bytes(packed(counts, transposed)[:-5])
    assert "bytes" in refusal(*files)


def test_eigenstrat_without_companions(case: Case, tmp_path: Path, home: Path) -> None:
    assert "convertf" in refusal(case("36-binary-formats/x.geno"))
    lea = tmp_path / "lea.geno"
    lea.write_text("0120\n2191\n1000\n")
    cohort, said = read(lea)
    assert cohort.calls.T.tolist() == [[0, 1, 2, 0], [2, 1, -1, 1], [1, 0, 0, 0]] and "LEA" in said


# Letters


@pytest.mark.parametrize("name", ["11-hapmap/one.hmp.txt", "11-hapmap/two.hmp.txt"])
def test_hapmap_counts_the_second_allele(case: Case, name: str, home: Path) -> None:
    cohort, said = read(case(name))
    agrees(cohort, case("23-allel-npz/c.vcf"))
    rows = [line.split("\t") for line in case(name).read_text().splitlines()[1:]]
    assert ["/".join(pair) for pair in cohort.variant_allele.tolist()] == [row[1] for row in rows]
    assert "HapMap" in said


def test_hapmap_with_gaps_and_a_third_allele(tmp_path: Path, home: Path) -> None:
    fixed = "rs#\talleles\tchrom\tpos\tstrand\tassembly#\tcenter\tprotLSID\tassayLSID\tpanelLSID\tQCcode\ta\tb\tc\td\n"
    rest = "\t+\tNA\tNA\tNA\tNA\tNA\tNA\t"
    rows = [
        "i1\t-/+\t1\t10" + rest + "-\t+\t0\tN\n",
        "s1\tA/C\t1\t20" + rest + "M\tA\tC\tN\n",
        "s2\tA/C\t1\t30" + rest + "M\tG\tC\tN\n",
        "s3\tNA\t1\t40" + rest + "T\tT\tG\tT\n",
    ]
    cohort, said = read(*write(tmp_path, x__hmp__txt=fixed + "".join(rows)))
    assert cohort.calls.T.tolist() == [[0, 2, 1, -1], [1, 0, 2, -1], [0, 0, 2, 0]]
    assert cohort.variant_allele.tolist() == [["D", "I"], ["A", "C"], ["T", "G"]]
    assert "1 allele that the file does not list" in said


def test_pairs_of_letters_in_a_csv(case: Case, home: Path) -> None:
    cohort, said = read(case("40-allele-pairs/slash.csv"))
    agrees(cohort, case("23-allel-npz/c.vcf"))
    assert list(cohort.labels) == ["pop"] and set(cohort.labels["pop"].tolist()) == {"A", "B"}
    assert "rarer one is counted" in said


@pytest.mark.parametrize("sign", ["", "|", ":", " "])
@pytest.mark.parametrize("turned", [False, True])
def test_pairs_of_letters_in_other_spellings(tmp_path: Path, sign: str, turned: bool, home: Path) -> None:
    calls = [["A A", "C G", "N N"], ["A T", "C C", "I D"], ["A A", "C C", "I I"]]
    rows = [[cell.replace(" ", sign) if cell != "N N" else "NN" for cell in row] for row in calls]
    table = [["id", "rs1", "rs2", "rs3"], *([name, *row] for name, row in zip("abc", rows, strict=True))]
    table = [list(column) for column in zip(*table, strict=True)] if turned else table
    cohort, _ = read(*write(tmp_path, x__csv="".join(",".join(row) + "\n" for row in table)))
    assert cohort.calls.tolist() == [[0, 1, -1], [1, 0, 1], [0, 0, 0]]
    assert cohort.variant_allele.tolist() == [["A", "T"], ["C", "G"], ["I", "D"]]
    assert cohort.sample_id.tolist() == ["a", "b", "c"]


def test_a_word_among_letters_is_named(tmp_path: Path, home: Path) -> None:
    rows = "".join(f"s{i},AA,AC,CC,AC\n" for i in range(20))
    assert "'hm'" in refusal(*write(tmp_path, x__csv="id,v1,v2,v3,v4\n" + rows + "x,AA,hm,CC,AC\n"))


def test_columns_of_alleles_orient_letters(tmp_path: Path, home: Path) -> None:
    text = "snp,chrom,pos,ref,alt,a,b,c\nrs1,1,5,T,C,CC,CT,CC\nrs2,1,9,A,G,AA,AG,AA\n"
    cohort, _ = read(*write(tmp_path, x__csv=text))
    assert cohort.calls.tolist() == [[2, 0], [1, 1], [2, 0]]
    assert cohort.variant_allele.tolist() == [["T", "C"], ["A", "G"]]


# Illumina, BLUPF90, vcftools, ms


def test_illumina_final_report(case: Case, home: Path) -> None:
    path = case("10-final-report/FinalReport.txt")
    rows = [line.split("\t") for line in path.read_text().splitlines()[8:]]
    expected: dict[tuple[str, str], int] = {(row[1], row[0]): (row[2] + row[3]).count("B") for row in rows}
    cohort, said = read(path)
    for i, who in enumerate(cohort.sample_id.tolist()):
        for j, what in enumerate(cohort.variant_id.tolist()):
            assert cohort.calls[i, j] == expected[who, what]
    assert cohort.n * cohort.m == len(rows) and "FinalReport" in said


def test_illumina_letters_a_and_b(case: Case, home: Path) -> None:
    path = case("10-final-report/ab.txt")
    cohort, said = read(path)
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    assert cohort.sample_id.tolist() == rows[0][1:]
    np.testing.assert_array_equal(cohort.calls.T, [[cell.count("B") for cell in row[1:]] for row in rows[1:]])
    assert "B is counted" in said and (cohort.variant_allele == "").all()


def test_final_report_with_bases_and_as_a_matrix(tmp_path: Path, home: Path) -> None:
    head = "[Header]\nGSGT Version,2\nNum Samples,2\n[Data]\n"
    long = "Sample ID,SNP Name,Chr,Position,Allele1 - Top,Allele2 - Top,Allele1 - AB,Allele2 - AB\n"
    rows = ["a,r1,1,5,A,A,A,A", "a,r2,2,6,G,C,B,A", "b,r1,1,5,A,G,A,B", "b,r2,2,6,-,-,-,-"]
    cohort, _ = read(*write(tmp_path, long__csv=head + long + "\n".join(rows) + "\n"))
    assert cohort.calls.tolist() == [[0, 1], [1, -1]] and cohort.variant_position.tolist() == [5, 6]
    matrix = head.replace(",", "\t") + "\ta\tb\nr1\tAA|0.9\tAB|0.8\nr2\tBB|0.7\tNC|0.1\n"
    assert read(*write(tmp_path, matrix__txt=matrix))[0].calls.tolist() == [[0, 2], [1, -1]]


def test_digits_of_blupf90(case: Case, tmp_path: Path, home: Path) -> None:
    path = case("41-blupf90/blupf90.txt")
    rows = [line.split() for line in path.read_text().splitlines()]
    cohort, said = read(path)
    assert cohort.sample_id.tolist() == [row[0] for row in rows] and "BLUPF90" in said
    np.testing.assert_array_equal(cohort.calls, [[-1 if c == "5" else int(c) for c in row[1]] for row in rows])
    alpha = case("41-blupf90/alpha.txt")
    expected = np.loadtxt(alpha, dtype=str)[:, 1:].astype(int)
    np.testing.assert_array_equal(read(alpha)[0].calls, np.where(expected == 9, -1, expected))
    bad = tmp_path / "bad.txt"
    bad.write_text("a 0120120120120120\nb 0120120120120120\nc 01201201201201x0\n")
    assert "line 3" in refusal(bad)


def test_digits_of_fimpute(tmp_path: Path, home: Path) -> None:
    rows = "a 1 012345012345\nb 1 222210678901\nc 2 000000000000\n"
    cohort, said = read(*write(tmp_path, imp__txt="ID Chip Call...\n" + rows))
    assert cohort.sample_id.tolist() == ["a", "b", "c"] and "taken for imputed" in said and "4 calls of which" in said
    expected = [[0, 1, 2, 1, 1, -1] * 2, [2, 2, 2, 2, 1, 0, -1, -1, -1, -1, 0, 1], [0] * 12]
    np.testing.assert_array_equal(cohort.calls, expected)
    lines = "".join(f"m{j} 1 {10 * j + 10} {j + 1}\n" for j in range(12))
    (info,) = write(tmp_path, snp_info__txt="SNPID Chr Pos Chip1\n" + lines)
    named = read_file([tmp_path / "imp.txt"], options=CohortOptions(), variants=info).population
    assert named.variant_id[2] == "m2" and named.variant_position[2] == 30
    (bare,) = write(tmp_path, bare__txt="a 1 0123450123450000\nb 1 2222105555501111\n")
    assert read(bare)[0].m == 16
    (chips,) = write(tmp_path, chips__txt="ID Chip Call\na 1 0120\nb 2 012012\n")
    assert "(chips 1, 2)" in refusal(chips) and "genotypes_imp.txt" in refusal(chips)
    (odd,) = write(tmp_path, odd__txt="ID Chip Call\na 1 0120\nb 1 01x0\n")
    assert "line 3" in refusal(odd)


def test_genotypes_of_beagle_3(case: Case, tmp_path: Path, home: Path) -> None:
    """The cohort of the VCF, written as BEAGLE 3 has it, with an affection status and a trait."""
    vcf_path = case("23-allel-npz/c.vcf")
    people, pairs, counts = oracle(vcf_path)
    ids = " ".join(one for one in people for _ in (1, 2))
    status = " ".join(str(1 + i % 2) for i in range(len(people)) for _ in (1, 2))
    height = " ".join(f"{1.5 + 0.01 * i:.2f}" for i in range(len(people)) for _ in (1, 2))
    lines = ["# made by hand", f"I id {ids}", f"A status {status}", f"T height {height}"]
    for j, (one, (reference, alternate)) in enumerate(pairs.items()):
        words = {0: (reference, reference), 1: (alternate, reference), 2: (alternate, alternate), -1: ("?", "?")}
        lines.append(f"M {one} " + " ".join(" ".join(words[c]) for c in counts[:, j].tolist()))
    (path,) = write(tmp_path, x__bgl="\n".join([*lines, ""]))
    cohort, said = read(path)
    agrees(cohort, vcf_path)
    assert cohort.phenotypes["status"].tolist() == [i % 2 for i in range(len(people))]
    np.testing.assert_allclose(cohort.phenotypes["height"], 1.5 + 0.01 * np.arange(len(people)))
    assert "rarer one is counted" in said
    for wrong, words in (("M r1 A C G", "3 alleles in line 2"), ("Z x 1 1 2 2", "begins with 'Z' (line 2)")):
        (bad,) = write(tmp_path, bad__txt=f"I id a a b b\n{wrong}\nM r2 A C A A\n")
        assert words in refusal(bad)


def test_genotypes_of_bimbam(case: Case, tmp_path: Path, home: Path) -> None:
    vcf_path = case("23-allel-npz/c.vcf")
    people, pairs, counts = oracle(vcf_path)
    rows = []
    for j, (one, (reference, alternate)) in enumerate(pairs.items()):
        words = {0: 2 * reference, 1: reference + alternate, 2: 2 * alternate, -1: "??"}
        rows.append(",".join([one, *(words[c] for c in counts[:, j].tolist())]))
    ids = ",".join(["IND", *people])
    (path,) = write(tmp_path, x__txt="\n".join([str(len(people)), str(len(rows)), ids, *rows, ""]))
    agrees(read(path)[0], vcf_path)
    (bare,) = write(tmp_path, bare__txt="2 =\n3\nr1 AG GG\nr2 ?? CT\nr3 TT TA\n")
    cohort, _ = read(bare)
    assert cohort.calls.shape == (2, 3) and cohort.calls[0, 1] == -1 and cohort.sample_id[0] == "sample_1"
    (short,) = write(tmp_path, short__txt="2\n4\nr1,AG,GG\nr2,CC,CT\n")
    assert "2 variants where its second line says 4" in refusal(short)
    (ragged,) = write(tmp_path, ragged__txt="2\n2\nr1,AG,GG\nr2,CC\n")
    assert "1 genotypes in line 4" in refusal(ragged)


def test_mean_genotypes_of_bimbam_count_their_first_allele(case: Case, home: Path) -> None:
    path = case("32-bimbam/b.mean.geno.txt")
    cohort, said = read(path)
    rows = [[cell.strip() for cell in line.split(",")] for line in path.read_text().splitlines()]
    np.testing.assert_array_equal(cohort.calls.T, [[round(float(v)) for v in row[3:]] for row in rows])
    assert cohort.variant_allele.tolist() == [[row[2], row[1]] for row in rows]
    assert cohort.variant_id.tolist() == [row[0] for row in rows] and "first of the two alleles" in said
    agrees(cohort, case("23-allel-npz/c.vcf"), ids=False)


def test_calls_of_ancestrymap(case: Case, tmp_path: Path, home: Path) -> None:
    text = case("08-eigenstrat/e.geno").read_text().split()
    snp = [line.split()[0] for line in case("08-eigenstrat/e.snp").read_text().splitlines()]
    ind = [line.split()[0] for line in case("08-eigenstrat/e.ind").read_text().splitlines()]
    lines = [
        f"{one:>20} {who:>20} {digit}"
        for one, row in zip(snp, text, strict=True)
        for who, digit in zip(ind, row, strict=True)
        if digit != "9"
    ]
    lines = [lines[i] for i in RNG.permutation(len(lines))]
    (geno,) = write(tmp_path, x__ancestrymapgeno="\n".join([*lines, ""]))
    for ending in ("snp", "ind"):
        (tmp_path / f"x.{ending}").write_bytes(case(f"08-eigenstrat/e.{ending}").read_bytes())
    plain, _ = read(*(case(f"08-eigenstrat/e.{one}") for one in ("geno", "snp", "ind")))
    for given in ([geno], [tmp_path / "x.snp", geno, tmp_path / "x.ind"], [tmp_path / "x.ind"]):
        cohort, _ = read(*given)
        np.testing.assert_array_equal(cohort.calls, plain.calls)
        assert cohort.variant_allele.tolist() == plain.variant_allele.tolist()
    geno.write_text(geno.read_text() + f"{snp[0]} nobody 1\n")
    assert "nobody" in refusal(geno) and f"line {len(lines) + 1:,}" in refusal(geno)
    geno.write_text(f"{snp[0]} {ind[0]} 1\n{snp[1]} {ind[1]} 0\n{snp[0]} {ind[0]} 2\n")
    assert "which differ" in refusal(geno)


@pytest.mark.parametrize("sign", ["/", "", "|"])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.usefixtures("home")
def test_one_letter_for_homozygotes_beside_pairs(sign: str, turned: bool, case: Case, tmp_path: Path) -> None:
    vcf_path = case("23-allel-npz/c.vcf")
    people, pairs, counts = oracle(vcf_path)
    columns = []
    for j, (reference, alternate) in enumerate(pairs.values()):
        words = {0: reference, 1: reference + sign + alternate, 2: alternate, -1: "NA"}
        columns.append([words[c] for c in counts[:, j].tolist()])
    rows = [["id", *pairs], *([who, *row] for who, row in zip(people, zip(*columns, strict=True), strict=True))]
    rows = list(zip(*rows, strict=True)) if turned else rows
    (path,) = write(tmp_path, x__csv="\n".join(",".join(row) for row in [*rows, ()]))
    cohort, said = read(path)
    agrees(cohort, vcf_path)
    assert "One letter beside pairs" in said and "read as a homozygote" in said


def test_one_pair_among_letters_costs_no_variant(tmp_path: Path, home: Path) -> None:
    counts = 2 * RNG.integers(0, 2, (30, 12))
    counts[4, 1] = 1
    rows = [",".join([f"s{i}", *(("A", "A/G", "G")[c] for c in row)]) for i, row in enumerate(counts.tolist())]
    header = ",".join(["id", *(f"rs{j}" for j in range(12))])
    cohort, said = read(*write(tmp_path, x__csv="\n".join([header, *rows, ""])))
    turned = cohort.variant_allele[:, 1] == "A"
    np.testing.assert_array_equal(cohort.calls, np.where(turned, 2 - counts, counts))
    assert "One letter beside pairs" in said


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.usefixtures("home")
def test_a_column_of_alleles_is_no_individual(mixed: bool, tmp_path: Path) -> None:
    counts = RNG.integers(0, 3, (30, 12))
    words = ("A", "A/G", "G") if mixed else ("A/A", "A/G", "G/G")
    rows = [" ".join([f"rs{j}", "1", str(100 + j), "A/G", *(words[c] for c in row)]) for j, row in enumerate(counts)]
    header = " ".join(["id", "chrom", "pos", "alleles", *(f"s{i}" for i in range(12))])
    cohort, _ = read(*write(tmp_path, named__txt="\n".join([header, *rows, ""])))
    assert cohort.sample_id.tolist() == [f"s{i}" for i in range(12)] and cohort.has_positions
    turned = cohort.variant_allele[:, 1] == "A"
    np.testing.assert_array_equal(cohort.calls, np.where(turned, 2 - counts.T, counts.T))
    assert "column 4 holds two different alleles in every row" in refusal(
        *write(tmp_path, bare__txt="\n".join([*rows, ""]))
    )


def test_vcftools_012_takes_its_companions(case: Case, home: Path) -> None:
    files = [case(f"38-vcftools-012/out.012{ending}") for ending in ("", ".indv", ".pos")]
    people, _, counts = oracle(case("23-allel-npz/c.vcf"))
    for given in (files, files[:1], files[2:]):
        cohort, _ = read(*given)
        np.testing.assert_array_equal(cohort.calls, counts)
        assert cohort.sample_id.tolist() == people and set(cohort.variant_contig.tolist()) == {"5"}
    assert cohort.variant_position[0] == 1831


def test_012_alone_is_numbered(case: Case, tmp_path: Path, home: Path) -> None:
    (path,) = write(tmp_path, lone__012="0\t0\t1\t-1\n1\t2\t0\t1\n")
    cohort, said = read(path)
    assert cohort.calls.tolist() == [[0, 1, -1], [2, 0, 1]] and "No .012.indv and no .012.pos" in said
    (path,) = write(tmp_path, lone__012="0\t0\t1\n1\t2\t7\n")
    assert "7" in refusal(path)


def test_output_of_ms(case: Case, tmp_path: Path, home: Path) -> None:
    path = case("12-ms-output/ms.out")
    cohort, said = read(path)
    rows = [line for line in path.read_text().splitlines() if set(line) and set(line) <= set("01")]
    np.testing.assert_array_equal(cohort.calls, [[int(c) for c in row] for row in rows])
    assert (cohort.n, cohort.m, cohort.ploidy) == (120, 80, 1) and "ms" in said
    paired, said = read(path, haplotypes="pair")
    np.testing.assert_array_equal(paired.calls, cohort.calls[0::2] + cohort.calls[1::2])
    assert (paired.n, paired.ploidy) == (60, 2) and "60 diploid individuals" in said
    two = tmp_path / "two.txt"
    part = "//\nsegsites: 2\npositions: 0.25 0.5\n01\n10\n11\n\n"
    two.write_text("ms 3 2 -t 5 -r 4 2000\n1 2 3\n\n" + part + part.replace("01", "00"))
    cohort, said = read(two)
    assert cohort.calls.tolist() == [[0, 1], [1, 0], [1, 1]] and cohort.variant_position.tolist() == [500, 1000]
    assert "first of 2 replicates" in said
    assert "3 haplotypes, which make no pairs" in refusal(two, haplotypes="pair")


# Refused by name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("09-23andme/genome_1.txt", ("one person", "merge")),
        ("09-23andme/AncestryDNA.txt", ("one person", "merge")),
        ("36-binary-formats/x.bgen", ("BGEN", "--make-bed")),
        ("36-binary-formats/x.pgen", ("pgen", "--make-bed")),
        ("36-binary-formats/x.gds", ("GDS", "seqGDS2VCF")),
        ("36-binary-formats/x.rds", ("R object", "CSV")),
        ("36-binary-formats/x.h5", ("HDF5", "VCF")),
        ("36-binary-formats/three.npz", ("ploidy 1 or 2",)),
        ("37-structure-genepop/one_row.str", ("STRUCTURE", "PGDSpider")),
        ("37-structure-genepop/two_row.str", ("STRUCTURE", "PGDSpider")),
        ("37-structure-genepop/gp.txt", ("genepop", "PGDSpider")),
        ("45-polyploid/tetra.csv", ("ploidy 1 or 2",)),
        ("23-allel-npz/c.npz", ("Python objects",)),
    ],
)
def test_refused_by_name(case: Case, name: str, words: tuple[str, ...], home: Path) -> None:
    message = refusal(case(name))
    assert all(word in message for word in words), message


def test_other_spellings_of_the_same_are_refused_too(case: Case, tmp_path: Path, home: Path) -> None:
    for name in ("one_row", "two_row"):
        path = tmp_path / f"{name}.txt"
        path.write_bytes(case(f"37-structure-genepop/{name}.str").read_bytes())
        assert "STRUCTURE" in refusal(path)
    likelihoods = "marker\tallele1\tallele2\tInd0\tInd0\tInd0\n1_5\t0\t1\t0.3\t0.3\t0.3\n"
    assert "ANGSD" in refusal(*write(tmp_path, x__beagle=likelihoods))
    personal = '"RSID","CHROMOSOME","POSITION","RESULT"\n"rs1","1","5","AA"\n"rs2","1","9","AC"\n'
    assert "one person" in refusal(*write(tmp_path, myheritage__csv=personal))
    store = tmp_path / "x.zarr"
    store.mkdir()
    assert "vcztools" in refusal(store)


# VCF


@pytest.mark.parametrize("name", ["slim_msprime", "slim_int_alt", "slim_empty_ref", "continuous"])
def test_alleles_of_simulators_are_kept(case: Case, name: str, home: Path) -> None:
    path = case(f"18-slim-vcf/{name}.vcf")
    rows = [line.split("\t") for line in path.read_text().splitlines() if not line.startswith("#")]
    rows = [row for row in rows if "," not in row[4]]
    cohort, _ = read(path)
    assert cohort.m == len(rows)
    np.testing.assert_array_equal(cohort.calls.T, [[cell.count("1") for cell in row[9:]] for row in rows])
    assert cohort.variant_allele.tolist() == [[row[3].replace(".", ""), row[4]] for row in rows]


@pytest.mark.parametrize(("name", "m"), [("sv.vcf", 80), ("sv_mixed.vcf", 80)])
def test_structural_alleles_are_kept_on_request(case: Case, name: str, m: int, home: Path) -> None:
    path = case(f"21-structural/{name}")
    cohort, _ = read(path, symbolic="keep")
    np.testing.assert_array_equal(cohort.calls, oracle(path)[2])
    assert cohort.m == m and "<DEL>" in cohort.variant_allele
    if name == "sv.vcf":
        assert "--symbolic keep" in refusal(path)
    else:
        assert "40 symbolic allele" in read(path)[1] and "symbolic=keep" in read(path)[1]


def test_a_gvcf_names_the_option_that_splits(case: Case, home: Path) -> None:
    path = case("21-structural/gvcf.vcf")
    assert "--multiallelic split" in refusal(path)
    np.testing.assert_array_equal(read(path, multiallelic="split")[0].calls, oracle(path)[2])
    assert read(path, multiallelic="split", symbolic="keep")[0].m == 80


def test_what_is_symbolic_is_judged_by_form(tmp_path: Path, home: Path) -> None:
    alleles = ["7", "<INV>", "*", "G]17:198982]", "]13:123456]T", ".TC", "AC.", "<*>", "n", "ACGTX"]
    records = "".join(f"1\t{10 * i + 10}\t.\tA\t{one}\t.\t.\t.\tGT\t0/1\t1/1\n" for i, one in enumerate(alleles))
    (path,) = write(tmp_path, x__vcf=VCF.format("1", "a\tb") + records)
    assert read(path)[0].variant_allele[:, 1].tolist() == ["7", "n", "ACGTX"]
    assert read(path, symbolic="keep")[0].variant_allele[:, 1].tolist() == ["7", "<INV>", "n", "ACGTX"]


@pytest.mark.parametrize("name", ["ds.vcf", "ds_gtmissing.vcf"])
def test_dosages_without_genotypes(case: Case, name: str, home: Path) -> None:
    path = case(f"22-ds-only/{name}")
    rows = [line.split("\t") for line in path.read_text().splitlines() if not line.startswith("#")]
    dosages = np.array([[float(cell.split(":")[-1]) for cell in row[9:]] for row in rows])
    cohort, said = read(path)
    np.testing.assert_array_equal(cohort.calls.T, np.rint(dosages))
    rounded = int((np.abs(dosages - np.rint(dosages)) > 1e-6).sum())
    assert "80 variants have no genotypes" in said
    assert (f"{rounded:,} dosages were rounded" in said) == (rounded > 0)
    agrees(cohort, case("23-allel-npz/c.vcf"))


def test_probabilities_of_a_vcf(tmp_path: Path, home: Path) -> None:
    header = VCF.format("1", "a\tb\tc").replace("#CHROM", "##FORMAT=<ID=GP,Number=G,Type=Float,Description=P>\n#CHROM")
    alone = "1\t10\t.\tA\tC\t.\t.\t.\tGP\t0.9,0.1,0\t0,0.2,0.8\t.\n"
    records = alone + "1\t20\t.\tA\tC\t.\t.\t.\tGT:GP\t0/1:0,1,0\t1/1:0,0,1\t./.:.\n"
    cohort, said = read(*write(tmp_path, x__vcf=header + records))
    assert cohort.calls.tolist() == [[0, 1], [2, 2], [-1, -1]]
    assert "1 variants have no genotypes" in said and "2 dosages were rounded" in said
    likelihoods = header.replace("GP,", "PL,") + alone.replace("GP", "PL")
    assert "no GT field" in refusal(*write(tmp_path, y__vcf=likelihoods))


def test_dosages_of_the_calls_without_a_genotype(case: Case, tmp_path: Path, home: Path) -> None:
    path = case("22-ds-only/ds_gtmissing.vcf")
    rows = [line.split("\t") for line in path.read_text().splitlines() if not line.startswith("#")]
    dosages = np.array([[float(cell.split(":")[-1]) for cell in row[9:]] for row in rows])
    known = RNG.random(dosages.shape) < 0.7
    known[:, 0] = True
    genotypes = RNG.integers(0, 3, dosages.shape)  # of others than the dosages say: a genotype goes first
    lines = [line for line in path.read_text().splitlines() if line.startswith("#")]
    for i, row in enumerate(rows):
        cells = [
            f"{['0/0', '0/1', '1|1'][g] if k else './.'}:{d}"
            for g, k, d in zip(genotypes[i], known[i], dosages[i], strict=True)
        ]
        lines.append("\t".join([*row[:9], *cells]))
    cohort, said = read(*write(tmp_path, x__vcf="\n".join([*lines, ""])))
    np.testing.assert_array_equal(cohort.calls.T, np.where(known, genotypes, np.rint(dosages)))
    assert f"{(~known).sum():,} calls have no genotype" in said and "variants have no genotypes" not in said


def test_dosages_of_half_split_and_haploid_calls(tmp_path: Path, home: Path) -> None:
    fields = "".join(f"##FORMAT=<ID={k},Number={n},Type=Float,Description=D>\n" for k, n in (("DS", "A"), ("GP", "G")))
    header = VCF.format("1", "a\tb\tc").replace("#CHROM", f"{fields}#CHROM")
    records = [
        "1\t10\tr1\tA\tC\t.\t.\t.\tGT:DS\t0/.:1.2\t./.:.\t0/1:2",
        "1\t20\tr2\tA\tC,G\t.\t.\t.\tGT:DS\t./.:0.1,1.55\t1/2:0,0\t0/0:2,2",
        "1\t30\tr3\tA\tC\t.\t.\t.\tGT:DS\t1:1\t.:1\t./.:1.9",
        "1\t40\tr4\tA\tC\t.\t.\t.\tGT:GP\t./.:0,0.3,0.7\t0/1:1,0,0\t./.:.",
    ]
    (path,) = write(tmp_path, x__vcf=header + "\n".join([*records, ""]))
    cohort, said = read(path, multiallelic="split")
    assert dict(zip(cohort.variant_id.tolist(), cohort.calls.T.tolist(), strict=True)) == {
        "r1": [1, -1, 1], "r2:C": [0, 1, 0], "r2:G": [2, 1, 0], "r3": [-1, -1, 2], "r4": [2, 1, -1],
    }  # fmt: skip
    assert "5 calls have no genotype" in said and "5 dosages were rounded" in said and "half" not in said
    wild = header + records[0].replace("1.2", "3.5") + "\n" + records[3] + "\n"
    assert "a dosage of 3.5 at 1:10" in refusal(*write(tmp_path, y__vcf=wild))


def test_a_half_call_at_a_split_site_counts_once(case: Case, home: Path) -> None:
    cohort, said = read(case("44-multiallelic/m.vcf"), multiallelic="split")
    assert "2 half calls" in said
    ids = cohort.variant_id.tolist()
    assert cohort.calls[:, ids.index("rs1:C")].tolist() == [1, 1, 0, -1]
    assert cohort.calls[:, ids.index("rs1:G")].tolist() == [0, 1, 2, -1]
    assert "3 multi-allelic" in refusal(case("44-multiallelic/m.vcf"))


# Optional libraries


def test_pgen(tmp_path: Path, home: Path) -> None:
    pgenlib = pytest.importorskip("pgenlib", reason="pgenlib is an extra")
    counts = np.random.default_rng(0).integers(-1, 3, (7, 5)).astype(np.int8)
    writer = pgenlib.PgenWriter(str(tmp_path / "x.pgen").encode(), 7, variant_ct=5, nonref_flags=False)
    for row in counts.T:
        writer.append_biallelic(np.where(row < 0, -9, row).astype(np.int8))
    writer.close()
    pvar = "#CHROM\tPOS\tID\tREF\tALT\n" + "".join(f"1\t{j + 1}\tr{j}\tA\tC\n" for j in range(5))
    psam = "#FID\tIID\tSEX\tpop\n" + "".join(f"f\tS{i}\t{i % 2 + 1}\t{'AB'[i % 2]}\n" for i in range(7))
    write(tmp_path, x__pvar=pvar, x__psam=psam)
    cohort, _ = read(tmp_path / "x.pgen")
    np.testing.assert_array_equal(cohort.calls, counts)
    assert cohort.sample_id[0] == "S0" and list(cohort.labels) == ["pop", "SEX"]
    assert cohort.variant_allele[0].tolist() == ["A", "C"]


def test_bgen(tmp_path: Path, home: Path) -> None:
    bgen = pytest.importorskip("bgen", reason="bgen is an extra")
    counts = np.random.default_rng(0).integers(0, 3, (7, 5))
    with bgen.BgenWriter(str(tmp_path / "x.bgen"), n_samples=7, samples=[f"S{i}" for i in range(7)]) as writer:
        for j, row in enumerate(counts.T):
            writer.add_variant(
                varid=f"v{j}", rsid=f"r{j}", chrom="1", pos=j + 1, alleles=["A", "C"], genotypes=np.eye(3)[row]
            )
    cohort, said = read(tmp_path / "x.bgen")
    np.testing.assert_array_equal(cohort.calls, counts)
    assert cohort.sample_id[0] == "S0" and "0.9 or more" in said


def test_the_page_of_formats_is_what_the_registry_says() -> None:
    """Made again with `python -m core formats --markdown > docs/formats.md`."""
    page = Path(__file__).parents[3] / "docs" / "formats.md"
    assert page.read_text(encoding="utf-8") == markdown()


def test_alleles_in_cells_of_their_own_are_no_genotypes(tmp_path: Path, home: Path) -> None:
    (ped,) = write(tmp_path, people__txt=PED)
    assert "people.txt came without its .map file" in refusal(ped)
    (tped,) = write(tmp_path, sites__txt="1 rs1 0 100 A A A T T T\n2 rs2 0 200 C G C C 0 C\n")
    assert "came without its .tfam file" in refusal(tped)
    rows = [[letter for _ in range(4) for letter in RNG.choice(["A", "G"], 2)] for _ in range(30)]
    cells = "".join(",".join([f"s{i}", *row]) + "\n" for i, row in enumerate(rows))
    assert "two columns a genotype" in refusal(*write(tmp_path, bare__csv=cells))
    named = ",".join(["id", *(f"rs{j}_{k}" for j in range(4) for k in (1, 2))]) + "\n"
    assert "two columns a genotype" in refusal(*write(tmp_path, named__csv=named + cells))


def test_numbered_alleles_in_pairs(tmp_path: Path, home: Path) -> None:
    text = "id,rs1,rs2,rs3\na,1/1,1/2,0/0\nb,1/2,1/1,1/2\nc,1/1,1/1,1/1\n"
    cohort, _ = read(*write(tmp_path, x__csv=text))
    assert cohort.calls.tolist() == [[0, 1, -1], [1, 0, 1], [0, 0, 0]]
    assert cohort.variant_allele.tolist() == [["1", "2"]] * 3


def test_letters_of_a_cross(tmp_path: Path, home: Path) -> None:
    text = "id,m1,m2,m3,m4\nx,A,H,B,-\ny,H,A,B,A\nz,B,B,A,H\n"
    cohort, said = read(*write(tmp_path, x__csv=text))
    assert cohort.calls.tolist() == [[0, 1, 2, -1], [1, 0, 2, 0], [2, 2, 0, 1]] and "B is counted" in said
