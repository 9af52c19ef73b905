"""The next set of a unit: forecast where its law is known, and not where nothing changes."""

from __future__ import annotations

import numpy as np
import pytest

from core.data.sets import SetCollection
from core.data.stages import ordered
from core.evaluation.sets.forecast import consecutive, forecast, next_latents
from core.evaluation.sets.space import Subject
from core.models.gde.conditioned_transport import fit_transport
from core.reports.forecasts import flow_words, verdict

D = 3


def followed(
    turn: float, shift: float, units: int = 40, cells: int = 60, seed: int = 0
) -> tuple[SetCollection, np.ndarray]:
    """Units at stages 0, 1, 2 whose mean m becomes R m + shift: by the rotation R each unit moves its own way."""
    rng = np.random.default_rng(seed)
    rotation = np.eye(D)
    rotation[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    rows, unit, stage = [], [], []
    for u in range(units):
        mean = rng.normal(size=D) * 3
        for t in range(3):
            rows.append(mean + rng.normal(size=(cells, D)))
            unit.append(f"u{u}")
            stage.append(float(t))
            mean = rotation @ mean + shift
    sets = SetCollection(
        np.concatenate(rows).astype(np.float32),
        np.arange(len(rows) + 1) * cells,
        np.array([f"{u} {t:g}" for u, t in zip(unit, stage, strict=True)]),
        labels={"unit": np.array(unit)},
        covariates={"day": np.array(stage)},
        unit="unit",
    )
    return sets, np.isin(np.array(unit), [f"u{i}" for i in range(0, units, 4)])


def subject(sets: SetCollection, held: np.ndarray) -> Subject:
    """A model whose latent is the mean and whose sets are normal around it."""

    def generate(z: np.ndarray, n: int, seed: int) -> np.ndarray:
        return z[:, None] + np.random.default_rng(seed).normal(size=(len(z), n, z.shape[1]))

    index = np.arange(sets.s)
    return Subject(
        sets, index[~held], index[held], lambda x, seen=None: x.mean(axis=0).astype(np.float32), generate,
        fit_transport=fit_transport,
    )  # fmt: skip


def test_a_linear_law_is_forecast_by_flow_and_transport_and_not_by_the_mean_shift() -> None:
    found = forecast(subject(*followed(1.2, 0.0)))
    pooled = found["pooled"]
    assert (found["order"], found["n_train"], found["n_holdout"], found["resampled"]) == ("day", 60, 20, "units")
    assert pooled["share_linear_flow_low"] > 0.9 and pooled["share_transport_low"] > 0.7
    assert pooled["share_mean_shift"] < 0.2
    assert pooled["linear_flow_gain_low"] > 0 and pooled["transport_gain_low"] > 0
    assert pooled["floor"] <= pooled["regenerated"] * 1.1 and pooled["floor"] < pooled["unchanged"]
    assert found["best"] in ("linear_flow", "transport")
    assert "and is nearer than the mean shift" in verdict(found)
    assert "linear flow is nearer to the next set than no change" in flow_words(found)


def test_where_all_units_move_alike_the_mean_shift_is_as_good() -> None:
    found = forecast(subject(*followed(0.0, 2.0)))
    assert found["pooled"]["share_mean_shift"] > 0.9
    assert found["pooled"]["linear_flow_gain"] < 0.1


def test_where_nothing_changes_no_method_beats_no_change() -> None:
    found = forecast(subject(*followed(0.0, 0.0)))
    assert "do not rely on it" in flow_words(found)
    assert found["best"] == "" and verdict(found).startswith("None of the forecasts")
    assert all(found["pooled"][f"{m}_over_unchanged_low"] <= 0 for m in ("mean_shift", "linear_flow", "transport"))


def test_what_cannot_be_forecast_says_why() -> None:
    sets, held = followed(1.0, 0.0, units=12)
    assert "name no unit" in forecast(subject(SetCollection(**{**vars(sets), "unit": ""}), held))["reason"]
    assert (
        "No column of numbers" in forecast(subject(SetCollection(**{**vars(sets), "covariates": {}}), held))["reason"]
    )
    few, few_held = followed(1.0, 0.0, units=4)
    assert "6 training and 2 held-out pairs" in forecast(subject(few, few_held))["reason"]


def test_few_units_of_many_stages_are_ordered_and_a_measurement_is_no_stage() -> None:
    sets, _ = followed(1.0, 0.0, units=6)
    assert ordered(sets)[0] == "day"
    measured = {"size": np.random.default_rng(0).normal(size=sets.s)}
    assert ordered(SetCollection(**{**vars(sets), "covariates": measured})) == ("", None)


def test_pairs_follow_the_order_and_the_largest_set_of_a_stage_counts() -> None:
    unit, day = np.array(["a"] * 4 + ["b"] * 2), np.array([4.0, 2.0, 2.0, 9.0, 2.0, 4.0])
    sets = SetCollection(
        np.zeros((12, 1), dtype=np.float32),
        np.array([0, 2, 3, 6, 8, 10, 12]),
        np.arange(6).astype(str),
        labels={"unit": unit},
        covariates={"day": day},
        unit="unit",
    )
    found = consecutive(sets)
    assert not isinstance(found, str)
    assert found[2].tolist() == [[2, 0], [0, 3], [4, 5]]


def test_where_the_units_are_months_month_follows_month() -> None:
    months = [f"2020-{m:02d}" for m in (12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)]
    unit = np.repeat(months, 5)[:-2]
    rng, step = np.random.default_rng(0), np.array([1.0, -1.0, 0.5])
    mean = np.array([int(u[5:]) for u in unit])[:, None] * step
    sets = SetCollection(
        (mean[:, None] + rng.normal(size=(len(unit), 40, D))).reshape(-1, D).astype(np.float32),
        np.arange(len(unit) + 1) * 40,
        np.arange(len(unit)).astype(str),
        labels={"month": unit},
        covariates={"length": rng.integers(2, size=len(unit)).astype(float)},
        unit="month",
    )
    found = consecutive(sets)
    assert not isinstance(found, str)
    steps = {(unit[i], unit[j]) for i, j in found[2]}
    assert found[0] == "month" and steps == {(f"2020-{m:02d}", f"2020-{m + 1:02d}") for m in range(1, 12)}
    assert len(found[2]) == 9 * 5 + 3 + 3  # November, the last, has three sets
    judged = forecast(subject(sets, np.isin(unit, ["2020-04", "2020-08", "2020-12"])))
    assert (judged["order"], judged["units"], judged["n_holdout"], judged["n_train"]) == ("month", 3, 13, 28)
    assert judged["pooled"]["share_mean_shift"] > 0.9


def test_the_step_of_the_latent_depends_on_the_time_that_passes() -> None:
    rng = np.random.default_rng(0)
    start = rng.normal(size=(200, 2))
    passed = rng.integers(1, 5, size=200).astype(float)
    latents = np.concatenate([start, start + passed[:, None] * [1.0, -2.0]])
    stage = np.concatenate([np.zeros(200), passed])
    fit = np.column_stack([np.arange(200), np.arange(200) + 200])
    guess = next_latents(latents, stage, fit, (np.zeros((1, 2)), np.zeros(1)), np.array([3.0]))
    np.testing.assert_allclose(guess, [[3.0, -6.0]], atol=0.05)


def test_transport_carries_observations_where_the_latents_say() -> None:
    rng = np.random.default_rng(0)
    ends = rng.normal(size=(30, 2, 2)) * 2
    pair = np.repeat(np.arange(30), 40)
    x = ends[pair, 0] + 0.3 * rng.normal(size=(1200, 2))
    carry = fit_transport(x, x + ends[pair, 1] - ends[pair, 0], pair, ends, 0)
    moved = carry(np.zeros((50, 2)), np.zeros(2), np.array([2.0, -1.0]))
    assert moved.mean(axis=0) == pytest.approx([2.0, -1.0], abs=0.5)
