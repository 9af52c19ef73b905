"""Each reader against an independent one (cyvcf2, bed-reader, scikit-allel, plain numpy) and hand-written answers."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest

from core.data import export
from core.data.genotype_counts import genotype_counts
from core.data.genotypes import Genotypes, from_calls
from core.data.intake.cohort_options import CohortOptions
from core.data.intake.importing import import_file, preview, read_file
from core.data.intake.inbox import UserFile
from core.data.library import Library
from core.errors import InputError
from tests.data.intake.hostile import COLUMNS, HEADER, RECORDS, record

pytestmark = pytest.mark.usefixtures("in_process")

CALLS = np.array([[0, 1, 2, -1], [1, 1, 0, 0], [2, 0, 0, 1]], dtype=np.int8)


@pytest.fixture
def cohort() -> Genotypes:
    """3 × 4 with everything that a file can say."""
    return from_calls(
        CALLS,
        sample_id=np.array(["a", "b", "c"]),
        variant_id=np.array(["rs1", "rs2", "rs3", "rs4"]),
        variant_contig=np.array(["1", "1", "2", "2"]),
        variant_position=np.array([5, 90, 7, 8], dtype=np.int64),
        variant_allele=np.array([["A", "C"], ["G", "T"], ["AT", "A"], ["C", "G"]]),
        labels={"pop": np.array(["GBR", "YRI", ""]), "gender": np.array(["male", "female", "male"])},
        phenotypes={"height": np.array([1.5, np.nan, -2.25]), "case": np.array([0.0, 1.0, 1.0])},
    )


def same(left: Genotypes, right: Genotypes, tables: bool = True) -> None:
    """Equal in every array."""
    np.testing.assert_array_equal(left.calls, right.calls)
    for name in ("sample_id", "variant_id", "variant_contig", "variant_position", "variant_allele"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name), err_msg=name)
    assert left.ploidy == right.ploidy
    if tables:
        assert list(left.labels) == list(right.labels)
        assert list(left.phenotypes) == list(right.phenotypes)
        for name, values in left.labels.items():
            np.testing.assert_array_equal(values, right.labels[name], err_msg=name)
        for name, numbers in left.phenotypes.items():
            np.testing.assert_array_equal(numbers, right.phenotypes[name], err_msg=name)


# Round trips


def test_npz_round_trip_keeps_everything(cohort: Genotypes, tmp_path: Path, home: Path) -> None:
    export.write(cohort, tmp_path / "x.npz")
    same(cohort, read_file([tmp_path / "x.npz"]).population)


@pytest.mark.parametrize("ending", [".vcf.gz", ".bed"])
def test_round_trip_with_the_sample_table(ending: str, cohort: Genotypes, tmp_path: Path, home: Path) -> None:
    written = export.write(cohort, tmp_path / f"x{ending}")
    assert written[-1].name == "x.samples.tsv"
    same(cohort, read_file([written[0]], samples=written[-1]).population)


def test_csv_round_trip_keeps_calls_labels_and_phenotypes(cohort: Genotypes, tmp_path: Path, home: Path) -> None:
    export.write(cohort, tmp_path / "x.csv")
    back = read_file([tmp_path / "x.csv"]).population
    np.testing.assert_array_equal(back.calls, cohort.calls)
    assert back.variant_id.tolist() == cohort.variant_id.tolist()
    assert {k: v.tolist() for k, v in back.labels.items()} == {k: v.tolist() for k, v in cohort.labels.items()}
    np.testing.assert_array_equal(back.phenotypes["height"], cohort.phenotypes["height"])
    np.testing.assert_array_equal(back.phenotypes["case"], cohort.phenotypes["case"])


def test_csv_takes_the_teeth_from_formulas(tmp_path: Path, home: Path) -> None:
    odd = from_calls([[0, 1], [2, 1]], sample_id=np.array(["=cmd()", "-x, y"]))
    export.write(odd, tmp_path / "x.csv")
    assert "\n'=cmd()," in (tmp_path / "x.csv").read_text()
    assert read_file([tmp_path / "x.csv"]).population.sample_id.tolist() == ["=cmd()", "-x, y"]


@pytest.mark.parametrize("ending", [".npz", ".vcf.gz"])
def test_haploid_round_trip(ending: str, tmp_path: Path, home: Path) -> None:
    haploid = from_calls([[0, 1, -1], [1, 1, 0]], ploidy=1)
    export.write(haploid, tmp_path / f"x{ending}")
    back = read_file([tmp_path / f"x{ending}"]).population
    assert back.ploidy == 1
    np.testing.assert_array_equal(back.calls, haploid.calls)


def test_export_refuses_what_it_cannot_write(cohort: Genotypes, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.npz, \.csv"):
        export.write(cohort, tmp_path / "x.h5")
    with pytest.raises(InputError, match="haploid"):
        export.write(from_calls([[0, 1], [1, 1]], ploidy=1), tmp_path / "x.bed")
    assert not list(tmp_path.iterdir())


TOLD = {"model": "WGAN-GP", "run": "abc", "note": 'says "yes"\nand more'}
TOLD_LINES = ['##popscape=<ID=model,Value="WGAN-GP">', '##popscape=<ID=run,Value="abc">']


@pytest.mark.parametrize("ending", [".npz", ".csv", ".vcf.gz", ".bed"])
def test_the_header_says_where_the_individuals_come_from(
    ending: str, cohort: Genotypes, tmp_path: Path, home: Path
) -> None:
    written = export.write(cohort, tmp_path / f"x{ending}", TOLD)
    if ending == ".npz":
        text = str(np.load(written[0], allow_pickle=False)["provenance"])
    elif ending == ".vcf.gz":
        text = gzip.decompress(written[0].read_bytes()).decode()
        assert text.startswith("##fileformat=VCF")
    else:
        text = written[-1].read_text()
    lines = text.splitlines()
    assert [line for line in lines if line.startswith("##source=Popscape ")]
    assert set(TOLD_LINES) <= set(lines)
    assert """##popscape=<ID=note,Value="says 'yes' and more">""" in lines
    samples = written[-1] if ending in (".vcf.gz", ".bed") else None
    back = read_file([written[0]], samples=samples).population
    same(cohort, back) if ending != ".csv" else np.testing.assert_array_equal(back.calls, cohort.calls)


