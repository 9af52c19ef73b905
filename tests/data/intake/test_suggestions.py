"""What a preview of a file of observations says, and what it suggests for the import."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.data.intake.collection_options import CollectionOptions
from core.data.intake.importing import preview
from core.data.intake.suggestions import choices, relevant, suggested_sets, surely_sets
from core.errors import InputError

SETTINGS = ["longest_side", "set_column", "features", "layer", "sequence_column", "length", "components"]


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    path = tmp_path / "cells.h5ad"
    anndata = pytest.importorskip("anndata")
    import pandas as pd

    rng = np.random.default_rng(0)
    obs = pd.DataFrame({"donor": np.repeat(["a", "b", "c"], 20), "day": np.tile([1.0, 2.0], 30)})
    obs.index = obs.index.astype(str)
    made = anndata.AnnData(rng.random((60, 5), dtype=np.float32), obs=obs, obsm={"X_pca": rng.random((60, 2))})
    made.layers["counts"] = made.X
    made.write_h5ad(path)
    return path


def test_an_h5ad_offers_its_columns_and_layers(home: Path, cells: Path) -> None:
    found = preview([cells], options=CollectionOptions())
    assert found["layers"] == ["X", "counts", "obsm:X_pca"]
    assert choices(found)["layer"] == found["layers"]
    assert choices(found)["neighbourhood"] == ["day"]
    assert suggested_sets(found) == ["donor"]
    assert "sequence_column" not in relevant(found, SETTINGS) and "layer" in relevant(found, SETTINGS)
    assert surely_sets(cells, "cells.h5ad")


def test_images_ask_for_their_size_and_cells_do_not(home: Path, tmp_path: Path, cells: Path) -> None:
    np.savez(tmp_path / "x.npz", X=np.zeros((6, 8, 8), np.uint8), g=np.repeat(["a", "b"], 3))
    found = preview([tmp_path / "x.npz"], options=CollectionOptions())
    assert "longest_side" in relevant(found, SETTINGS)
    assert "longest_side" not in relevant(preview([cells], options=CollectionOptions()), SETTINGS)


def test_a_preview_counts_the_sets_that_would_be_made(home: Path, cells: Path) -> None:
    options = CollectionOptions(set_column=("donor",), components=2)
    assert preview([cells], options=options)["built"] == {
        "sets": 3, "observations": 60, "least": 20, "most": 20, "dropped": {},
    }  # fmt: skip
    with pytest.raises(InputError, match="no column 'doner'"):
        preview([cells], options=CollectionOptions(set_column=("doner",)))


def test_numeric_columns_of_a_table_may_name_sets(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("clone,x,y\n" + "".join(f"{i % 4},{i},{i}\n" for i in range(40)))
    found = preview([path], options=CollectionOptions())
    assert choices(found)["set_column"] == ["clone", "x", "y"]
    assert suggested_sets(found) == ["clone"] and found["features"] == ["x", "y"]
    assert not surely_sets(path, "t.csv")


def test_sequences_ask_for_a_length_and_no_components(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.fasta"
    path.write_text("".join(f">r{i} month={i % 2}\n{'ACGT' * 5}\n" for i in range(20)))
    found = preview([path], options=CollectionOptions())
    assert surely_sets(path, "s.fasta")
    assert relevant(found, SETTINGS) == ["set_column", "length"]
    assert suggested_sets(found) == ["month"]
