"""The cross-validation of set embeddings, on simulated sets whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.bench.real_sets import Collection, folds, gathered, main, read, table
from core.data.simulators.families import FamilyConfig, simulate_family
from core.errors import InputError


def test_every_unit_is_held_out_once_and_whole() -> None:
    sets = simulate_family(FamilyConfig(family="mvn", sets=12, observations=8))
    sets = replace(sets, labels={"donor": np.repeat(["a", "b", "c", "d"], 3)}, unit="donor")
    parts = folds(sets, 5)
    assert len(parts) == 4 and sorted(np.concatenate(parts).tolist()) == list(range(12))
    assert all(len(set(sets.labels["donor"][part])) == 1 for part in parts)


def test_an_exact_latent_stands_between_floor_and_mean_and_beside_what_needs_no_training() -> None:
    sets = simulate_family(FamilyConfig(family="covariance_only", sets=45, observations=60, dimension=3))
    rows = {row["score"]: row for row in table(gathered(sets, Collection("", {}, "cytometry"), 3, 1, []))}
    assert rows["W2, floor"]["value"] < rows["W2, w2"]["value"] < rows["W2, mean_only"]["value"]
    assert -0.2 < rows["reconstruction fraction"]["value"] < 0.8
    assert rows["variance ratio, median"]["value"] == pytest.approx(1, abs=0.15)
    assert {f"{name} − floor" for name in ("mean_only", "mean_variance", "mean_covariance")} <= rows.keys()
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows.values())
    assert rows["rank correlation, latent"]["value"] > rows["rank correlation, mean"]["value"]


def test_a_missing_file_and_an_unknown_collection_are_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        read(tmp_path, Collection("nothing.h5ad", {}, "cytometry"))
    with pytest.raises(InputError, match="no collection called 'mouse'"):
        main([str(tmp_path), "--only", "mouse"])