def test_a_csv_with_provenance_names_places_and_alleles(cohort: Genotypes, tmp_path: Path) -> None:
    export.write(cohort, tmp_path / "x.csv", TOLD)
    rows = [line.split(",") for line in (tmp_path / "x.csv").read_text().splitlines()]
    named = {row[0]: row[5:] for row in rows if row[0] in ("##contig", "##position", "##reference", "##alternate")}
    assert named["##contig"] == ["1", "1", "2", "2"] and named["##position"] == ["5", "90", "7", "8"]
    assert named["##alternate"] == ["C", "T", "A", "G"]
    header = next(row for row in rows if row[0] == "sample_id")
    assert header[5:] == ["rs1", "rs2", "rs3", "rs4"]


# VCF and BCF


def test_vcf_equals_cyvcf2_and_scikit_allel(shared: Path, home: Path) -> None:
    import allel

    path = shared / "data/human-1kg-chr1/example.vcf.gz"
    ours = read_file([path])
    theirs = allel.read_vcf(str(path), fields=["GT", "POS", "ALT", "samples", "ID"], alt_number=8)
    single = (theirs["variants/ALT"] != "").sum(axis=1) == 1
    usable = single & ~np.char.startswith(theirs["variants/ALT"][:, 0].astype(str), "<")
    expected = allel.GenotypeArray(theirs["calldata/GT"]).to_n_alt()[usable].T
    np.testing.assert_array_equal(ours.population.calls, expected)
    np.testing.assert_array_equal(ours.population.variant_position, theirs["variants/POS"][usable])
    np.testing.assert_array_equal(ours.population.sample_id, theirs["samples"])
    assert sum(ours.dropped.values()) == int((~usable).sum())


def test_bcf_equals_its_vcf(cohort: Genotypes, tmp_path: Path, home: Path) -> None:
    from cyvcf2 import VCF, Writer

    export.write(cohort, tmp_path / "x.vcf.gz")
    source = VCF(str(tmp_path / "x.vcf.gz"))
    writer = Writer(str(tmp_path / "x.bcf"), source, mode="wb")
    for line in source:
        writer.write_record(line)
    writer.close()
    same(cohort, read_file([tmp_path / "x.bcf"]).population, tables=False)


def _vcf(folder: Path, *records: str) -> Path:
    path = folder / "x.vcf"
    path.write_text(HEADER + COLUMNS + RECORDS + "".join(records))
    return path


