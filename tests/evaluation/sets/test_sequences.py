"""Metrics of generated sequences, for generators whose faults are known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from core.data.sets import SetCollection
from core.evaluation.position_weights import fit_position_weights
from core.evaluation.registry import metrics
from core.evaluation.sets.flags import flags
from core.evaluation.sets.probes import probes
from core.evaluation.sets.space import Subject
from core.reports.report import Report

S, K, L = 24, 40, 12
NAMES = (
    "sequence_kmer_distance", "sequence_composition", "sequence_length_w1", "sequence_copies", "sequence_likelihood"
)  # fmt: skip


def collection() -> SetCollection:
    """Sets whose share of A rises from set to set, of 8 to 12 letters."""
    rng, strength = np.random.default_rng(0), np.linspace(0.1, 0.7, S)
    parts = [rng.choice(4, size=(K, L), p=[a, *[(1 - a) / 3] * 3]) for a in strength]
    x = np.concatenate(parts).astype(np.int8)
    x[np.arange(L) >= rng.integers(8, L + 1, size=len(x))[:, None]] = -1
    names = np.array([f"s{i}" for i in range(S)])
    covariates = {"strength": strength}
    return SetCollection(x, np.arange(S + 1) * K, names, covariates=covariates, modality="sequence", alphabet="ACGT")


def subject(kind: str) -> Subject:
    """`kind`: "own" generates from position weights of the set, "copying" training sequences, "random" letters."""
    sets = collection()
    holdout = np.arange(2, S, 3)
    train = np.setdiff1d(np.arange(S), holdout)
    rows = sets.observations[np.concatenate([np.arange(i * K, (i + 1) * K) for i in train])]

    def embed(x: npt.NDArray[Any], n: int | None = None) -> npt.NDArray[np.float32]:
        return np.array([(x == 0).sum() / (x >= 0).sum()], dtype=np.float32)

    def model(z: npt.NDArray[Any]) -> Any:
        rng = np.random.default_rng(1)
        a = float(np.clip(z[0], 0.05, 0.9))
        x = rng.choice(4, size=(4000, L), p=[a, *[(1 - a) / 3] * 3]).astype(np.int8)
        x[np.arange(L) >= rng.integers(8, L + 1, size=len(x))[:, None]] = -1
        return fit_position_weights(x, 4)

    def generate(z: npt.NDArray[Any], n: int, seed: int) -> npt.NDArray[Any]:
        rng = np.random.default_rng(seed)
        if kind == "copying":
            return rows[rng.integers(len(rows), size=(len(z), n))]
        if kind == "random":
            return rng.choice(4, size=(len(z), n, L), p=[0.01, 0.01, 0.01, 0.97]).astype(np.int8)
        return np.stack([model(one).sample(n, rng) for one in z])

    def likelihood(x: npt.NDArray[Any], z: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        return np.asarray(model(z).log_likelihood(x)) * (5.0 if kind == "random" else 1.0)

    return Subject(sets, train, holdout, embed, generate, likelihood=None if kind == "copying" else likelihood)


def measured(judged: Subject) -> dict[str, Any]:
    return {name: metrics[name].value(judged) for name in NAMES}


def failed(of: dict[str, Any]) -> set[str]:
    keys = ("value", "null", "ceiling", "params")
    entries = {name: {key: getattr(one, key) for key in keys} for name, one in of.items()}
    return {flag.name for flag in flags(Report({"schema": 1, "kind": "sets", "metrics": entries, "curves": {}}))}


def test_a_good_generator_lies_near_the_ceiling_and_beats_the_pooled_weights() -> None:
    found = measured(subject("own"))
    for name in ("sequence_kmer_distance", "sequence_composition"):
        one = found[name]
        assert one.value < one.null and one.value < 1.6 * one.ceiling, name
        assert one.interval[0] <= one.value <= one.interval[1]
    assert found["sequence_likelihood"].value > found["sequence_likelihood"].null
    assert found["sequence_likelihood"].value > found["sequence_likelihood"].baselines["position_weights_of_the_set"]
    assert found["sequence_copies"].value < 0.02
    assert not failed(found) & {"Copies training sequences", "Worse than position weights"}


def test_a_copying_generator_is_flagged() -> None:
    found = measured(subject("copying"))
    assert found["sequence_copies"].value == 1.0
    assert found["sequence_copies"].ceiling < 0.05
    assert "likelihood" in found["sequence_likelihood"].reason
    assert "Copies training sequences" in failed(found)


def test_a_generator_worse_than_position_weights_is_flagged() -> None:
    found = measured(subject("random"))
    assert found["sequence_length_w1"].value > found["sequence_length_w1"].null
    assert "Worse than position weights" in failed(found)


def test_other_observations_end_in_a_reason() -> None:
    judged = subject("own")
    vectors = SetCollection(np.zeros((S * K, 3), dtype=np.float32), np.arange(S + 1) * K, judged.sets.set_id)
    for one in measured(replace(judged, sets=vectors)).values():
        assert one.value is None and "Only for sequences" in one.reason


def test_position_weights_by_hand() -> None:
    weights = fit_position_weights(np.array([[0, 1], [0, -1], [0, 0]], dtype=np.int8), 2)
    np.testing.assert_allclose(weights.probability.sum(axis=1), 1)
    # 4 A, 1 B and 3 ends of half a letter each beside: position 1 has 1 A, 1 B, 1 end and 1.5 letters as everywhere.
    everywhere = np.array([4.5, 1.5, 3.5]) / 9.5
    np.testing.assert_allclose(weights.probability[1], (np.ones(3) + 1.5 * everywhere) / 4.5)
    assert weights.probability[0, 2] == 0 and weights.probability[2, 2] == 1
    x = weights.sample(4000, np.random.default_rng(0))
    assert (x[:, 1] < 0).mean() == pytest.approx(weights.probability[1, 2], abs=0.03)
    expected = np.log(weights.probability[0, 0]) + np.log(weights.probability[1, 2])
    np.testing.assert_allclose(weights.log_likelihood(np.array([[0, -1]], dtype=np.int8)), [expected])


def test_a_probe_of_a_covariate_has_its_error_in_its_unit() -> None:
    (row,) = probes(subject("own"))
    truth, guess = np.array(row["observed"]), np.array(row["latent_predictions"])
    assert row["mae"] == pytest.approx(np.abs(truth - guess).mean(), abs=1e-5)
    assert row["mae_low"] <= row["mae"] <= row["mae_high"]
    assert row["mae"] < row["null_mae"]
    assert {"mean_mae", "words", "words_mae", "positions", "positions_mae"} <= set(row)


def test_latents_that_follow_the_letters_follow_transport_on_edits() -> None:
    one = metrics["edit_transport_spearman"].value(subject("own"))
    assert one.params["pairs"] == 28
    assert one.value > 0.7 and one.interval[0] <= one.value <= one.interval[1]
    assert set(one.baselines) == {"mean", "w2_of_kmers"}
