"""Observations from files become the sets that they should."""

import io
import zipfile
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.sparse import csr_matrix

from core.config.schema import to_dict
from core.data.intake.collection_options import CollectionOptions
from core.data.intake.importing import import_file
from core.data.intake.reader import main
from core.data.library import Library
from core.data.population_files import read_sets
from core.data.sets import SetCollection
from core.errors import InputError


def read(path: Path | list[Path], folder: Path, **options: Any) -> tuple[SetCollection, dict[str, Any]]:
    folder.mkdir(exist_ok=True)
    files = [(str(one), one.name) for one in ([path] if isinstance(path, Path) else path)]
    chosen = to_dict(CollectionOptions(**options))
    job = {"task": "read", "kind": "sets", "files": files, "tables": {}, "options": chosen}
    answer = main(job, folder)
    return read_sets(folder), answer


def cells(tmp_path: Path) -> tuple[Path, np.ndarray]:
    rng = np.random.default_rng(0)
    counts = rng.poisson(2.0, size=(60, 5)).astype(np.float32)
    obs = pd.DataFrame(
        {
            "donor": np.repeat(["a", "b", "c"], 20),
            "state": np.tile(["rest", "fire"], 30),
            "depth": rng.normal(size=60),
            "kind": pd.Categorical(rng.choice(["T", "B"], 60)),
        },
        index=[f"cell{i}" for i in range(60)],
    )
    data = anndata.AnnData(csr_matrix(counts), obs=obs, var=pd.DataFrame(index=[f"g{i}" for i in range(5)]))
    data.obsm["X_pca"] = rng.normal(size=(60, 3)).astype(np.float32)
    data.layers["double"] = counts * 2
    data.write_h5ad(tmp_path / "cells.h5ad")
    return tmp_path / "cells.h5ad", counts


def test_h5ad_cells_are_grouped_by_columns(tmp_path: Path) -> None:
    path, counts = cells(tmp_path)
    sets, answer = read(path, tmp_path / "out", set_column=("donor", "state"), unit="donor", normalise="none")
    assert answer["format"] == "h5ad" and sets.s == 6 and sets.k == 60
    assert sets.set_id[0] == "a | rest" and sets.labels["donor"].tolist() == ["a", "a", "b", "b", "c", "c"]
    np.testing.assert_array_equal(sets.observations_of(0), counts[0:20:2])
    assert set(sets.covariates) == {"depth", "share of B in kind", "share of T in kind"}
    np.testing.assert_allclose(sets.covariates["share of B in kind"] + sets.covariates["share of T in kind"], 1)


def test_layers_embeddings_genes_and_normalisation(tmp_path: Path) -> None:
    path, counts = cells(tmp_path)
    chosen: dict[str, Any] = {"set_column": ("donor",), "layer": "double", "features": ("g3", "g0")}
    doubled, _ = read(path, tmp_path / "a", **chosen, normalise="none")
    np.testing.assert_array_equal(doubled.observations_of(0), 2 * counts[:20][:, [3, 0]])
    assert doubled.feature.tolist() == ["g3", "g0"]
    embedded, _ = read(path, tmp_path / "b", set_column=("donor",), layer="obsm:X_pca")
    assert embedded.shape == (3,) and embedded.feature.tolist() == ["pca_1", "pca_2", "pca_3"]
    logged, answer = read(path, tmp_path / "c", set_column=("donor",), normalise="size_log1p")
    expected = np.log1p(counts / counts.sum(axis=1, keepdims=True) * 1e4)
    np.testing.assert_allclose(logged.observations, expected, rtol=1e-5)
    assert any("10,000" in note for note in answer["notes"])
    reduced, answer = read(path, tmp_path / "d", set_column=("donor",), components=2, scale=True)
    assert reduced.shape == (2,) and any("variance" in note for note in answer["notes"])


def test_small_sets_and_unlabelled_observations_are_dropped_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = ["a,1,2"] * 5 + ["b,1,2"] * 4 + ["c,0,0"] * 2 + [",9,9"] + ["b,,3"]
    path.write_text("group,x,y\n" + "\n".join(rows) + "\n")
    sets, answer = read(path, tmp_path / "out", set_column=("group",))
    assert sets.set_id.tolist() == ["a", "b"] and sets.sizes.tolist() == [5, 4]
    assert answer["dropped"] == {
        "observations with a missing feature": 1,
        "observations without a set": 1,
        "sets with fewer than 3 observations": 1,
        "observations of sets that are too small": 2,
    }