def test_multiallelic_split_counts_each_alternate_allele(tmp_path: Path, home: Path) -> None:
    path = _vcf(tmp_path, record(30, "A", "C,G,<DEL>", "1/2", "0|3", "2/2"))
    split = read_file([path], options=CohortOptions(multiallelic="split"))
    assert split.population.variant_id.tolist() == ["rs10", "rs20", "rs30:C", "rs30:G"]
    np.testing.assert_array_equal(split.population.calls[:, 2:], [[1, 1], [0, 0], [0, 2]])
    assert split.dropped == {"symbolic allele": 1}


def test_half_and_haploid_calls_are_missing_or_homozygous(tmp_path: Path, home: Path) -> None:
    path = _vcf(tmp_path, record(30, "A", "C", "./1", "1", "1|1"), record(40, "A", "C", "0", ".", "0|1"))
    missing = read_file([path]).population.calls[:, 2:]
    np.testing.assert_array_equal(missing, [[-1, -1], [-1, -1], [2, 1]])
    homozygous = read_file([path], options=CohortOptions(haploid_calls="homozygous")).population.calls[:, 2:]
    np.testing.assert_array_equal(homozygous, [[-1, 0], [2, -1], [2, 1]])


def test_haploid_records_leave_a_diploid_file_and_make_a_haploid_one(tmp_path: Path, home: Path) -> None:
    mixed = read_file([_vcf(tmp_path, record(30, "A", "C", "0", "1", "."))])
    assert (mixed.population.m, mixed.dropped) == (2, {"haploid record": 1})
    path = tmp_path / "y.vcf"
    path.write_text(HEADER + COLUMNS + record(5, "A", "C", "0", "1", ".") + record(6, "A", "C", "1", "1", "0"))
    haploid = read_file([path]).population
    assert haploid.ploidy == 1
    np.testing.assert_array_equal(haploid.calls, [[0, 1], [1, 1], [-1, 0]])


def test_msprime_vcf(tmp_path: Path, home: Path) -> None:
    import msprime

    trees = msprime.sim_ancestry(6, sequence_length=20_000, recombination_rate=1e-8, population_size=1e4, random_seed=1)
    mutated = msprime.sim_mutations(trees, rate=2e-8, model=msprime.BinaryMutationModel(), random_seed=1)
    with (tmp_path / "x.vcf").open("w") as file:
        mutated.write_vcf(file, allow_position_zero=True)
    back = read_file([tmp_path / "x.vcf"]).population
    expected = mutated.genotype_matrix().reshape(mutated.num_sites, 6, 2).sum(axis=2).T
    np.testing.assert_array_equal(back.calls, expected)


# PLINK


def test_plink_equals_bed_reader(shared: Path, home: Path) -> None:
    from bed_reader import open_bed

    path = shared / "data/plink-517x4542/example.bed"
    theirs = open_bed(str(path))
    ours = read_file([path]).population
    np.testing.assert_array_equal(ours.calls, theirs.read(dtype="int8"))
    np.testing.assert_array_equal(ours.variant_position, theirs.bp_position)
    np.testing.assert_array_equal(ours.variant_allele[:, 1], theirs.allele_1)
    np.testing.assert_array_equal(ours.labels["family"], theirs.fid)
    np.testing.assert_array_equal(ours.phenotypes["phenotype"], theirs.pheno.astype(float) - 1)


def test_plink_bytes_known_by_hand(tmp_path: Path, home: Path) -> None:
    # Two bits a call, first individual lowest: 00 two of allele 1, 01 missing, 10 one, 11 none (PLINK 1.9 manual).
    (tmp_path / "x.fam").write_text("F i0 0 0 1 1\nF i1 0 0 2 2\nG i2 0 0 0 -9\nG i3 0 0 1 1\nG i4 0 0 1 2\n")
    (tmp_path / "x.bim").write_text("0 s1 0 0 0 G\n7 . 0 44 A G\n")
    (tmp_path / "x.bed").write_bytes(bytes([0x6C, 0x1B, 1, 0b11100100, 0b00000011, 0b00000000, 0b00000010]))
    read = read_file([tmp_path / "x.fam"]).population
    np.testing.assert_array_equal(read.calls, [[2, 2], [-1, 2], [1, 2], [0, 2], [0, 1]])
    assert read.variant_id.tolist() == ["s1", "7:44:G:A"]
    assert read.variant_contig.tolist() == ["", "7"]
    assert read.variant_allele.tolist() == [["G", ""], ["G", "A"]]
    assert {k: v.tolist() for k, v in read.labels.items()} == {
        "family": ["F", "F", "G", "G", "G"],
        "sex": ["male", "female", "", "male", "male"],
    }
    np.testing.assert_array_equal(read.phenotypes["phenotype"], [0, 1, np.nan, 0, 1])


