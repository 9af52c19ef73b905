"""Sample and variant tables: joined by id, with what did not match counted both ways."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.data.genotypes import Genotypes, from_calls
from core.data.intake.cohort_options import CohortOptions
from core.data.intake.columns import individual_columns
from core.data.intake.importing import read_file
from core.data.intake.samples import join_samples
from core.data.intake.tables import read_table
from core.data.intake.variants import VariantTable
from core.errors import InputError

pytestmark = pytest.mark.usefixtures("in_process")


def four() -> Genotypes:
    return from_calls(
        np.ones((4, 3), np.int8), sample_id=np.array(["a", "b", "c", "d"]), variant_id=np.array(["v1", "v2", "v3"])
    )


def join(folder: Path, content: str, label_columns: tuple[str, ...] = ()) -> tuple[Genotypes, list[str]]:
    path = folder / "table.txt"
    path.write_text(content)
    return join_samples(read_table(path, "table.txt"), four(), label_columns)


def test_panel_with_trailing_tabs(tmp_path: Path) -> None:
    joined, notes = join(
        tmp_path,
        "sample\tpop\tsuper_pop\tgender\t\t\nd\tYRI\tAFR\tmale\na\tGBR\tEUR\tfemale\nz\tGBR\tEUR\tmale\nb\tGBR\tEUR\tmale\n",
    )
    assert list(joined.labels) == ["pop", "super_pop", "gender"]
    assert joined.labels["pop"].tolist() == ["GBR", "GBR", "", "YRI"]
    assert "3 of 4 individuals" in notes[0]
    assert "1 individuals are not in it and 1 of its ids" in notes[0]


@pytest.mark.parametrize(
    "content",
    [
        "gender,super_pop,id,pop\nm,EUR,a,GBR\nm,EUR,b,GBR\nf,AFR,c,YRI\nf,AFR,d,YRI\n",
        "id;gender;super_pop;pop\na;m;EUR;GBR\nb;m;EUR;GBR\nc;f;AFR;YRI\nd;f;AFR;YRI\n",
        '\ufeff"id" "gender" "super_pop" "pop"\n"a" "m" "EUR" "GBR"\n"b" "m" "EUR" "GBR"\nc f AFR YRI\nd f AFR YRI\n',
    ],
)
def test_population_comes_first_whatever_the_order_of_the_columns(content: str, tmp_path: Path) -> None:
    assert list(join(tmp_path, content)[0].labels) == ["pop", "super_pop", "gender"]


def test_label_columns_choose_and_order(tmp_path: Path) -> None:
    content = "id,pop,region,batch,height\na,GBR,N,1,1.5\nb,GBR,N,2,2.5\nc,YRI,S,1,3.5\nd,YRI,S,2,NA\n"
    joined, _ = join(tmp_path, content, ("batch", "pop"))
    assert list(joined.labels) == ["batch", "pop"]
    assert joined.labels["batch"].tolist() == ["1", "2", "1", "2"]
    np.testing.assert_array_equal(joined.phenotypes["height"], [1.5, 2.5, 3.5, np.nan])
    with pytest.raises(InputError, match="'nope'"):
        (tmp_path / "x.csv").write_text("id,v1,v2\na,0,1\nb,1,1\n")
        (tmp_path / "s.csv").write_text(content)
        read_file([tmp_path / "x.csv"], samples=tmp_path / "s.csv", options=CohortOptions(label_columns=("nope",)))


def test_numbers_words_and_codes(tmp_path: Path) -> None:
    labels, phenotypes, notes = individual_columns(
        {
            "sex": ["1", "2", "0", "1"],
            "population": ["1", "1", "2", "2"],
            "case": ["1", "2", "2", "-9"],
            "height": ["1.5", "-9", "2", "NA"],
            "temperature": ["-9", "-3", "0", "4"],
            "count": ["1", "2", "1", "2"],
            "name": ["w", "x", "y", "z"],
            "empty": ["", "NA", ".", ""],
            "one": ["k", "k", "k", "k"],
        }
    )
    assert {k: v.tolist() for k, v in labels.items()} == {
        "population": ["1", "1", "2", "2"],
        "sex": ["male", "female", "", "male"],
        "one": ["k", "k", "k", "k"],
    }
    np.testing.assert_array_equal(phenotypes["case"], [0, 1, 1, np.nan])
    np.testing.assert_array_equal(phenotypes["height"], [1.5, np.nan, 2, np.nan])
    np.testing.assert_array_equal(phenotypes["temperature"], [-9, -3, 0, 4])
    np.testing.assert_array_equal(phenotypes["count"], [1, 2, 1, 2])
    assert any("'name'" in note for note in notes)
    assert any("'empty'" in note for note in notes)


def test_a_table_without_header(tmp_path: Path) -> None:
    joined, _ = join(tmp_path, "a GBR\nb GBR\nc YRI\nd YRI\n")
    assert joined.labels["column_2"].tolist() == ["GBR", "GBR", "YRI", "YRI"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("id,pop\nx,GBR\ny,YRI\n", "No id of table.txt"),
        ("id,pop\na,GBR\na,YRI\nb,YRI\n", "'a' 2 times"),
        ("id,pop\na,GBR\nb,YRI,extra,more\n", "line 3"),
        ("id,pop\n", "No id of table.txt"),
        ("\n\n", "empty"),
    ],
)
def test_tables_that_cannot_be_joined(content: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=words):
        join(tmp_path, content)


def test_labels_of_the_file_stay_behind_those_of_the_table(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,pop\na,X\nb,X\nc,Y\nd,Y\n")
    own = from_calls(
        np.ones((4, 2), np.int8), sample_id=np.array(list("abcd")), labels={"family": np.array(list("FFGG"))}
    )
    joined, _ = join_samples(read_table(path, "t.csv"), own, ())
    assert list(joined.labels) == ["pop", "family"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.legend", "id position a0 a1\nv1 10 A C\nv2 20 A C\nv3 30 A C\n"),
        ("x.bim", "7\tv1\t0\t10\tC\tA\n7\tv2\t0\t20\tC\tA\n7\tv3\t0\t30\tC\tA\n"),
        ("x.csv", "SNP,Chromosome,Position,REF,ALT\nv3,7,30,A,C\nv1,7,10,A,C\nv2,7,20,A,C\nv9,7,99,A,C\n"),
        ("x.map", "7 v1 0 10\n7 v2 0 20\n7 v3 0 30\n"),
    ],
)
def test_variant_tables(name: str, content: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(content)
    joined, _ = VariantTable.read(path, name).join(four())
    assert joined.variant_position.tolist() == [10, 20, 30]
    assert joined.variant_id.tolist() == ["v1", "v2", "v3"]
    if name != "x.map":
        assert joined.variant_allele.tolist() == [["A", "C"]] * 3
    if name != "x.legend":
        assert joined.variant_contig.tolist() == ["7"] * 3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("id position a0 a1\nw1 10 A C\nw2 20 A C\n", "2 variants and the genotypes 3"),
        ("id position a0 a1\nv1 ten A C\nv2 20 A C\n", "'ten'"),
        ("a,b\nx,y\nz,y\n", "no column of positions"),
    ],
)
def test_variant_tables_that_do_not_fit(content: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "x.legend"
    path.write_text(content)
    with pytest.raises(InputError, match=words):
        VariantTable.read(path, "x.legend").join(four())
