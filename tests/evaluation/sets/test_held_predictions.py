"""Predictions on held-out sets: which sets are drawn again, which is the control, and shifts whose size is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.commands.predictions import predictions
from core.data.sets import SetCollection
from core.data.stages import numbers_of, stages
from core.evaluation.sets.conditions import control_of
from core.evaluation.sets.effects import effects
from core.evaluation.sets.held_effects import held_effects, origin_of
from core.evaluation.sets.resampling import interval, resamples
from core.evaluation.sets.space import Subject
from core.reports.report import Report
from tests.evaluation.sets.test_lineage_and_effects import donors, mean_subject


def screen(scale: float) -> tuple[SetCollection, np.ndarray]:
    """A control and 14 perturbations of 60 cells, each with a shift of its own of about `scale` a feature."""
    rng = np.random.default_rng(3)
    shift = np.concatenate([np.zeros((1, 5)), scale * rng.normal(size=(14, 5))])
    names = np.array(["NT", *(f"G{i}" for i in range(14))])
    rows = [s + rng.normal(size=(60, 5)) for s in shift]
    sets = SetCollection(
        np.concatenate(rows).astype(np.float32), np.arange(16) * 60, names, labels={"perturbation": names}
    )
    return sets, np.arange(15) % 3 == 1


def test_units_are_drawn_whole_where_there_are_five() -> None:
    group = np.repeat(np.arange(6), 4)
    draws, what = resamples(group, np.random.default_rng(0), 50)
    assert what == "units"
    for d in draws:
        counts = np.bincount(d, minlength=24).reshape(6, 4)
        assert (counts == counts[:, :1]).all()
    assert resamples(np.repeat(np.arange(3), 4), np.random.default_rng(0))[1] == "sets"
    low, high = interval(lambda d: float(group[d].mean()), draws)
    assert low < group.mean() < high


@pytest.mark.parametrize(
    ("values", "control"),
    [
        (["NT", "TP53", "NTRK1"], "NT"),
        (["Ref", "BCRXL"], "Ref"),
        (["non-targeting", "PTEN"], "non-targeting"),
        (["DMSO 0.1%", "drug"], "DMSO 0.1%"),
        (["a", "b"], ""),
        (["control", "DMSO"], ""),
    ],
)
def test_controls_are_known_by_their_names(values: list[str], control: str) -> None:
    assert control_of(np.array(values)) == control


def test_a_large_shift_of_a_held_out_perturbation_is_foretold_and_none_is_not() -> None:
    large, none = (held_effects(mean_subject(*screen(scale)))["pooled"] for scale in (2.0, 0.0))
    assert large["mean"] > 0.9 and large["latent"] > 0.9 and large["ceiling"] > large["mean"]
    assert large["training"] < 0.5 and large["mean_low"] < large["mean"] < large["mean_high"]
    assert none["mean"] < 0.2 and none["ceiling"] < 0.6
    named = held_effects(mean_subject(*donors(1.0)))
    assert named["control"] == "rest" and len(named["rows"]) == 2 if "rows" in named else "held-out" in named["reason"]


def test_several_sets_of_a_unit_count_as_one_and_intervals_enclose() -> None:
    sets, held = donors(3.0)
    halves = SetCollection(
        sets.observations,
        np.arange(49) * 40,
        np.array([f"{i} {part}" for i in sets.set_id for part in (1, 2)]),
        labels={name: np.repeat(column, 2) for name, column in sets.labels.items()},
        unit="donor",
    )
    whole, cut = effects(mean_subject(sets, held)), effects(mean_subject(halves, np.repeat(held, 2)))
    assert whole["reference"] == cut["reference"] == "rest" and len(cut["rows"]) == 2
    for a, b in zip(whole["rows"], cut["rows"], strict=True):
        assert a["mean_r2"] == pytest.approx(b["mean_r2"], abs=0.02)
        assert b["mean_r2_low"] <= b["mean_r2"] <= b["mean_r2_high"] and b["ceiling_r2"] > 0.9
    many = effects(mean_subject(sets, np.isin(sets.labels["donor"], [f"d{i}" for i in range(6)])))
    assert many["resampled"] == "units" and many["pooled"]["mean_r2_low"] > 0.8


def test_stages_are_found_among_texts_that_are_numbers() -> None:
    assert numbers_of(np.array(["2", "", "4"])).tolist()[::2] == [2.0, 4.0]  # type: ignore[union-attr]
    assert numbers_of(np.array(["day 2"])) is None
    unit = np.repeat([f"c{i}" for i in range(12)], 2)
    day = np.tile(["2", "6"], 12)
    sets = SetCollection(
        np.zeros((24, 1), dtype=np.float32),
        np.arange(25),
        np.arange(24).astype(str),
        labels={"d": day, "c": unit},
        unit="c",
    )
    assert stages(sets)[0] == "d"
    assert stages(SetCollection(**{**vars(sets), "unit": ""})) == ("", None)


def test_the_command_line_shows_every_prediction_or_its_reason() -> None:
    subject: Subject = mean_subject(*screen(2.0))
    curves = {
        "probes": [{"target": "batch", "kind": "classification", "reason": "One value only."}],
        "early_late": {"reason": "No unit."},
        "effects": effects(mean_subject(*donors(3.0))),
        "held_effects": held_effects(subject),
    }
    text = predictions(Report({"kind": "sets", "curves": curves}))
    assert "batch: One value only." in text and "early and late: No unit." in text
    assert "rest to stimulated" in text and "shift from NT" in text
    assert predictions(Report({"kind": "genotypes"})) == ""


def test_the_control_is_the_one_that_was_chosen() -> None:
    sets, held = screen(2.0)
    found, chosen = (held_effects(replace(mean_subject(sets, held), control=control)) for control in ("", "G1"))
    assert found["control"] == "NT" and chosen["control"] == "G1" and chosen["column"] == "perturbation"
    # Shifts are measured from the sets that were chosen, and those are no perturbation any more.
    assert "G1" not in {row["set"] for row in chosen["rows"]}
    subject = replace(mean_subject(sets, held), control="G1")
    origin = subject.space(subject.observations(2)).mean(axis=0)
    assert origin_of(subject, 5, np.array([2])) == pytest.approx(origin)
    assert "shift from G1" in predictions(Report({"curves": {"held_effects": chosen}}))


def test_conditions_are_named_as_the_data_names_them() -> None:
    sets, held = donors(3.0)
    renamed = np.where(sets.labels["state"] == "rest", "day 0", "day 7")
    subject = mean_subject(replace(sets, labels={**sets.labels, "state": renamed}), held)
    back = effects(replace(subject, control="day 7"))
    assert back["reference"] == "day 7" and {row["to"] for row in back["rows"]} == {"day 0"}
    reason = held_effects(subject)["reason"]
    assert "No label names a control" in reason and "state: day 0, day 7" in reason
    for analysis in (effects, held_effects):
        refused = analysis(replace(subject, control="day 3"))["reason"]
        assert refused.startswith("No set has the label value 'day 3'") and "state: day 0, day 7" in refused