def test_plink_uploaded_under_neutral_names_and_zipped(cohort: Genotypes, tmp_path: Path, home: Path) -> None:
    written = export.write(cohort, tmp_path / "x.bed")[:3]
    given = []
    for number, (path, name) in enumerate(zip(written, ["A.bed", "B.bim", "C.fam"], strict=True)):
        given.append(UserFile(name, tmp_path / str(number), path.stat().st_size))
        given[-1].path.write_bytes(path.read_bytes())
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for path in written:
            archive.write(path, f"folder/{path.name}")
    for path in written:
        path.unlink()
    same(cohort, read_file(given).population, tables=False)
    same(cohort, read_file([tmp_path / "x.zip"]).population, tables=False)


# Text


def _text(folder: Path, content: str, name: str = "x.csv") -> Path:
    path = folder / name
    path.write_text(content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        "id,v1,v2,v3\na,0,1,NA\nb,2,1,0\n",
        "id\tv1\tv2\tv3\na\t0\t1\t\nb\t2\t1\t0\n",
        "v1 v2 v3\na 0 1 NA\nb 2 1 0\n",
        "sample;v1;v2;v3\na;0/0;0|1;./.\nb;1/1;1/0;0/0\n",
        "FID IID PAT MAT SEX PHENOTYPE v1 v2 v3\nf a 0 0 1 -9 0 1 NA\ng b 0 0 2 -9 2 1 0\n",
        '"","v1","v2","v3"\n"a",0,1,-9\n"b",2,1,0\n',
        "snp,a,b\nv1,0,2\nv2,1,1\nv3,.,0\n",
        "chrom pos id a b\n1 5 v1 0 2\n1 6 v2 1 1\n1 7 v3 -1 0\n",
        "## a comment\nid,v1,v2,v3\n\na,0.0,1.0,nan\nb,2.0,1.0,0.0\n",
    ],
)
def test_text_in_many_guises_is_one_matrix(content: str, tmp_path: Path, home: Path) -> None:
    read = read_file([_text(tmp_path, content)]).population
    assert read.sample_id.tolist() == ["a", "b"]
    assert read.variant_id.tolist() == ["v1", "v2", "v3"]
    np.testing.assert_array_equal(read.calls, [[0, 1, -1], [2, 1, 0]])
    assert read.ploidy == 2


def test_text_leading_columns_become_labels_and_variant_columns(tmp_path: Path, home: Path) -> None:
    rows = read_file(
        [_text(tmp_path, "sample,population,sex,v1,v2\na,GBR,1,0,1\nb,GBR,2,2,1\nc,YRI,1,1,1\n")]
    ).population
    assert rows.labels["population"].tolist() == ["GBR", "GBR", "YRI"]
    assert rows.labels["sex"].tolist() == ["male", "female", "male"]
    path = _text(
        tmp_path, "rs#\tchr\tposition\tref\talt\ta\tb\nv1\t3\t500\tA\tC\t0\t1\nv2\t3\t600\tG\tT\t2\t2\n", "y.txt"
    )
    turned = read_file([path]).population
    np.testing.assert_array_equal(turned.calls, [[0, 2], [1, 2]])
    assert turned.variant_position.tolist() == [500, 600]
    assert turned.variant_allele.tolist() == [["A", "C"], ["G", "T"]]


def test_text_orientation_follows_the_option_and_the_sample_table(tmp_path: Path, home: Path) -> None:
    path = _text(tmp_path, "name,x1,x2\ny1,0,1\ny2,2,1\ny3,1,0\n")
    assert read_file([path]).population.calls.shape == (3, 2)
    turned = read_file([path], options=CohortOptions(orientation="samples_in_columns")).population
    assert turned.sample_id.tolist() == ["x1", "x2"]
    table = _text(tmp_path, "sample,pop\nx1,GBR\nx2,YRI\n", "samples.csv")
    assert read_file([path], samples=table).population.labels["pop"].tolist() == ["GBR", "YRI"]


def test_maize_text_equals_its_npz(shared: Path, home: Path) -> None:
    folder = shared / "data/maize-281x3093"
    text = read_file([folder / "mdp_numeric.txt"]).population
    with np.load(folder / "maize282_281x3093.npz") as archive:
        np.testing.assert_array_equal(text.calls, archive["X"])
        np.testing.assert_array_equal(text.sample_id, archive["ids"])
        np.testing.assert_array_equal(text.variant_id, archive["snp"])


