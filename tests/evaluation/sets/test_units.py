"""One level up: labels of units from their sets, and the latents as sets of their own."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from core.data.sets import SetCollection
from core.errors import InputError
from core.evaluation.sets import units as module
from core.evaluation.sets.units import left_out, units
from core.latents.lift import lift
from tests.evaluation.sets.test_lineage_and_effects import mean_subject


def cohort(count: int, spread: float) -> tuple[SetCollection, np.ndarray]:
    """Donors of six sets each: those that are ill have sets that differ by `spread` more, around the same mean."""
    rng = np.random.default_rng(2)
    rows, donor = [], []
    for d in range(count):
        deviation = 1 + spread * (d % 2)
        for mean in deviation * rng.normal(size=(6, 3)):
            rows.append(mean + 0.3 * rng.normal(size=(20, 3)))
            donor.append(f"d{d:02d}")
    names = np.array(donor)
    ill = np.array([int(name[1:]) % 2 for name in donor])
    sets = SetCollection(
        np.concatenate(rows).astype(np.float32),
        np.arange(len(rows) + 1) * 20,
        np.array([f"{name} {i}" for i, name in enumerate(donor)]),
        labels={"status": np.where(ill == 1, "ill", "well"), "donor": names, "part": np.arange(len(rows)).astype(str)},
        covariates={"severity": ill.astype(float), "depth": rng.normal(size=len(rows))},
        unit="donor",
    )
    return sets, np.isin(names, [f"d{d:02d}" for d in range(0, count, 3)])


def test_what_differs_between_the_sets_of_a_unit_is_seen_by_latents_and_not_by_the_mean() -> None:
    found = units(mean_subject(*cohort(40, 3.0)))
    rows = {row["target"]: row for row in found["rows"]}
    assert set(rows) == {"status", "severity"} and found["n_units"] == 40 and found["n_holdout"] == 14
    assert rows["status"]["latent"] > 0.85 and rows["status"]["latent"] > rows["status"]["null"]
    assert rows["status"]["difference_low"] > 0 and rows["status"]["latent_held"] > 0.7
    assert rows["severity"]["latent"] > 0.3 > rows["severity"]["mean"]


def test_where_there_is_nothing_the_score_stays_below_its_null() -> None:
    rows = {row["target"]: row for row in units(mean_subject(*cohort(40, 0.0)))["rows"]}
    assert rows["status"]["latent"] <= rows["status"]["null"]
    assert rows["severity"]["latent"] < 0.15


def test_leaving_out_in_closed_form_is_leaving_out(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(15, 4)), rng.normal(size=(15, 2))
    monkeypatch.setattr(module, "PENALTIES", np.array([2.5]))
    standard = (x - x.mean(axis=0)) / x.std(axis=0)
    keep = [np.arange(15) != i for i in range(15)]
    slow = [Ridge(2.5).fit(standard[k], y[k]).predict(standard[~k])[0] for k in keep]
    # The intercept of the closed form is not shrunk either; its leverage is 1/n since x is centred on all rows.
    np.testing.assert_allclose(left_out(x, y), slow, atol=1e-6)


def test_without_units_or_labels_of_units_there_is_a_reason() -> None:
    sets, held = cohort(12, 1.0)
    assert "name no unit" in units(mean_subject(SetCollection(**{**vars(sets), "unit": ""}), held))["reason"]
    few, few_held = cohort(8, 1.0)
    assert "8 units (donor) have two sets or more" in units(mean_subject(few, few_held))["reason"]
    bare = SetCollection(**{**vars(sets), "labels": {"donor": sets.labels["donor"]}, "covariates": {}})
    assert "No label or covariate is the same" in units(mean_subject(bare, held))["reason"]


def test_units_become_sets_of_latents() -> None:
    sets, held = cohort(12, 1.0)
    alone = sets.labels["donor"].copy()
    alone[0] = "single"
    sets = SetCollection(**{**vars(sets), "labels": {**sets.labels, "donor": alone}})
    latents = np.arange(sets.s * 2, dtype=np.float32).reshape(-1, 2)
    made = lift(sets, latents, np.flatnonzero(held))
    assert made.dropped == 1 and made.sets.s == 12 and made.sets.sizes.tolist() == [5] + [6] * 11
    assert list(made.sets.labels) == ["status"] and list(made.sets.covariates) == ["severity"]
    np.testing.assert_array_equal(made.sets.observations_of(1), latents[6:12])
    assert made.sets.feature.tolist() == ["latent 1", "latent 2"]
    assert [str(made.sets.set_id[i]) for i in made.holdout] == ["d00", "d03", "d06", "d09"] and made.mixed == 0
    by_status = lift(sets, latents, np.flatnonzero(held), "status")
    assert by_status.sets.s == 2 and not len(by_status.holdout) and by_status.mixed == 2
    with pytest.raises(InputError, match="no label column 'clinic'"):
        lift(sets, latents, np.flatnonzero(held), "clinic")
    with pytest.raises(InputError, match="0 of 72 values of 'part' have 2 sets"):
        lift(sets, latents, np.flatnonzero(held), "part")
