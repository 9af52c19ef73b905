"""Files that once gave a wrong number without a word: how their values, alleles, ids and columns are read now.

Files of `cases/genotypes` are held against pandas or against the same cohort in another form; each kind of fault has a
variation of its own beside them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.data import export
from core.data.genotypes import Genotypes, from_calls
from core.data.intake.cohort_options import CohortOptions
from core.data.intake.importing import preview, read_file
from core.errors import InputError
from core.evaluation.harmonise import harmonise

pytestmark = pytest.mark.usefixtures("in_process")

RNG = np.random.default_rng(5)
COUNTS = RNG.binomial(2, RNG.uniform(0.1, 0.6, 30), (40, 30)).astype(np.int8)
MASK = RNG.random(COUNTS.shape) < 0.03


@pytest.fixture
def case(shared: Path) -> Callable[[str], Path]:
    """The path of a file of the cases."""
    return lambda name: shared / "cases" / "genotypes" / name


def read(*files: Path, samples: Path | None = None, variants: Path | None = None, **options: Any) -> Genotypes:
    """What an import gives."""
    result = read_file(files, options=CohortOptions(**options), samples=samples, variants=variants)
    assert isinstance(result.population, Genotypes)
    return result.population


def notes(*files: Path, **options: Any) -> str:
    """The remarks of an import."""
    return " ".join(read_file(files, options=CohortOptions(**options)).notes)


def table(path: Path, values: np.ndarray, **form: Any) -> Path:
    """Write values with ids of individuals and variants."""
    frame = pd.DataFrame(values, [f"S{i}" for i in range(len(values))], [f"rs{j}" for j in range(values.shape[1])])
    frame.to_csv(path, index_label="id", **form)
    return path


# Coding


@pytest.mark.parametrize("name", ["geno.csv", "inbred.csv"])
def test_counts_less_one(case: Callable[[str], Path], name: str, home: Path) -> None:
    path = case(f"01-minus-one-zero-one/{name}")
    cohort = read(path)
    np.testing.assert_array_equal(cohort.calls, pd.read_csv(path, index_col=0).to_numpy() + 1)
    assert cohort.ploidy == 2
    assert "-1, 0, 1" in notes(path)


def test_counts_less_one_as_an_array(case: Callable[[str], Path], home: Path) -> None:
    with np.load(case("01-minus-one-zero-one/geno.npz")) as archive:
        matrix = next(v for v in archive.values() if v.ndim == 2)
    cohort = read(case("01-minus-one-zero-one/geno.npz"))
    assert sorted(cohort.calls.sum(axis=1)) in (sorted((matrix + 1).sum(axis=1)), sorted((matrix + 1).sum(axis=0)))


@pytest.mark.parametrize("name", ["tassel_numeric.txt", "tassel_noheader.txt"])
def test_shares_of_the_major_allele(case: Callable[[str], Path], name: str, home: Path) -> None:
    path = case(f"02-tassel-numeric/{name}")
    frame = pd.read_csv(path, sep="\t", skiprows=int(name == "tassel_numeric.txt"), index_col=0)
    cohort = read(path)
    np.testing.assert_array_equal(cohort.calls, 2 * (1 - frame.to_numpy()))
    assert cohort.ploidy == 2 and (cohort.calls == 1).any()


def test_the_heterozygote_of_dart_is_the_last(case: Callable[[str], Path], home: Path) -> None:
    lines = case("35-dart-one-row/dart_full.csv").read_text().splitlines()
    full = pd.read_csv(case("35-dart-one-row/dart_full.csv"), skiprows=[*range(sum(x.startswith("*") for x in lines))])
    expected = full.iloc[:, 18:].replace({"-": -1}).astype(int).replace({1: 2, 2: 1}).to_numpy().T
    cohort = read(case("35-dart-one-row/dart_full.csv"))
    np.testing.assert_array_equal(cohort.calls, expected)
    assert cohort.variant_allele[0].tolist() == ["A", "G"]
    np.testing.assert_array_equal(read(case("35-dart-one-row/dart_trimmed.csv")).calls, cohort.calls)


def test_two_rows_a_variant_become_one_count(tmp_path: Path, home: Path) -> None:
    frame = pd.DataFrame(np.repeat(COUNTS.T, 2, axis=0), columns=[f"S{i}" for i in range(40)])
    frame.iloc[0::2], frame.iloc[1::2] = (COUNTS.T < 2).astype(np.int8), (COUNTS.T > 0).astype(np.int8)
    frame.insert(0, "CloneID", np.repeat(np.arange(30), 2))
    frame.insert(1, "SNP", ["", "12:A>G"] * 30)
    frame.insert(2, "CallRate", 0.98)
    frame.to_csv(tmp_path / "dart.csv", index=False)
    cohort = read(tmp_path / "dart.csv")
    np.testing.assert_array_equal(cohort.calls, COUNTS)
    assert cohort.variant_allele[0].tolist() == ["A", "G"]


def test_a_variant_table_tells_the_axes_of_a_bare_matrix(tmp_path: Path, home: Path) -> None:
    np.savetxt(tmp_path / "bare.txt", COUNTS.T, fmt="%d")
    np.savetxt(tmp_path / "wide.txt", COUNTS, fmt="%d")
    places = pd.DataFrame({"snp": [f"m{j}" for j in range(30)], "chr": 1, "pos": range(1, 31)})
    places.to_csv(tmp_path / "map.csv", index=False)
    for name in ("bare.txt", "wide.txt"):
        np.testing.assert_array_equal(read(tmp_path / name, variants=tmp_path / "map.csv").calls, COUNTS)


def test_decimal_commas(case: Callable[[str], Path], home: Path) -> None:
    path = case("39-european-csv/eu.csv")
    frame = pd.read_csv(path, sep=";", decimal=",", index_col=0)
    np.testing.assert_array_equal(read(path).calls, np.rint(frame.to_numpy()))


def test_every_rounded_dosage_is_counted(tmp_path: Path, home: Path) -> None:
    dosages = COUNTS.astype(float)
    dosages[:, :7] = np.clip(dosages[:, :7] + RNG.uniform(-0.45, 0.45, (40, 7)), 0, 2).round(3)
    path = table(tmp_path / "dosages.csv", dosages)
    inexact = (dosages != np.rint(dosages)).sum()
    middle = (np.abs(dosages - np.rint(dosages)) >= 0.4).sum()
    assert f"{inexact} dosages were rounded" in notes(path) and f"{middle} of them" in notes(path)
    np.testing.assert_array_equal(read(path).calls, np.rint(dosages))


@pytest.mark.parametrize(
    ("turned", "options"),
    [
        (lambda x: x + 1, {}),
        (lambda x: np.where(MASK, 0, x + 1), {}),
        (lambda x: x - 1, {}),
        (lambda x: 0.98 * x - 0.99, {"coding": "centred"}),
        (lambda x: 1 - x / 2, {}),
        (lambda x: np.select([x == 1, x == 2], [2, 1], x), {"coding": "heterozygote_last"}),
        (lambda x: np.where(MASK, -9, x), {}),
    ],
    ids=["from one", "from one with 0", "centred", "centred dosages", "shares", "heterozygote last", "-9 is missing"],
)
@pytest.mark.parametrize("ending", ["csv", "npy"])
@pytest.mark.usefixtures("home")
def test_a_coding_is_told_from_all_values(
    turned: Callable[[Any], Any], options: dict[str, str], ending: str, tmp_path: Path
) -> None:
    values = turned(COUNTS.astype(float))
    if ending == "npy":
        path = tmp_path / "x.npy"
        np.save(path, values)
    else:
        path = table(tmp_path / "x.csv", values)
    cohort = read(path, **options)
    masked = (values == -9) | ((values == 0) & (values.max() == 3))
    expected = np.where(masked, -1, COUNTS)
    np.testing.assert_array_equal(cohort.calls, expected)
    assert cohort.ploidy == 2


def test_haploid_calls_keep_their_missing_ones(tmp_path: Path, home: Path) -> None:
    haploid = np.where(RNG.random((50, 40)) < 0.04, -1, RNG.binomial(1, RNG.uniform(0.05, 0.5, 40), (50, 40)))
    cohort = read(table(tmp_path / "haploid.csv", haploid))
    assert cohort.ploidy == 1
    np.testing.assert_array_equal(cohort.calls, haploid)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.where(COUNTS == 0, 2, 1), "no 0"),
        (RNG.integers(0, 5, (20, 10)), "more than two copies"),
        (RNG.normal(0, 2, (20, 10)).round(3), "before they were scaled"),
        (RNG.uniform(0, 1, (20, 10)).round(3), "coding=shares or coding=counts"),
        (np.where(COUNTS == 0, -1, COUNTS - 1)[:2], "coding=centred or coding=counts"),
    ],
    ids=["numbered alleles", "tetraploid", "scaled", "shares or dosages", "two of three"],
)
def test_what_cannot_be_told_is_refused(values: np.ndarray, words: str, tmp_path: Path, home: Path) -> None:
    if words.startswith("coding=centred"):
        values = np.array([[0, 0, 1, -1], [0, 1, 0, 1], [0, 0, 0, 0], [0, 1, 0, 1], [0, 0, 1, 0]] * 4)
        values[:, 2] = [0, 1] * 10
        values = np.hstack([values] * 2 + [np.tile([[1], [0]], (10, 6))])
    with pytest.raises(InputError, match=words):
        read(table(tmp_path / "x.csv", values))


def test_columns_about_individuals_at_the_end(tmp_path: Path, home: Path) -> None:
    frame = pd.DataFrame(COUNTS, columns=[f"m{j}" for j in range(30)])
    frame.insert(0, "line", [f"L{i}" for i in range(40)])
    frame["class"], frame["yield"] = np.tile([1, 2], 20), np.linspace(10, 90, 40)
    frame.to_csv(tmp_path / "x.csv", index=False)
    cohort = read(tmp_path / "x.csv")
    np.testing.assert_array_equal(cohort.calls, COUNTS)
    assert cohort.labels["class"].tolist() == ["1", "2"] * 20
    np.testing.assert_allclose(cohort.phenotypes["yield"], frame["yield"])


# Copies


def test_four_copies_whose_high_counts_are_absent_are_spoken_of(case: Callable[[str], Path], home: Path) -> None:
    path = case("45-polyploid/tetra_rare.csv")
    assert "four copies" in notes(path) and "four copies" in " ".join(preview([path])["notes"])
    assert "four copies" not in notes(path, ploidy="2")
    np.testing.assert_array_equal(read(path).calls, pd.read_csv(path).iloc[:, 3:].to_numpy().T)


@pytest.mark.parametrize("ending", ["csv", "npy"])
@pytest.mark.parametrize(("copies", "commonest"), [(4, 0.05), (2, 0.5)])
@pytest.mark.usefixtures("home")
def test_copies_are_open_where_counts_are_rare(copies: int, commonest: float, ending: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    counts = rng.binomial(copies, rng.uniform(0.01, commonest, 60), (50, 60)).clip(0, 2)
    path = table(tmp_path / "x.csv", counts)
    if ending == "npy":
        path = tmp_path / "x.npy"
        np.save(path, counts)
    assert ("four copies" in notes(path)) == (copies == 4)


def test_rare_counts_of_two_copies_are_told_where_many_are_seen(tmp_path: Path, home: Path) -> None:
    rng = np.random.default_rng(0)
    assert "copies" not in notes(table(tmp_path / "x.csv", rng.binomial(2, rng.uniform(0.01, 0.1, 400), (100, 400))))


def test_more_than_two_copies_are_refused(tmp_path: Path, home: Path) -> None:
    values = np.tile(np.minimum(COUNTS, 1), (1, 10))
    values[:20, :40] = 2
    values[5, 7] = 3
    with pytest.raises(InputError, match="more than two copies are not read"):
        read(table(tmp_path / "slip.csv", values))
    path = table(tmp_path / "told.csv", COUNTS)
    path.write_text("##ploidy=4\n" + path.read_text())
    np.savez(tmp_path / "told.npz", calls=COUNTS, ploidy=4)
    for one in (path, tmp_path / "told.npz"):
        with pytest.raises(InputError, match="its ploidy is 4"):
            read(one)


# Alleles


def test_raw_names_its_counted_alleles(case: Callable[[str], Path], home: Path) -> None:
    path = case("03-raw-AD/plink.raw")
    frame = pd.read_csv(path, sep=" ")
    counted = [name for name in frame.columns[6:] if not name.endswith("_HET")]
    cohort = read(path)
    np.testing.assert_array_equal(cohort.calls, frame[counted].to_numpy())
    assert [f"{i}_{a}" for i, a in zip(cohort.variant_id, cohort.variant_allele[:, 1], strict=True)] == counted


@pytest.mark.parametrize("name", ["syn.raw", "syn_ref.raw"])
def test_raw_and_bed_count_the_same_allele(case: Callable[[str], Path], name: str, home: Path) -> None:
    real = read(case("29-raw-vs-bed/real.bed"))
    _, others, _ = harmonise(real, {"synthetic": read(case(f"29-raw-vs-bed/{name}"))})
    r = np.corrcoef(real.calls.mean(axis=0), others["synthetic"].calls.mean(axis=0))[0, 1]
    assert r > 0.9


def test_a_variant_table_is_held_against_the_counted_allele(case: Callable[[str], Path], home: Path) -> None:
    real = read(case("29-raw-vs-bed/real.bed"))
    cohort = read(case("29-raw-vs-bed/counts_ref.raw"), variants=case("29-raw-vs-bed/real.bim"))
    _, others, said = harmonise(real, {"other": cohort})
    assert np.corrcoef(real.calls.mean(axis=0), others["other"].calls.mean(axis=0))[0, 1] > 0.9
    assert any("turned round" in one for one in said)


@pytest.mark.parametrize(
    ("change", "turned"),
    [
        (lambda a: a[::-1], True),
        (lambda a: [{"A": "T", "C": "G", "G": "C", "T": "A"}[x] for x in a], False),
        (lambda a: [{"A": "T", "C": "G", "G": "C", "T": "A"}[x] for x in a[::-1]], True),
        (lambda a: ["", a[1]], False),
        (lambda a: [a[1], ""], True),
        (lambda a: ["", a[0]], True),
    ],
    ids=["swapped", "other strand", "both", "reference unknown", "only the other allele", "counts the reference"],
)
def test_alleles_of_two_files(change: Callable[[list[str]], list[str]], turned: bool) -> None:
    pairs = [["A", "C"], ["G", "A"], ["T", "C"]] * 10
    real = replace(
        from_calls(COUNTS), variant_allele=np.array(pairs), variant_contig=np.array(["chr7"] * 30),
        variant_position=np.arange(1, 31),
    )  # fmt: skip
    calls = (2 - COUNTS if turned else COUNTS).astype(np.int8)
    other = replace(
        from_calls(calls), variant_allele=np.array([change(p) for p in pairs], dtype="U1"),
        variant_contig=np.array(["07"] * 30), variant_position=np.arange(1, 31),
    )  # fmt: skip
    _, others, _ = harmonise(real, {"other": other})
    np.testing.assert_array_equal(others["other"].calls, COUNTS)


def test_contigs_have_several_names(case: Callable[[str], Path], home: Path) -> None:
    x, numbered = read(case("30-x-vs-23/x.vcf")), read(case("30-x-vs-23/p.bed"))
    real, others, _ = harmonise(x, {"other": numbered})
    assert real.m == x.m and others["other"].m == x.m
    assert read(case("30-x-vs-23/p.bed"), region="X").m == numbered.m


# Individuals


def test_the_columns_of_a_sample_file(case: Callable[[str], Path], home: Path) -> None:
    files = [case(f"07-impute-sample-pop/r.{ending}") for ending in ("hap", "legend", "sample")]
    cohort = read(*files)
    people = pd.read_csv(files[2], sep=" ")
    assert cohort.sample_id.tolist() == people["ID"].tolist()
    assert cohort.labels["POP"].tolist() == people["POP"].tolist()
    assert cohort.labels["GROUP"].tolist() == people["GROUP"].tolist()
    pairs = pd.read_csv(files[0], sep=" ", header=None).to_numpy().T
    np.testing.assert_array_equal(cohort.calls, pairs[0::2] + pairs[1::2])


@pytest.mark.parametrize(("vcf", "people"), [("c.vcf", "pop.tsv"), ("c3.vcf", "pop3.csv"), ("c2.vcf", "pop2.tsv")])
def test_ids_with_a_family_or_without_zeros(case: Callable[[str], Path], vcf: str, people: str, home: Path) -> None:
    path = case(f"17-fid-iid/{people}")
    if not path.is_file():
        home.mkdir()
        path = home / people
        rows = [f"S{i:03d}\tS{i:03d}\t{'AB'[i % 2]}" for i in range(1, 61)]
        path.write_text("\n".join(["#FID\tIID\tpop", *rows]))
    cohort = read(case(f"17-fid-iid/{vcf}"), samples=path)
    assert (cohort.labels["pop"] != "").all()


@pytest.mark.parametrize("name", ["pheno.txt", "pheno_nohdr.txt"])
def test_minus_nine_is_missing_beside_family_ids(case: Callable[[str], Path], name: str, home: Path) -> None:
    cohort = read(case("28-minus-nine/c.vcf"), samples=case(f"28-minus-nine/{name}"))
    (values,) = cohort.phenotypes.values()
    assert np.isnan(values).sum() == 11
    raw = read(case("28-minus-nine/q.raw")).phenotypes["PHENOTYPE"]
    assert np.isnan(raw).sum() == 11 and (raw[~np.isnan(raw)] > -9).all()


def test_an_unnamed_column_of_m_and_f_is_sex(tmp_path: Path, home: Path) -> None:
    path = table(tmp_path / "x.csv", COUNTS)
    people = tmp_path / "people.ind"
    people.write_text("\n".join(f"S{i} {'MF'[i % 2]} {'XY'[i // 20]}" for i in range(40)))
    cohort = read(path, samples=people)
    assert cohort.labels["sex"].tolist() == ["male", "female"] * 20
    assert cohort.labels["population"].tolist() == ["X"] * 20 + ["Y"] * 20


@pytest.mark.parametrize(
    ("name", "lines", "labels", "phenotypes"),
    [
        ("a.fam", "F{i} S{i} 0 0 {s} {x}", {"SEX"}, {"PHENOTYPE"}),
        ("b.psam", "#FID\tIID\tSEX\tPHENO1\tpop\nF{i}\tS{i}\t{s}\t{x}\t{g}", {"SEX", "pop"}, {"PHENO1"}),
        ("c.sample", "ID_1 ID_2 missing sex bmi pop\n0 0 0 D P D\nS{i} S{i} 0.01 {s} {x} {g}", {"sex", "pop"}, {"bmi"}),
        ("d.csv", "ID;class;yield\ns{i};{s};{c}", {"class"}, {"yield"}),
    ],
)
@pytest.mark.usefixtures("home")
def test_tables_of_individuals(name: str, lines: str, labels: set[str], phenotypes: set[str], tmp_path: Path) -> None:
    *head, row = lines.split("\n")
    values = [-9 if i % 5 == 0 and name != "d.csv" else round(0.37 * i - 3, 2) for i in range(40)]
    rows = [
        row.format(i=i, s=1 + i % 2, x=values[i], g="AB"[i % 2], c=str(values[i]).replace(".", ",")) for i in range(40)
    ]
    (tmp_path / name).write_text("\n".join([*head, *rows]))
    cohort = read(table(tmp_path / "x.csv", COUNTS), samples=tmp_path / name)
    assert (set(cohort.labels), set(cohort.phenotypes)) == (labels, phenotypes)
    (measured,) = cohort.phenotypes.values()
    np.testing.assert_allclose(measured, np.where(np.equal(values, -9), np.nan, values))


# Our own files


def test_csv_of_a_rare_diploid_cohort_comes_back(tmp_path: Path, home: Path) -> None:
    rare = replace(
        from_calls((COUNTS > 1).astype(np.int8), ploidy=2), variant_contig=np.array(["1"] * 30),
        variant_position=np.arange(10, 40), variant_allele=np.array([["A", "C"]] * 30),
    )  # fmt: skip
    export.write(rare, tmp_path / "rare.csv", {"model": "none"})
    back = read(tmp_path / "rare.csv")
    assert back.ploidy == 2
    np.testing.assert_array_equal(back.calls, rare.calls)
    np.testing.assert_array_equal(back.variant_position, rare.variant_position)
    np.testing.assert_array_equal(back.variant_allele, rare.variant_allele)