# NumPy


def test_npz_of_the_field(shared: Path, home: Path) -> None:
    path = shared / "data/mice-1814x10346/mice_1814x10346.npz"
    mice = read_file([path]).population
    with np.load(path) as archive:
        np.testing.assert_array_equal(mice.calls, archive["X"])
        np.testing.assert_array_equal(mice.labels["coat"], archive["coat"])
        np.testing.assert_allclose(mice.variant_position[1:], archive["mbp"][1:] * 1e6, atol=1)
        assert list(mice.phenotypes) == archive["pheno_names"].tolist()
        np.testing.assert_array_equal(mice.phenotypes["Obesity.BMI"], archive["pheno"][:, 0])
    assert list(mice.labels) == ["coat", "sex", "cage"]


@pytest.mark.parametrize(
    ("arrays", "shape"),
    [
        ({"X": CALLS.T, "ids": np.array(["a", "b", "c"])}, (3, 4)),
        ({"genotypes": CALLS, "snp": np.array(list("wxyz"))}, (3, 4)),
        ({"G": CALLS.T, "pos": np.arange(1, 5)}, (3, 4)),
        ({"call_genotype": np.stack([CALLS.T > 0, CALLS.T > 1], axis=2).astype(np.int8)}, (3, 4)),
        ({"anything": CALLS.astype(float), "note": np.array("hello")}, (3, 4)),
    ],
)
def test_npz_axes_are_found_by_their_ids(
    arrays: dict[str, np.ndarray], shape: tuple[int, int], tmp_path: Path, home: Path
) -> None:
    np.savez(tmp_path / "x.npz", **arrays)
    read = read_file([tmp_path / "x.npz"]).population
    assert read.calls.shape == shape
    known = CALLS >= 0
    np.testing.assert_array_equal(read.calls[known], CALLS[known])


# Haplotypes


def test_hapt_of_1000_genomes(shared: Path, home: Path) -> None:
    folder = shared / "data/human-1kg-805snp"
    with zipfile.ZipFile(folder / "805_SNP_1000G_real.hapt.zip") as archive:
        table = [line.split() for line in archive.read(archive.namelist()[0]).decode().splitlines()]
    haplotypes = np.array([row[2:] for row in table]).astype(np.int8)
    paired = read_file([folder / "805_SNP_1000G_real.hapt.zip"])
    np.testing.assert_array_equal(paired.population.calls, haplotypes[::2] + haplotypes[1::2])
    assert paired.population.sample_id.tolist() == [row[1][:-2] for row in table[::2]]
    assert paired.population.variant_position[0] == 1243896
    assert paired.population.variant_contig[0] == "1"
    kept = read_file([folder / "805_SNP_1000G_real.hapt.zip"], options=CohortOptions(haplotypes="keep")).population
    assert kept.ploidy == 1
    np.testing.assert_array_equal(kept.calls, haplotypes)


def test_impute_and_shapeit_haplotypes(tmp_path: Path, home: Path) -> None:
    (tmp_path / "x.hap").write_text("0 1 1 1\n0 0 0 1\n1 1 0 0\n")
    (tmp_path / "x.legend").write_text("id position a0 a1\nv1 10 A C\nv2 20 G T\nv3 30 A G\n")
    (tmp_path / "x.sample").write_text("ID_1 ID_2 missing\n0 0 0\na a 0\nb b 0\n")
    expected = [[1, 0, 2], [2, 1, 0]]
    given = read_file([tmp_path / "x.hap", tmp_path / "x.legend", tmp_path / "x.sample"]).population
    np.testing.assert_array_equal(given.calls, expected)
    assert given.sample_id.tolist() == ["a", "b"]
    assert given.variant_position.tolist() == [10, 20, 30]
    beside = read_file([tmp_path / "x.hap"])
    assert beside.population.variant_id.tolist() == ["v1", "v2", "v3"]
    (tmp_path / "y.haps").write_text("4 v1 10 A C 0 1 1 1\n4 v2 20 G T 0 0 0 1\n4 v3 30 A G 1 1 0 0\n")
    shapeit = read_file([tmp_path / "y.haps"]).population
    np.testing.assert_array_equal(shapeit.calls, expected)
    assert shapeit.variant_contig.tolist() == ["4", "4", "4"]


