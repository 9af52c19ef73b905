"""New files are brought into the features of the training data, or refused in words."""

from pathlib import Path

import numpy as np
import pytest

from core.data.intake.collection_options import CollectionOptions
from core.data.intake.importing import import_file, read_file
from core.data.library import Library
from core.errors import InputError
from core.latents.embedding import aligned, matching


def write(path: Path, header: str, rows: int = 9) -> Path:
    columns = header.split(",")
    lines = [
        ",".join(str(i * 10 + j) if c != "g" else "uvw"[i % 3] for j, c in enumerate(columns)) for i in range(rows)
    ]
    path.write_text(header + "\n" + "\n".join(lines) + "\n")
    return path


def test_features_are_matched_by_name_and_extra_ones_left_out(home: Path, tmp_path: Path) -> None:
    meta = import_file(
        [write(tmp_path / "t.csv", "g,x,y")], library=Library(), options=CollectionOptions(set_column=("g",))
    )
    training = Library().open(meta.id).collection()
    whole = matching(meta.id, CollectionOptions(whole=True, min_samples=1))
    new = read_file([write(tmp_path / "n.csv", "z,y,x", 4)], options=whole).population
    assert new.s == 1
    np.testing.assert_array_equal(aligned(training, new, 0), [[2, 1], [12, 11], [22, 21], [32, 31]])
    with pytest.raises(InputError, match="'x'"):
        aligned(training, read_file([write(tmp_path / "m.csv", "z,y", 4)], options=whole).population, 0)


def test_new_counts_are_normalised_as_the_training_counts_were(home: Path, tmp_path: Path) -> None:
    counts = np.random.default_rng(0).negative_binomial(1, 0.02, size=(30, 8))
    np.savez(tmp_path / "t.npz", X=counts, g=np.repeat(["u", "v", "w"], 10))
    meta = import_file([tmp_path / "t.npz"], library=Library(), options=CollectionOptions(set_column=("g",)))
    options = matching(meta.id, CollectionOptions(whole=True, min_samples=1))
    assert options.normalise == "size_log1p"
    np.savez(tmp_path / "n.npz", X=np.ones((4, 8)))
    new = read_file([tmp_path / "n.npz"], options=options).population
    np.testing.assert_allclose(aligned(Library().open(meta.id).collection(), new, 0), np.log1p(1e4 / 8), rtol=1e-5)


def test_a_table_holds_the_features_of_a_layer(home: Path, tmp_path: Path) -> None:
    anndata = pytest.importorskip("anndata")
    rng = np.random.default_rng(0)
    cells = anndata.AnnData(rng.normal(size=(12, 3)).astype(np.float32), obsm={"X_pca": rng.normal(size=(12, 2))})
    cells.obs["g"] = np.repeat(["u", "v", "w"], 4)
    cells.write_h5ad(tmp_path / "t.h5ad")
    options = CollectionOptions(set_column=("g",), layer="obsm:X_pca")
    meta = import_file([tmp_path / "t.h5ad"], library=Library(), options=options)
    path = write(tmp_path / "n.csv", "pca_2,pca_1", 4)
    whole = matching(meta.id, CollectionOptions(whole=True, min_samples=1), path.name)
    new = read_file([path], options=whole).population
    expected = [[1, 0], [11, 10], [21, 20], [31, 30]]
    np.testing.assert_array_equal(aligned(Library().open(meta.id).collection(), new, 0), expected)


def test_fitted_features_cannot_be_matched(home: Path, tmp_path: Path) -> None:
    options = CollectionOptions(set_column=("g",), components=1)
    meta = import_file([write(tmp_path / "t.csv", "g,x,y,z")], library=Library(), options=options)
    with pytest.raises(InputError, match="components"):
        matching(meta.id, CollectionOptions(whole=True))
