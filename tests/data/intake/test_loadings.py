"""Generated cells of an embedding are genes again: x = W z + μ, from the file to the export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.cli import main
from core.data.digest import content_digest
from core.data.library import Library
from core.data.loadings import Loadings
from core.errors import InputError
from core.runs.store import RunStore
from tests.data.intake.test_collection import read

anndata = pytest.importorskip("anndata")
GENES, WIDTH, CELLS = 30, 4, 240
OPTIONS: dict[str, Any] = {"set_column": ("donor",), "layer": "obsm:X_pca"}


def truth() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Expression X, its mean, orthonormal loadings that leave the last two genes out, and scores (X − mean) W."""
    rng = np.random.default_rng(0)
    x = rng.gamma(2.0, size=(CELLS, 5)) @ rng.gamma(1.0, size=(5, GENES)) + 0.1 * rng.random((CELLS, GENES))
    x = x.astype(np.float32)
    mean = x.mean(axis=0)
    matrix = np.zeros((GENES, WIDTH))
    matrix[:-2] = np.linalg.svd((x - mean)[:, :-2], full_matrices=False)[2][:WIDTH].T
    return x, mean, matrix, (x - mean) @ matrix


def written(path: Path, x: np.ndarray, scores: np.ndarray, **varm: np.ndarray) -> Path:
    data = anndata.AnnData(x, obs={"donor": [f"d{i // 20}" for i in range(CELLS)]})
    data.var_names = [f"gene{i}" for i in range(GENES)]
    data.obsm["X_pca"] = scores
    for name, matrix in varm.items():
        data.varm[name] = matrix
    data.write_h5ad(path)
    return path


def test_scores_of_x_come_back_as_genes_with_the_mean(tmp_path: Path) -> None:
    x, mean, matrix, scores = truth()
    sets, done = read(written(tmp_path / "cells.h5ad", x, scores, PCs=matrix), tmp_path / "a", **OPTIONS)
    loadings = sets.loadings
    assert loadings is not None and loadings.mean is not None
    assert loadings.gene.tolist() == [f"gene{i}" for i in range(GENES - 2)]
    assert loadings.matrix == pytest.approx(matrix[:-2], abs=1e-6)
    expected = scores @ matrix.T + mean
    assert loadings.genes(scores.astype(np.float32)) == pytest.approx(expected[:, :-2], abs=1e-4)
    assert any("28 of 30 genes" in note and "the mean is that of X" in note for note in done["notes"])


def test_loadings_that_are_not_those_of_x_give_deviations_and_say_so(tmp_path: Path) -> None:
    x, _, matrix, scores = truth()
    sets, done = read(written(tmp_path / "cells.h5ad", np.exp(x / 9), scores, PCs=matrix), tmp_path / "a", **OPTIONS)
    assert sets.loadings is not None and sets.loadings.mean is None
    assert sets.loadings.genes(scores[:3].astype(np.float32)) == pytest.approx(scores[:3] @ matrix[:-2].T, abs=1e-4)
    assert any("deviations from it" in note for note in done["notes"])
    assert "not known" in sets.loadings.units


def test_which_loadings_is_not_guessed_and_chosen_features_have_none(tmp_path: Path) -> None:
    x, _, matrix, scores = truth()
    two = written(tmp_path / "two.h5ad", x, scores, one=matrix, other=2 * matrix)
    sets, done = read(two, tmp_path / "a", **OPTIONS)
    assert sets.loadings is None and any("one, other" in note for note in done["notes"])
    path = written(tmp_path / "cells.h5ad", x, scores, PCs=matrix)
    scaled, done = read(path, tmp_path / "b", **OPTIONS, scale=True)
    assert scaled.loadings is None and any("do not lead back" in note for note in done["notes"])


def test_generated_cells_are_exported_as_genes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POPSCAPE_HOME", str(tmp_path / "home"))
    x, mean, matrix, scores = truth()
    path = written(tmp_path / "cells.h5ad", x, scores, PCs=matrix)
    words = ["--kind", "sets", "--set-column", "donor", "--layer", "obsm:X_pca", "--name", "embedded"]
    assert main(["import", str(path), *words]) == 0
    kept = Library().open("embedded").collection()
    assert kept.loadings is not None and kept.loadings.gene[0] == "gene0"
    assert content_digest(kept) == Library().open("embedded").meta.id
    assert main(["train", "experiment=cytometry", "--dataset", "embedded"]) == 0
    (run,) = (one.run for one in RunStore().list() if not one.embedded)
    ends, out = ["--from", "d0", "--to", "d1", "--steps", "2", "--n", "20"], tmp_path / "way.npz"
    assert main(["interpolate", run, *ends, "--genes", "--out", str(out)]) == 0
    assert "28 genes of each generated cell" in capsys.readouterr().out
    with np.load(out, allow_pickle=False) as arrays:
        assert arrays["gene"].tolist() == kept.loadings.gene.tolist()
        expected = arrays["generated"] @ matrix[:-2].T + mean[:-2]
        assert arrays["genes"].shape == (2, 20, 28) and arrays["genes"] == pytest.approx(expected, abs=1e-3)


def test_too_many_genes_at_once_are_refused() -> None:
    loadings = Loadings(np.zeros((5000, 1), dtype=np.float32), np.array(["g"] * 5000))
    with pytest.raises(InputError, match="take fewer cells"):
        loadings.genes(np.zeros((100, 201, 1), dtype=np.float32))