def test_legend_beside_is_used_only_if_it_is_the_only_one_and_fits(tmp_path: Path, home: Path) -> None:
    path = _text(tmp_path, "R a_A 0 1 0\nR a_B 0 1 1\nR b_A 0 1 1\nR b_B 1 1 1\n", "x.hapt")
    (tmp_path / "short.legend").write_text("id position a0 a1\nv1 10 A C\n")
    short = read_file([path])
    assert not short.population.has_positions
    assert any("was not used" in note for note in short.notes)
    (tmp_path / "fits.legend").write_text("id position a0 a1\n1:10 10 A C\n1:20 20 A C\n1:30 30 A C\n")
    assert not read_file([path]).population.has_positions
    chosen = read_file([path], variants=tmp_path / "fits.legend").population
    assert chosen.variant_position.tolist() == [10, 20, 30]


def test_synthetic_haplotypes_without_partners_pair_in_order(tmp_path: Path, home: Path) -> None:
    path = _text(tmp_path, "GAN AG0 0 1 0\nGAN AG1 0 1 1\nGAN AG2 1 1 1\nGAN AG3 1 0 1\n", "x.hapt")
    read = read_file([path])
    np.testing.assert_array_equal(read.population.calls, [[0, 2, 1], [2, 1, 2]])
    assert any("in the order of the file" in note for note in read.notes)


# The library, previews


def test_the_real_files_of_the_issue(shared: Path, home: Path) -> None:
    data, library = shared / "data", Library()
    panel = data / "human-1kg-chr1/integrated_call_samples_v3.20130502.ALL.panel"
    vcf = import_file([data / "human-1kg-chr1/example.vcf.gz"], samples=panel, library=library)
    assert (vcf.cohort.individuals, vcf.cohort.variants, list(vcf.labels)[:2]) == (2504, 4294, ["pop", "super_pop"])
    assert [len(values) for values in vcf.labels.values()] == [26, 5, 2]
    assert vcf.dropped == {"symbolic allele": 2}
    again = import_file([data / "human-1kg-chr1/example.vcf.gz"], samples=panel, library=library)
    assert again == vcf
    assert len([meta for meta in library.list() if not meta.embedded]) == 1


@pytest.mark.parametrize(
    ("content", "name", "format", "orientation"),
    [
        ("id,v1,v2\na,0,1\nb,2,1\n", "x.csv", "text", "samples_in_rows"),
        ("snp,chr,pos,a,b\nv1,1,5,0,1\nv2,1,9,2,1\n", "x.csv", "text", "samples_in_columns"),
        ("R a_A 0 1\nR a_B 1 1\nR b_A 0 0\nR b_B 0 1\n", "x.hapt", "hapt", "samples_in_rows"),
        (HEADER + COLUMNS + RECORDS, "x.vcf", "vcf", "samples_in_columns"),
    ],
)
def test_preview(content: str, name: str, format: str, orientation: str, tmp_path: Path, home: Path) -> None:  # noqa: PLR0917
    seen = preview([_text(tmp_path, content, name)])
    assert (seen["format"], seen["orientation"]) == (format, orientation)
    assert seen["rows"] and all(isinstance(cell, str) for row in seen["rows"] for cell in row)


def test_preview_of_binary_formats(cohort: Genotypes, tmp_path: Path, home: Path) -> None:
    for ending in (".npz", ".bed"):
        export.write(cohort, tmp_path / f"x{ending}")
        seen = preview([tmp_path / f"x{ending}"])
        assert (seen["individuals"], seen["variants"]) == (3, 4)
        assert seen["rows"][1] == ["a", "0", "1", "2", "."]


def test_gzipped_text(tmp_path: Path, home: Path) -> None:
    (tmp_path / "x.tsv.gz").write_bytes(gzip.compress(b"id\tv1\tv2\na\t0\t1\nb\t2\t1\n"))
    assert genotype_counts(read_file([tmp_path / "x.tsv.gz"]).population.calls, 2).tolist() == [[1, 0, 1], [0, 2, 0]]


def test_a_preview_of_a_small_file_says_all_that_an_import_would(cohort: Genotypes, tmp_path: Path, home: Path) -> None:
    export.write(cohort, tmp_path / "x.csv", TOLD)
    seen, stored = preview([tmp_path / "x.csv"]), read_file([tmp_path / "x.csv"])
    read = seen["read"]
    assert (read["ploidy"], read["phenotypes"]) == (stored.population.ploidy, list(cohort.phenotypes))
    assert list(read["labels"]) == list(stored.population.labels)
    assert set(stored.notes) <= set(seen["notes"])
