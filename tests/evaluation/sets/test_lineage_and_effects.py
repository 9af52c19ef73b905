"""Early and late sets, and effects carried over to held-out units, on data whose answer is known."""

import numpy as np
import pytest

from core.data.sets import SetCollection
from core.data.simulators.clones import ClonesConfig, simulate_clones
from core.evaluation.sets.effects import effects
from core.evaluation.sets.lineage import early_late, information
from core.evaluation.sets.space import Subject


def mean_subject(sets: SetCollection, held: np.ndarray) -> Subject:
    """A model whose latent is the mean and which generates unit noise around it."""

    def generate(z: np.ndarray, n: int, seed: int) -> np.ndarray:
        return z[:, None] + np.random.default_rng(seed).normal(size=(len(z), n, z.shape[1]))

    index = np.arange(sets.s)
    return Subject(sets, index[~held], index[held], lambda x, seen=None: x.mean(axis=0).astype(np.float32), generate)


def test_information_of_correlated_normals() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(800, 1))
    y = 0.9 * x + np.sqrt(1 - 0.81) * rng.normal(size=(800, 1))
    assert information(x, y) == pytest.approx(-0.5 * np.log2(1 - 0.81), abs=0.15)
    assert information(x, rng.normal(size=(800, 1))) < 0.1


@pytest.mark.parametrize(("signal", "told"), [(1.5, True), (0.0, False)])
def test_early_clones_tell_late_fates_only_where_there_is_a_signal(signal: float, told: bool) -> None:
    sets = simulate_clones(ClonesConfig(clones=150, cells=60, early_signal=signal))
    clones = sets.labels["clone"]
    found = early_late(mean_subject(sets, np.isin(clones, np.unique(clones)[::4])))
    assert found["order"] == "day" and found["n_holdout"] == 38
    if told:
        assert found["retrieval_top5"] > 3 * found["chance_top5"]
        assert found["information"] > found["information_null"] + 0.2
    else:
        assert found["retrieval_top5"] < 3 * found["chance_top5"]


def donors(scale: float) -> tuple[SetCollection, np.ndarray]:
    """Twelve donors, resting and stimulated; stimulation shifts two features by `scale`."""
    rng = np.random.default_rng(1)
    rows, donor, state = [], [], []
    for d in range(12):
        base = rng.normal(size=4) * 2
        for name, shift in (("rest", 0.0), ("stimulated", scale)):
            rows.append(base + shift * np.array([1, -1, 0, 0]) + rng.normal(size=(80, 4)))
            donor.append(f"d{d}")
            state.append(name)
    sets = SetCollection(
        np.concatenate(rows).astype(np.float32),
        np.arange(25) * 80,
        np.array([f"{d} {s}" for d, s in zip(donor, state, strict=True)]),
        labels={"state": np.array(state), "donor": np.array(donor)},
        unit="donor",
    )
    return sets, np.isin(np.array(donor), ["d3", "d8"])


def test_a_shared_effect_carries_over_to_held_out_donors() -> None:
    found = effects(mean_subject(*donors(3.0)))
    assert found["column"] == "state" and len(found["rows"]) == 2
    for row in found["rows"]:
        assert row["r2"] > 0.85 and row["mean_r2"] > 0.85
        assert row["w2"] < row["unchanged_w2"]


def test_without_units_or_conditions_there_is_a_reason() -> None:
    sets, held = donors(1.0)
    assert "unit" in effects(mean_subject(SetCollection(**{**vars(sets), "unit": ""}), held))["reason"]
    alone = SetCollection(**{**vars(sets), "labels": {"donor": sets.labels["donor"]}})
    assert "condition" in effects(mean_subject(alone, held))["reason"]
    assert "orders" in early_late(mean_subject(sets, held))["reason"]
