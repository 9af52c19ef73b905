"""A set under another condition: effects that are known, and intervals that hold as often as they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.data.sets import SetCollection
from core.errors import InputError
from core.evaluation.sets.intervention import intervene, interventions
from core.reports.interventions import coverage_words
from tests.evaluation.sets.test_lineage_and_effects import mean_subject

EFFECT = np.array([2.0, -1.0, 0.0, 0.0])


def donors(count: int, spread: float, seed: int = 0, cells: int = 60) -> tuple[SetCollection, np.ndarray]:
    """Donors at rest and stimulated: the effect of each is EFFECT and a normal deviation of its own."""
    rng = np.random.default_rng(seed)
    rows, donor, state = [], [], []
    for d in range(count):
        base, own = rng.normal(size=4), EFFECT + spread * rng.normal(size=4)
        for name, shift in (("rest", np.zeros(4)), ("stimulated", own)):
            rows.append(base + shift + rng.normal(size=(cells, 4)))
            donor.append(f"d{d}")
            state.append(name)
    sets = SetCollection(
        np.concatenate(rows).astype(np.float32),
        np.arange(len(rows) + 1) * cells,
        np.array([f"{d} {s}" for d, s in zip(donor, state, strict=True)]),
        labels={"state": np.array(state), "donor": np.array(donor)},
        feature=np.array(["up", "down", "same", "still"]),
        unit="donor",
    )
    return sets, np.isin(np.array(donor), [f"d{i}" for i in range(0, count, 3)])


def test_a_known_effect_is_predicted_and_the_features_are_named() -> None:
    subject = mean_subject(*donors(12, 0.2))
    found = intervene(subject, 0, "stimulated")
    assert (found.column, found.before, found.after, found.units, found.missing) == (
        "state",
        "rest",
        "stimulated",
        11,
        "",
    )
    assert [found.feature[i] for i in found.top[:2]] == ["up", "down"]
    scale = subject.space.scale
    assert found.low is not None and found.high is not None and found.average_low is not None
    assert found.average_high is not None and found.observed is not None
    assert ((found.low < EFFECT / scale) & (found.high > EFFECT / scale)).all()
    # The average effect is known better than the effect on one set.
    assert ((found.high - found.low) > 1.5 * (found.average_high - found.average_low)).all()
    assert found.latent - subject.latents[0] == pytest.approx(EFFECT, abs=0.4)
    back = intervene(subject, 1, "rest")
    assert back.change == pytest.approx(-found.change, abs=0.15)


@pytest.mark.parametrize("count", [6, 12])
def test_intervals_hold_as_often_as_they_say(count: int) -> None:
    """Over seeds, of units that the step was not learned from; the unit's own effect deviates."""
    held = []
    for seed in range(60):
        found = interventions(mean_subject(*donors(count, 0.5, seed)))
        held += [row["coverage"] for row in found["rows"]]
    assert 0.92 < np.mean(held) < 0.985


def test_coverage_is_said_in_words_and_intervals_that_are_too_narrow_are_flagged() -> None:
    found = interventions(mean_subject(*donors(24, 0.5)))
    assert (found["reference"], found["units"], found["resampled"]) == ("rest", 8, "units")
    assert found["pooled"]["coverage"] > 0.85
    text = coverage_words(found)
    assert text.startswith("In 8 held-out units") and "bootstrap over units" in text
    low = {"coverage": 0.6, "coverage_low": 0.5, "coverage_high": 0.7, "top": 0.6}
    assert "too narrow" in coverage_words(found | {"pooled": low})


def test_without_four_other_units_there_is_no_interval_and_it_says_why() -> None:
    subject = mean_subject(*donors(4, 0.2))
    found = intervene(subject, 0, "stimulated")
    assert found.units == 3 and found.low is None and found.average_low is None
    assert found.missing.startswith("3 other units were seen under both conditions; at least 4 are needed")
    assert "2 training units were seen under 'rest'" in interventions(subject)["reason"]
    assert "How often these intervals hold is not known" in coverage_words(interventions(subject))


def test_what_was_never_seen_is_refused() -> None:
    sets, held = donors(6, 0.2)
    subject = mean_subject(sets, held)
    with pytest.raises(InputError, match="already has state 'rest'"):
        intervene(subject, 0, "rest")
    with pytest.raises(InputError, match="No set has the label value 'frozen'; the labels are state: rest, stimulated"):
        intervene(subject, 0, "frozen")
    with pytest.raises(InputError, match="no label column 'dose'"):
        intervene(subject, 0, "stimulated", "dose")
    with pytest.raises(InputError, match="name no unit"):
        intervene(replace(subject, sets=replace(sets, unit="")), 0, "stimulated")
    alone = np.where(np.arange(sets.s) == 1, "treated", sets.labels["state"])
    with pytest.raises(InputError, match="No other donor was seen under both"):
        intervene(mean_subject(replace(sets, labels={**sets.labels, "state": alone}), held), 0, "treated")
    twice = replace(sets, labels={**sets.labels, "again": sets.labels["state"]})
    with pytest.raises(InputError, match="choose one by --column"):
        intervene(mean_subject(twice, held), 0, "stimulated")