def test_chunks_and_neighbourhoods(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    age = rng.uniform(0, 10, 3000)
    frame = pd.DataFrame({"g": "one", "age": age, "x": age + rng.normal(size=3000) * 0.1, "y": rng.normal(size=3000)})
    frame.loc[:999, "g"] = "two"
    path = tmp_path / "t.tsv"
    frame.to_csv(path, sep="\t", index=False)
    cut, _ = read(path, tmp_path / "a", set_column=("g",), chunk=250, features=("x", "y"))
    assert cut.s == 12 and cut.sizes.max() - cut.sizes.min() <= 1
    near, _ = read(path, tmp_path / "b", neighbourhood="age", neighbourhoods=20, window=0.1, features=("x",))
    means = np.array([near.observations_of(i).mean() for i in range(near.s)])
    assert near.s == 20 and (np.diff(means) > 0).all()
    np.testing.assert_allclose(means, near.covariates["age"], atol=0.1)


def test_images_from_npz_and_from_a_zip_of_folders(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    pictures = rng.integers(0, 256, size=(8, 16, 16, 3), dtype=np.uint8)
    np.savez(tmp_path / "i.npz", X=pictures, label=np.repeat(["u", "v"], 4))
    sets, _ = read(tmp_path / "i.npz", tmp_path / "a", set_column=("label",))
    assert sets.modality == "image" and sets.shape == (3, 16, 16)
    np.testing.assert_array_equal(sets.observations_of(1)[0], pictures[4].transpose(2, 0, 1))
    with zipfile.ZipFile(tmp_path / "i.zip", "w") as archive:
        for i, picture in enumerate(pictures):
            buffer = io.BytesIO()
            Image.fromarray(picture).save(buffer, "PNG")
            archive.writestr(f"plate/{'uv'[i // 4]}/{i}.png", buffer.getvalue())
    zipped, _ = read(tmp_path / "i.zip", tmp_path / "b", set_column=("level_2",))
    np.testing.assert_array_equal(zipped.observations, sets.observations)


def test_sequences_from_fasta_and_csv(tmp_path: Path) -> None:
    fasta = tmp_path / "s.fasta"
    fasta.write_text(">r1|2020-01\nACGT\nAC\n>r2|2020-01\nacgtaa\n>r3|2020-01\nTTTT\n>r4|2020-02\nNNAC\n")
    with pytest.raises(InputError, match="1 sets of at least 1"):
        read(fasta, tmp_path / "a", set_column=("field_2",), min_samples=1)
    fasta.write_text(fasta.read_text() + ">r5|2020-02\nGGG\n")
    sets, answer = read(fasta, tmp_path / "a", set_column=("field_2",), min_samples=1)
    assert sets.alphabet == "ACGT" and sets.shape == (6,) and sets.set_id.tolist() == ["2020-01", "2020-02"]
    assert sets.observations_of(0)[0].tolist() == [0, 1, 2, 3, 0, 1]
    assert sets.observations_of(1)[0].tolist() == [2, 2, 2, -1, -1, -1]
    assert answer["dropped"]["sequences with ambiguous letters"] == 1
    table = tmp_path / "s.csv"
    table.write_text("donor,cdr3,count\n" + "".join(f"d{i % 2},CASS{'LQW'[i % 3]}F,{i}\n" for i in range(12)))
    proteins, _ = read(table, tmp_path / "b", set_column=("donor",))
    assert proteins.modality == "sequence" and proteins.alphabet.startswith("ACDEF") and proteins.s == 2


@pytest.mark.parametrize(
    ("file", "options", "expected"),
    [
        (
            "larry-clones/test_adata_preprocessed.h5ad",
            {"set_column": ("clone", "time_info"), "layer": "obsm:X_pca"},
            (71, 40),
        ),
        ("cropseq-perturbations/cropseq_6229.h5ad", {"set_column": ("perturbation",)}, (30, 28)),
        ("cytof-pbmc/pbmc_bcrxl_cytof.h5ad", {"set_column": ("patient_id", "condition")}, (8, 24)),
        ("blood-cells/bccd_crops32.npz", {"set_column": ("label",)}, (3, 3, 32, 32)),
        ("tcr-donors/tcr_cdr3.csv.gz", {"set_column": ("Sample",)}, (12, 26)),
    ],
)
def test_real_files(
    file: str, options: dict[str, Any], expected: tuple[int, ...], shared: Path, tmp_path: Path
) -> None:
    found, _ = read(shared / "data" / file, tmp_path / "out", **options)
    assert (found.s, *found.shape) == expected


def test_sets_go_through_the_library_and_back(home: Path, tmp_path: Path) -> None:
    path, counts = cells(tmp_path)
    library = Library()
    options = CollectionOptions(set_column=("donor", "state"), unit="donor", normalise="none")
    meta = import_file([path], library=library, options=options)
    facts = meta.collection
    assert (meta.kind, meta.name, facts.sets, facts.observations, facts.shape) == ("sets", "cells", 6, 60, [5])
    assert facts.unit == "donor" and meta.n_train + meta.n_holdout == 6
    assert import_file([path], library=library, options=options).id == meta.id
    assert len([one for one in library.list() if not one.embedded]) == 1
    dataset = library.open("cells")
    sets = dataset.collection()
    assert isinstance(sets.observations, np.memmap)
    np.testing.assert_array_equal(sets.observations_of(0), counts[0:20:2])
    assert dataset.profile()["arrays"]["size"].tolist() == [10] * 6
    with pytest.raises(InputError, match="no column 'nobody'"):
        import_file([path], library=library, options=CollectionOptions(set_column=("nobody",)))
