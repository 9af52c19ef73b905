"""The cross-validation of set embeddings, on simulated sets whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.bench.real_probes import add_read_off
from core.bench.real_sets import Collection, folds, gathered, main, read, table
from core.data.simulators.families import FamilyConfig, simulate_family
from core.data.simulators.sequences import SyntheticDnaConfig, simulate_synthetic_dna
from core.errors import InputError


def test_every_unit_is_held_out_once_and_whole() -> None:
    sets = simulate_family(FamilyConfig(family="mvn", sets=12, observations=8))
    sets = replace(sets, labels={"donor": np.repeat(["a", "b", "c", "d"], 3)}, unit="donor")
    parts = folds(sets, 5)
    assert len(parts) == 4 and sorted(np.concatenate(parts).tolist()) == list(range(12))
    assert all(len(set(sets.labels["donor"][part])) == 1 for part in parts)


def test_months_are_held_out_with_their_neighbours() -> None:
    sets = simulate_family(FamilyConfig(family="mvn", sets=12, observations=8))
    months = np.array([f"2021-{m:02d}" for m in (3, 1, 2, 4, 6, 5) for _ in range(2)])
    parts = folds(replace(sets, labels={"month": months}, unit="month"), 3)
    assert [sorted(set(months[part])) for part in parts] == [
        ["2021-01", "2021-02"],
        ["2021-03", "2021-04"],
        ["2021-05", "2021-06"],
    ]


def test_an_exact_latent_stands_between_floor_and_mean_and_beside_what_needs_no_training() -> None:
    sets = simulate_family(FamilyConfig(family="covariance_only", sets=45, observations=60, dimension=3))
    rows = {row["score"]: row for row in table(gathered(sets, Collection("", {}, "cytometry"), 3, 1, []))}
    assert rows["W2, floor"]["value"] < rows["W2, w2"]["value"] < rows["W2, mean_only"]["value"]
    assert -0.2 < rows["reconstruction fraction"]["value"] < 0.8
    assert rows["variance ratio, median"]["value"] == pytest.approx(1, abs=0.15)
    assert {f"{name} − floor" for name in ("mean_only", "mean_variance", "mean_covariance")} <= rows.keys()
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows.values())
    assert rows["rank correlation, latent"]["value"] > rows["rank correlation, mean"]["value"]


def test_sequences_are_read_and_generated_in_every_fold() -> None:
    sets = simulate_synthetic_dna(SyntheticDnaConfig(sets=40, observations=60, letters=30))
    few = ("generator=position_weights", "encoder=sequence_cnn", "encoder.channels=8", "encoder.width=16")
    settings = (*few, "model.context_max=16", "model.query=8", "training.epochs=2")
    collection = Collection("", {}, "gpra_dna", settings=settings, targets=("strength",))
    rows = {row["score"]: row["value"] for row in table(gathered(sets, collection, 2, 1, []))}
    assert rows["strength off words, R²"] > 0.6
    assert rows["strength, R², null (95 % point)"] < 0.3
    assert rows["strength, R², latent − words"] == pytest.approx(
        rows["strength off latent, R²"] - rows["strength off words, R²"]
    )
    assert rows["kmers, real half"] < rows["kmers, generated"]
    assert rows["likelihood, generated"] < 0 and not any("shift" in name for name in rows)


def test_a_unit_is_what_most_of_its_sets_are_read_as() -> None:
    said = {"a": "xxy", "b": "xyy", "c": "yyx", "d": "yyy", "e": "xxx"}
    truth = {"a": "x", "b": "x", "c": "y", "d": "y", "e": "x"}
    rows = [
        {"target": "status", "unit": i, "truth": truth[unit], "guess": {"latent": one}, "null": ["x"] * 20}
        for i, (unit, sets) in enumerate(said.items())
        for one in sets
    ]
    scores: dict[str, float] = {}
    add_read_off(rows, lambda name, items, _, value: scores.update({name: value(np.arange(len(items)))}))
    assert scores["status of units, by vote off latent"] == pytest.approx(4 / 5)
    assert scores["status off latent, accuracy"] == pytest.approx(11 / 15)
    assert scores["status, accuracy, null (95 % point)"] == pytest.approx(9 / 15)


def test_a_missing_file_and_an_unknown_collection_are_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        read(tmp_path, Collection("nothing.h5ad", {}, "cytometry"))
    with pytest.raises(InputError, match="no collection called 'mouse'"):
        main([str(tmp_path), "--only", "mouse"])
