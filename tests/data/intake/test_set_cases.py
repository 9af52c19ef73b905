"""Tables of observations as they are really written: each gives the right value, or one sentence that helps.

The files of $POPSCAPE_SHARED/cases/sets are checked against pandas or NumPy, and each kind once more on a file that is
made here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.data.intake.collection_options import CollectionOptions
from core.data.intake.importing import read_file
from core.errors import InputError
from tests.data.intake.test_collection import read

pytestmark = pytest.mark.usefixtures("in_process")


def folder_of_cases(shared: Path) -> Path:
    """The folder of cases of sets; the test is skipped where it is absent."""
    folder = shared / "cases" / "sets"
    if not folder.is_dir():
        pytest.skip(f"no cases at {folder}")
    return folder


@pytest.fixture
def cases(shared: Path) -> Path:
    """The folder of cases of sets."""
    return folder_of_cases(shared)


def frame_of(path: Path, **options: Any) -> pd.DataFrame:
    """The table as pandas reads it."""
    return pd.read_csv(path, **options)


def same(sets: Any, frame: pd.DataFrame, features: list[str], group: str) -> None:
    """The sets are the complete rows of `frame` by `group`, in the order of their appearance."""
    complete = frame.dropna(subset=[*features, group])
    names = list(dict.fromkeys(complete[group].astype(str)))
    assert sets.modality == "vector" and sets.set_id.tolist() == names and sets.feature.tolist() == features
    for i, name in enumerate(names):
        rows = complete[complete[group].astype(str) == name]
        np.testing.assert_allclose(sets.observations_of(i), rows[features].to_numpy(np.float32), rtol=1e-6)


MARKERS = ["CD3", "CD4", "CD8"]
TABLES: list[tuple[str, str, list[str], dict[str, Any], str]] = [
    ("01-index-column/int_label.csv", "donor", ["w", "x", "y", "z"], {}, "numbers the rows"),
    ("06-decimal-comma/semi.csv", "donor", ["w", "x", "y", "z"], {"sep": ";", "decimal": ","}, "Decimal commas"),
    ("b02-long-integer-ids/bigid.csv", "donor", MARKERS, {}, ""),
    ("b04-row-index-as-feature/pandas_index.csv", "donor", MARKERS, {}, "numbers the rows"),
    ("b04-row-index-as-feature/r_writetable.txt", "donor", MARKERS, {"sep": " "}, "numbers the rows"),
    ("b05-barcode-as-sequence/barcodes.csv", "donor", MARKERS, {}, "names the rows"),
    ("b06-na-words-lose-columns/na.csv", "donor", MARKERS, {}, ""),
    ("b06-na-words-lose-columns/na2.csv", "donor", MARKERS, {}, ""),
    ("b06-na-words-lose-columns/thousands.csv", "donor", MARKERS[:2], {}, "'CD8' is no feature"),
    ("b07-empty-column/emptycol.csv", "donor", MARKERS, {}, "empty"),
    ("b21-csv-dialects/ml_few.csv", "donor", ["CD3", "CD4"], {}, ""),
    ("b21-csv-dialects/comments.csv", "donor", MARKERS, {"comment": "#"}, "begin with #"),
    ("b21-csv-dialects/sep.csv", "donor", MARKERS, {"skiprows": 1}, ""),
    ("b21-csv-dialects/euro.csv", "donor", MARKERS, {"sep": ";", "decimal": ","}, "Decimal commas"),
    ("b21-csv-dialects/r_quoted.txt", "cell_type", ["f1", "f2"], {"sep": " "}, "numbers the rows"),
    ("b21-csv-dialects/r_spaces.txt", "donor", MARKERS, {"sep": " "}, ""),
    ("c34-row-number-as-feature/index.csv", "donor", MARKERS, {}, "numbers the rows"),
    ("c35-barcode-as-sequence/bc.csv", "donor", MARKERS, {}, "names the rows"),
    ("c35-barcode-as-sequence/bc1.csv", "donor", MARKERS, {}, "names the rows"),
    ("c36-column-lost-silently/na.csv", "donor", MARKERS, {}, ""),
    ("c36-column-lost-silently/emptycol.csv", "donor", MARKERS, {}, "'CD9' was left out: it is empty"),
    ("c47-csv/multiline.csv", "donor", MARKERS, {}, ""),
    ("c47-csv/dec.csv", "donor", MARKERS, {"sep": ";", "decimal": ","}, "Decimal commas"),
]


@pytest.mark.parametrize("case", TABLES, ids=[one[0] for one in TABLES])
def test_tables_are_read_as_pandas_reads_them(
    case: tuple[str, str, list[str], dict[str, Any], str], cases: Path, tmp_path: Path
) -> None:
    file, group, features, dialect, said = case
    sets, answer = read(cases / file, tmp_path / "out", set_column=(group,))
    frame = frame_of(cases / file, **dialect)
    same(sets, frame, features, group)
    lost = len(frame) - len(frame.dropna(subset=[*features, group]))
    assert sum(answer["dropped"].values()) == lost
    assert any(said in note for note in answer["notes"]) or not said


def test_a_commented_header_names_the_columns(cases: Path, tmp_path: Path) -> None:
    path = cases / "b21-csv-dialects" / "krumsiek11.txt"
    sets, _ = read(path, tmp_path / "out", set_column=("it",))
    body = np.loadtxt(path)
    np.testing.assert_allclose(sets.observations_of(3), body[body[:, 0] == 3][:, 1:], rtol=1e-6)
    assert sets.feature[:3].tolist() == ["Gata2", "Gata1", "Fog1"] and sets.s == len(np.unique(body[:, 0]))


def write(path: Path, header: str, rows: list[str]) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_names_keep_their_text(tmp_path: Path) -> None:
    names = ["1E1", "10", "1e+1", "007", "7", "12345678", "12345679"]
    rows = [f"{name},{i}.5,{j}" for i, name in enumerate(names) for j in range(3)]
    path = write(tmp_path / "t.csv", "plate,x,y", rows)
    sets, _ = read(path, tmp_path / "out", set_column=("plate",), features=("x", "y"))
    assert sets.set_id.tolist() == names
    np.savez(tmp_path / "t.npz", X=np.arange(12.0).reshape(6, 2) / 7, day=np.repeat([20210301.0, 20210302.0], 3))
    sets, _ = read(tmp_path / "t.npz", tmp_path / "n", set_column=("day",))
    assert sets.set_id.tolist() == ["20210301", "20210302"]


def test_numbers_with_leading_zeros_are_names_and_not_features(tmp_path: Path) -> None:
    rows = [f"g{i // 6},{i // 3:03d},{i * 0.5},{i}" for i in range(24)]
    path = write(tmp_path / "t.csv", "g,plate,x,well_id", [*rows[:12], *rows[12:]])
    sets, answer = read(path, tmp_path / "out", set_column=("g",))
    assert sets.feature.tolist() == ["x"] and "share of 000 in plate" in sets.covariates
    assert not any("lost" in note for note in answer["notes"])


@pytest.mark.parametrize("word", ["N/A", "#N/A", "<NA>", "NA", "null", "NULL", "nan", "n/a", "None", "-nan", "", "."])
def test_every_vocabulary_of_missing_values(word: str, tmp_path: Path) -> None:
    rows = [f"{'ab'[i % 2]},{i}.25,{word if i == 4 else i / 8}" for i in range(12)]
    sets, answer = read(write(tmp_path / "t.csv", "g,x,y", rows), tmp_path / "out", set_column=("g",))
    assert sets.feature.tolist() == ["x", "y"] and sets.k == 11
    assert answer["dropped"] == {"observations with a missing feature": 1}


def test_a_missing_set_is_no_set(tmp_path: Path) -> None:
    rows = [f"{['a', 'b', '<NA>', 'N/A'][i % 4]},{i}.5" for i in range(24)]
    sets, answer = read(write(tmp_path / "t.tsv", "g,x", rows), tmp_path / "out", set_column=("g",))
    assert sets.set_id.tolist() == ["a", "b"] and answer["dropped"] == {"observations without a set": 12}


def test_a_column_with_a_word_in_it_is_named_when_it_is_lost(tmp_path: Path) -> None:
    rows = [f"{'ab'[i % 2]},{i}.5,{'<0.1' if i == 3 else i * 0.3},note {i}" for i in range(30)]
    sets, answer = read(write(tmp_path / "t.csv", "g,x,y,remark", rows), tmp_path / "out", set_column=("g",))
    assert sets.feature.tolist() == ["x"]
    assert any("'y' is no feature" in note and "'<0.1'" in note for note in answer["notes"])
    assert any("'remark'" in note for note in answer["notes"])


def dna(number: int) -> str:
    """A barcode of 16 nucleotides."""
    return format(number + 40_000, "016b").replace("0", "A").replace("1", "T")


@pytest.mark.parametrize(
    ("header", "first"),
    [
        (",g,x,y", lambda i: i + 5),
        ("Unnamed: 0,g,x,y", lambda i: i),
        ("rownames,g,x,y", lambda i: i + 1),
        ("cell_id,g,x,y", lambda i: f"cell_{i}"),
        ("barcode,g,x,y", dna),
        ("tag,g,x,y", lambda i: f"{dna(i)}-{i % 2 + 1}"),
    ],
)
def test_a_column_that_numbers_or_names_the_rows_is_left_out(header: str, first: Any, tmp_path: Path) -> None:
    rows = [f"{first(i)},{'ab'[i % 2]},{i * 0.37},{i * 1.5 + 0.1}" for i in range(20)]
    sets, answer = read(write(tmp_path / "t.csv", header, rows), tmp_path / "out", set_column=("g",))
    assert sets.modality == "vector" and sets.feature.tolist() == ["x", "y"] and not sets.covariates
    assert any("left out" in note for note in answer["notes"])


def test_numbers_that_belong_to_a_set_are_its_covariates(tmp_path: Path) -> None:
    rows = [f"d{i // 6},{20 + i // 6},0,{i}.5" for i in range(24)]
    path = write(tmp_path / "t.csv", "donor,age,zero,x", rows)
    sets, answer = read(path, tmp_path / "out", set_column=("donor",))
    assert sets.feature.tolist() == ["zero", "x"] and sets.covariates["age"].tolist() == [20, 21, 22, 23]
    assert any("'age'" in note for note in answer["notes"])
    both, _ = read(path, tmp_path / "both", set_column=("donor",), features=("x", "age"))
    assert both.feature.tolist() == ["x", "age"]


def test_sequences_are_still_found_beside_numbers(tmp_path: Path) -> None:
    rows = [f"{'ab'[i % 2]},{i},{'ACGT'[i % 4] * 5}{'GATC'[i % 3]}" for i in range(20)]
    sets, answer = read(write(tmp_path / "t.csv", "g,count,sequence", rows), tmp_path / "out", set_column=("g",))
    assert sets.modality == "sequence" and any("taken for the sequences" in note for note in answer["notes"])


def test_quotes_line_breaks_comments_and_a_tab(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    lines = [
        "# made by hand",
        "g\tremark\tx\ty",
        *(f'"{"ab"[i % 2]} 1"\t"say ""{i}""\nagain"\t{i}.5\t-{i}e-1' for i in range(12)),
    ]
    path.write_bytes("\r\n".join(lines).encode())
    sets, _ = read(path, tmp_path / "out", set_column=("g",))
    assert sets.set_id.tolist() == ["a 1", "b 1"] and sets.feature.tolist() == ["x", "y"]
    np.testing.assert_allclose(sets.observations_of(1)[:, 1], [-i / 10 for i in range(1, 12, 2)], rtol=1e-6)


def test_numbers_with_dots_for_thousands_are_named(tmp_path: Path) -> None:
    rows = [f"{'ab'[i % 2]};{i},5;{i + 1}.{i:03d},25" for i in range(12)]
    sets, answer = read(write(tmp_path / "t.csv", "g;x;y", rows), tmp_path / "out", set_column=("g",))
    assert sets.feature.tolist() == ["x"] and any("'y'" in note and "thousands" in note for note in answer["notes"])


def test_a_separator_line_with_a_tab_and_arrays_that_are_square(tmp_path: Path) -> None:
    rows = [f"{'ab'[i % 2]}\t{i},5" for i in range(12)]
    sets, _ = read(write(tmp_path / "t.csv", "sep=\t\ng\tx", rows), tmp_path / "out", set_column=("g",))
    np.testing.assert_allclose(sets.observations_of(1)[:, 0], [i + 0.5 for i in range(1, 12, 2)])
    x = np.random.default_rng(0).normal(size=(6, 6))
    donor = np.repeat(np.array(["é", "b"]), 3)
    np.savez(tmp_path / "q.npz", X=x, donor=np.char.encode(donor, "utf-8"), genes=np.array([f"G{i}" for i in range(6)]))
    sets, _ = read(tmp_path / "q.npz", tmp_path / "q", set_column=("donor",))
    assert sets.set_id.tolist() == ["é", "b"] and sets.feature.tolist() == [f"G{i}" for i in range(6)]


def test_points_among_decimal_commas_are_not_guessed(tmp_path: Path) -> None:
    rows = [f"{'ab'[i % 2]};{i},5;{i + 1}.250" for i in range(12)]
    sets, answer = read(write(tmp_path / "t.csv", "g;x;y", rows), tmp_path / "out", set_column=("g",))
    assert sets.feature.tolist() == ["x"] and any("'y'" in note and "thousands" in note for note in answer["notes"])


def test_one_group_of_three_digits_is_a_fraction_where_the_file_shows_it(tmp_path: Path) -> None:
    rows = [f"{'ab'[i % 2]};{i},5;{i + 1},125" for i in range(12)]
    sets, _ = read(write(tmp_path / "t.csv", "g;x;y", rows), tmp_path / "out", set_column=("g",))
    np.testing.assert_allclose(sets.observations_of(0)[:, 1], [i + 1.125 for i in range(0, 12, 2)])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"label_columns": ("nosuch",)}, "no column 'nosuch'"),
        ({"label_columns": ("state",)}, "'state' is not constant"),
        ({"layer": "obsm:X_pca"}, "no layers"),
        ({"length": 20}, "length has no effect"),
        ({"components": 9}, "at most 2 principal components"),
        ({"unit": "one"}, "same in every set"),
        ({"window": 0.1}, "window belongs to neighbourhood"),
        ({"whole": True}, "choose one of them"),
    ],
)
def test_a_choice_without_effect_is_refused(options: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    rows = [f"{'ab'[i % 2]},{'uvw'[i % 3]},q,{i}.5,{i * i}.25" for i in range(12)]
    path = write(tmp_path / "t.csv", "g,state,one,x,y", rows)
    with pytest.raises(InputError, match=sentence):
        read(path, tmp_path / "out", set_column=("g",), **options)


def test_normalisation_and_variable_features_act_on_tables_and_arrays(cases: Path, tmp_path: Path) -> None:
    folder = cases / "b10-option-ignored"
    frame = pd.read_csv(folder / "cytof.csv")
    for file in ("cytof.csv", "cytof.npz"):
        sets, answer = read(folder / file, tmp_path / file, set_column=("sample",), normalise="arcsinh")
        expected = np.arcsinh(frame[MARKERS].to_numpy()[frame["sample"] == "b"] / 5)
        np.testing.assert_allclose(sets.observations_of(1), expected, rtol=1e-5)
        assert "Values are arcsinh(x / 5)." in answer["notes"]
        one, _ = read(folder / file, tmp_path / f"{file}1", set_column=("sample",), features=("CD4",))
        np.testing.assert_allclose(one.observations_of(0)[:, 0], frame["CD4"][frame["sample"] == "a"], rtol=1e-6)
    plain = cases / "c39-option-without-effect" / "plain.csv"
    sets, _ = read(plain, tmp_path / "p", set_column=("donor",), variable_genes=1)
    assert sets.feature.tolist() == [pd.read_csv(plain)[MARKERS].var().idxmax()]
    with pytest.raises(InputError, match="no column 'nosuch'"):
        read(plain, tmp_path / "q", set_column=("donor",), label_columns=("nosuch",))


def test_a_unit_given_as_long_numbers_is_kept_together(cases: Path) -> None:
    from core.data.split import split_sets

    path = cases / "c53-unit-by-g" / "unit.csv"
    sets = read_file([path], options=CollectionOptions(set_column=("well",), unit="subject")).population
    subjects = sets.labels["subject"]
    wells = pd.read_csv(path, dtype=str).drop_duplicates("well").set_index("well")["subject"]
    assert subjects.tolist() == [wells[well] for well in sets.set_id] and len(set(subjects.tolist())) == 4
    split = split_sets(sets, "a1b2c3")
    assert not set(subjects[split.train].tolist()) & set(subjects[split.holdout].tolist())
    assert len(split.holdout) == 3


def test_a_unit_that_is_missing_somewhere_is_refused(tmp_path: Path) -> None:
    rows = [f"w{i // 3},{'' if i < 3 else f's{i // 6}'},{i}.5" for i in range(24)]
    with pytest.raises(InputError, match="missing in 1 of 8 sets"):
        read(write(tmp_path / "t.csv", "well,subject,x", rows), tmp_path / "out", set_column=("well",), unit="subject")


@pytest.mark.parametrize(("file", "window"), [("b20-reader-words/hours.csv", 0.01), ("c50-window/hours3.csv", 0.02)])
def test_a_narrow_window_makes_a_set_at_each_value(file: str, window: float, cases: Path, tmp_path: Path) -> None:
    sets, answer = read(cases / file, tmp_path / "out", neighbourhood="hours", window=window, features=("f1", "f2"))
    hours = pd.read_csv(cases / file)["hours"]
    assert sets.covariates["hours"].tolist() == sorted(hours.unique()) and sets.s == hours.nunique()
    assert any("distinct values" in note for note in answer["notes"])


def test_shares_of_two_columns_and_names_with_bars_stay_apart(tmp_path: Path) -> None:
    rows = [f"{'ab'[i % 2]},{i % 3 == 0},{i % 4 < 2},{i}.5" for i in range(24)]
    sets, _ = read(write(tmp_path / "t.csv", "g,doublet,mito,x", rows), tmp_path / "a", set_column=("g",))
    assert sets.covariates["share of True in doublet"].tolist() == [4 / 12, 4 / 12]
    assert sets.covariates["share of True in mito"].tolist() == [0.5, 0.5]
    pairs = [("u | v", "w"), ("u", "v | w")]
    rows = [f"{pairs[i % 2][0]},{pairs[i % 2][1]},{i}.5" for i in range(12)]
    sets, _ = read(write(tmp_path / "u.csv", "g,h,x", rows), tmp_path / "b", set_column=("g", "h"))
    assert sets.s == 2 and sets.sizes.tolist() == [6, 6] and len(set(sets.set_id.tolist())) == 2


def log_counts(counts: Any) -> Any:
    """log(1 + x), each cell brought to 10,000 counts first."""
    dense = np.asarray(counts.todense() if hasattr(counts, "todense") else counts, dtype=np.float64)
    return np.log1p(dense / dense.sum(axis=1, keepdims=True) * 1e4)


@pytest.mark.parametrize(
    ("file", "group", "said"),
    [
        ("03-counts-with-layer/counts_layer.h5ad", "donor", "logcounts (fractions"),
        ("04-sparse-counts/csc_counts.h5ad", "donor", "Raw counts were recognised"),
        ("b01-log1p-none/log1p.h5ad", "donor", ""),
        ("b02-long-integer-ids/bigid.h5ad", "subject", ""),
        ("b02-long-integer-ids/dateint.h5ad", "day", ""),
        ("b20-reader-words/future.h5ad", "donor", ""),
        ("b20-reader-words/named.h5ad", "donor", ""),
        ("c31-null-dataspace/log1pbase.h5ad", "donor", ""),
        ("c32-set-names-by-g/plate_int.h5ad", "plate", ""),
        ("c32-set-names-by-g/dose.h5ad", "dose", ""),
    ],
)
def test_cells_are_grouped_and_counts_logged(file: str, group: str, said: str, cases: Path, tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    from anndata.io import read_elem

    sets, answer = read(cases / file, tmp_path / "out", set_column=(group,))
    with h5py.File(cases / file) as stored:
        x, obs = read_elem(stored["X"]), read_elem(stored["obs"])
    values = obs[group].astype(str).str.removesuffix(".0")
    assert sets.set_id.tolist() == list(dict.fromkeys(values))
    for i, name in enumerate(sets.set_id):
        np.testing.assert_allclose(sets.observations_of(i), log_counts(x)[values == name], rtol=1e-4)
    assert answer["applied"]["normalise"] == "size_log1p"
    assert any(said in note for note in answer["notes"])
    plain, _ = read(cases / file, tmp_path / "plain", set_column=(group,), normalise="none")
    raw = np.asarray(x.todense() if hasattr(x, "todense") else x)
    np.testing.assert_array_equal(plain.observations_of(0), raw[values == sets.set_id[0]])


def test_layers_raw_and_tables_in_obsm(cases: Path, tmp_path: Path) -> None:
    import anndata

    for number, file in enumerate(("b20-reader-words/rawx.h5ad", "c45-h5ad-words/raw.h5ad")):
        sets, _ = read(cases / file, tmp_path / f"raw{number}", set_column=("donor",), layer="raw", normalise="none")
        cells = anndata.read_h5ad(cases / file)
        first = (cells.obs["donor"] == sets.set_id[0]).to_numpy()
        np.testing.assert_array_equal(sets.observations_of(0), np.asarray(cells.raw.X)[first])
    for number, folder in enumerate(("b20-reader-words", "c45-h5ad-words")):
        path = cases / folder / "obsmdf.h5ad"
        protein = anndata.read_h5ad(path).obsm["protein"]
        options: dict[str, Any] = {"set_column": ("donor",), "layer": "obsm:protein"}
        sets, _ = read(path, tmp_path / f"o{number}", **options)
        assert sets.feature.tolist() == MARKERS == list(protein.columns)
        np.testing.assert_allclose(np.sort(sets.observations[:, 1]), np.sort(protein["CD4"]), rtol=1e-6)
        for wanted, name in (("CD4", "CD4"), ("protein_1", "CD3")):
            one, _ = read(path, tmp_path / f"f{number}{wanted}", **options, features=(wanted,))
            assert one.feature.tolist() == [name]
            np.testing.assert_allclose(np.sort(one.observations[:, 0]), np.sort(protein[name]), rtol=1e-6)
    for number, folder in enumerate(("b20-reader-words", "c45-h5ad-words")):
        with pytest.raises(InputError, match="choose one of: counts"):
            read(cases / folder / "noX.h5ad", tmp_path / f"n{number}", set_column=("donor",))
    _, answer = read(cases / "c45-h5ad-words/noX.h5ad", tmp_path / "l", set_column=("donor",), layer="counts")
    assert "Features are those of the layer counts." in answer["notes"]


@pytest.mark.parametrize(
    ("file", "options", "sentence"),
    [
        ("b19-program-failed/obsm3d.h5ad", {"set_column": ("donor",), "layer": "obsm:img"}, "3 axes"),
        ("b19-program-failed/f64big.npz", {"set_column": ("label",)}, "beyond single precision"),
    ],
)
def test_what_cannot_be_vectors_is_refused(
    file: str, options: dict[str, Any], sentence: str, cases: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=sentence):
        read(cases / file, tmp_path / "out", **options)


@pytest.mark.parametrize("file", ["b27-doubly-logged/logged.h5ad", "c46-logged-twice/lognorm.h5ad"])
def test_a_second_logarithm_is_warned_of(file: str, cases: Path, tmp_path: Path) -> None:
    _, answer = read(cases / file, tmp_path / "out", set_column=("donor",), normalise="size_log1p")
    assert any("not whole numbers" in note and "Warning" in note for note in answer["notes"])
    _, answer = read(cases / file, tmp_path / "plain", set_column=("donor",))
    assert answer["applied"] == {"normalise": "none"}


@pytest.mark.parametrize("file", ["b09-share-collision/twobools.h5ad", "c38-shares-collide/twobool.h5ad"])
def test_shares_of_two_boolean_columns(file: str, cases: Path, tmp_path: Path) -> None:
    import anndata

    sets, _ = read(cases / file, tmp_path / "out", set_column=("donor",))
    obs = anndata.read_h5ad(cases / file).obs
    for column in obs.columns:
        varied = obs.groupby("donor", observed=True)[column].nunique().max() > 1 if column != "donor" else False
        for value in obs[column].unique() if varied and obs[column].dtype == bool else []:
            share = (obs[column] == value).groupby(obs["donor"], observed=True).mean()
            found = sets.covariates[f"share of {value} in {column}"]
            np.testing.assert_allclose(found, share[sets.set_id.tolist()])


def test_principal_components_of_many_genes_are_those_of_a_full_decomposition(cases: Path, tmp_path: Path) -> None:
    path = cases / "b18-components-on-all-genes" / "tenx33k.h5ad"
    options: dict[str, Any] = {"set_column": ("donor",), "normalise": "size_log1p"}
    sets, answer = read(path, tmp_path / "pc", **options, components=20)
    full, _ = read(path, tmp_path / "full", **options)
    x = full.observations - full.observations.mean(axis=0, dtype=np.float64)
    gram = x @ x.T
    values, vectors = np.linalg.eigh(gram)
    expected = vectors[:, ::-1][:, :20] * np.sqrt(values[::-1][:20])
    np.testing.assert_allclose(np.abs(sets.observations), np.abs(expected), rtol=1e-2, atol=1e-2)
    share = values[::-1][:20].sum() / values.sum()
    assert any(f"{share:.1%} of the variance" in note for note in answer["notes"])


def test_components_by_either_side_and_by_iterations_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.data.intake import vectors

    rng = np.random.default_rng(3)
    for shape in ((40, 90), (90, 40)):
        x = (rng.normal(size=shape) * np.geomspace(10, 0.1, shape[1])).astype(np.float32)
        exact, share = vectors.principal_components(x, 5)
        monkeypatch.setattr(vectors, "_EXACT", 0)
        iterated, again = vectors.principal_components(x, 5)
        monkeypatch.undo()
        np.testing.assert_allclose(exact, iterated, rtol=1e-3, atol=1e-3)
        _, singular, _ = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
        assert share == pytest.approx(again, rel=1e-4)
        assert share == pytest.approx((singular[:5] ** 2).sum() / (singular**2).sum(), rel=1e-4)


def test_size_factors_are_those_of_all_genes_when_some_are_chosen(tmp_path: Path) -> None:
    anndata = pytest.importorskip("anndata")
    counts = np.random.default_rng(1).negative_binomial(1, 0.05, size=(40, 30))
    obs = pd.DataFrame(
        {"donor": pd.Categorical(np.repeat(["a", "b", None, "c"], 10))}, index=[f"c{i}" for i in range(40)]
    )
    obs["day"] = pd.array([1, None] * 20, dtype="Int64")
    cells = anndata.AnnData(
        counts.astype(np.float16), obs=obs, var=pd.DataFrame(index=["g"] * 2 + [f"g{i}" for i in range(28)])
    )
    cells.write_h5ad(tmp_path / "c.h5ad")
    sets, answer = read(tmp_path / "c.h5ad", tmp_path / "out", set_column=("donor",), features=("g5", "g-1"))
    expected = np.log1p(counts / counts.sum(axis=1, keepdims=True) * 1e4)[:10][:, [7, 1]]
    np.testing.assert_allclose(sets.observations_of(0), expected, rtol=1e-3)
    assert sets.set_id.tolist() == ["a", "b", "c"] and answer["dropped"] == {"observations without a set": 10}
    np.testing.assert_array_equal(sets.covariates["day"], [1, 1, 1])
    assert any("had a name that was taken" in note for note in answer["notes"])


@pytest.mark.parametrize("file", ["counts.csv", "counts.npz"])
def test_counts_in_tables_and_arrays_are_recognised(file: str, tmp_path: Path) -> None:
    counts = np.random.default_rng(2).negative_binomial(0.7, 0.02, size=(60, 12))
    if file.endswith("npz"):
        np.savez(tmp_path / file, X=counts, g=np.repeat(["a", "b", "c"], 20))
    else:
        pd.DataFrame(counts, columns=[f"G{i}" for i in range(12)]).assign(g=np.repeat(["a", "b", "c"], 20)).to_csv(
            tmp_path / file, index=False
        )
    sets, answer = read(tmp_path / file, tmp_path / "out", set_column=("g",))
    np.testing.assert_allclose(sets.observations_of(1), log_counts(counts)[20:40], rtol=1e-4)
    assert any("Raw counts were recognised" in note for note in answer["notes"])


@pytest.mark.parametrize("kind", ["grades", "ages", "pixels", "flags", "normal"])
def test_whole_numbers_that_are_no_counts_stay(kind: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    x = {
        "grades": rng.integers(0, 5, (60, 4)),
        "ages": rng.integers(18, 95, (60, 4)),
        "pixels": np.clip(rng.normal(8, 8, (60, 16)), 0, 16).astype(int),
        "flags": rng.integers(0, 2, (60, 4)),
        "normal": rng.normal(size=(60, 4)),
    }[kind]
    np.savez(tmp_path / "x.npz", X=x, g=np.repeat(["a", "b", "c"], 20))
    sets, answer = read(tmp_path / "x.npz", tmp_path / "out", set_column=("g",))
    np.testing.assert_allclose(sets.observations, x, rtol=1e-6)
    assert answer["applied"] == {"normalise": "none"}


def test_gzipped_h5ad_and_one_set_and_reads(cases: Path, home: Path, tmp_path: Path) -> None:
    from core.data.intake.importing import import_file
    from core.data.library import Library

    sets, _ = read(cases / "b26-common-formats" / "c.h5ad.gz", tmp_path / "gz", set_column=("donor",))
    assert sets.s == 3
    for folder in ("b26-common-formats", "c51-fastq"):
        sets, _ = read(cases / folder / "reads.fastq", tmp_path / folder, whole=True)
        assert sets.modality == "sequence" and sets.alphabet == "ACGT"
    with pytest.raises(InputError, match="--chunk N"):
        import_file(
            [cases / "b10-option-ignored" / "cytof.csv"], library=Library(), options=CollectionOptions(whole=True)
        )


def test_dates_give_months_and_years(cases: Path, tmp_path: Path) -> None:
    path = cases / "11-dates" / "lower.fasta"
    sets, answer = read(path, tmp_path / "out", set_column=("field_2 (month)",))
    days = pd.Series([line[1:].split("|")[1] for line in path.read_text().splitlines() if line.startswith(">")])
    assert sets.set_id.tolist() == list(dict.fromkeys(days.str[:7]))
    mean = pd.to_datetime(days).map(lambda d: d.year + (d.dayofyear - 1) / (366 if d.is_leap_year else 365))
    expected = mean.groupby(days.str[:7]).mean()[sets.set_id.tolist()]
    np.testing.assert_allclose(sets.covariates["field_2 (year)"], expected)
    assert any("holds dates" in note for note in answer["notes"])
    with pytest.raises(InputError, match=r"'field_2 \(month\)'"):
        read(path, tmp_path / "ids", set_column=("field_1",))


def test_choices_of_genotypes_are_refused_for_sets(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from core.cli import main

    rows = [f"{'abcd'[i % 4]},{i}.5" for i in range(24)]
    path = str(write(tmp_path / "t.csv", "g,x", rows))
    assert main(["import", path, "--kind", "sets", "--set-column", "g", "--ploidy", "2"]) == 2
    assert "--ploidy is no setting of sets" in capsys.readouterr().err
    assert main(["import", path, "--set-column", "g"]) == 2
    assert "add --kind sets" in capsys.readouterr().err
    assert main(["import", path, "--kind", "sets", "--set-column", "g", "--delimiter", "comma"]) == 0


def test_two_sets_are_said_to_be_too_few_to_train(tmp_path: Path) -> None:
    rows = [f"{'ab'[i % 2]},{i}.5" for i in range(12)]
    _, answer = read(write(tmp_path / "t.csv", "g,x", rows), tmp_path / "out", set_column=("g",))
    assert any("at least 3 are needed" in note for note in answer["notes"])


def test_a_table_of_texts_says_how_it_is_read_and_is_read_so(tmp_path: Path) -> None:
    path = tmp_path / "documents.csv"
    path.write_text("topic,text\n" + "".join(f't{i % 4},"A note on {i} things, and more"\n' for i in range(40)))
    with pytest.raises(InputError, match="to read the texts in 'text', choose text as the alphabet"):
        read(path, tmp_path / "numbers", set_column=("topic",))
    sets, answer = read(path, tmp_path / "texts", set_column=("topic",), alphabet="text")
    assert sets.modality == "sequence" and sets.s == 4
    assert any("'text' was taken for the sequences" in note for note in answer["notes"])


def fasta(records: int) -> str:
    return "".join(f">s{i}|g{i % 4}\n{'ACGT' * 5}{'ACGT'[i % 4]}\n" for i in range(records))


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + fasta(40).replace("\n", "\r\n").encode(),
        fasta(40).replace("\n", "\r").encode(),
        b"; written by an old program\n\n" + fasta(40).encode(),
    ],
    ids=["byte order mark and CRLF", "line ends of an old Mac", "comment in front"],
)
def test_fasta_files_of_other_programs_are_read(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other.fasta"
    path.write_bytes(content)
    sets, _ = read(path, tmp_path / "out", set_column=("field_2",))
    assert (sets.s, sets.k, sets.alphabet) == (4, 40, "ACGT")


def test_utf_16_is_said(tmp_path: Path) -> None:
    path = tmp_path / "windows.csv"
    path.write_bytes("sample,sequence\na,ACGTAC\n".encode("utf-16"))
    with pytest.raises(InputError, match="UTF-16"):
        read(path, tmp_path / "out", set_column=("sample",))
