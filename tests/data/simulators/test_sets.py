"""Simulated sets have the law that their truth says."""

import numpy as np
import pytest

from core.data.sets import SetCollection
from core.data.simulators.clones import ClonesConfig, simulate_clones
from core.data.simulators.digits import DigitsConfig, digit_sets
from core.data.simulators.families import FAMILIES, FamilyConfig, simulate_family
from core.errors import InputError
from tests.sets import from_groups


def cube(sets: SetCollection) -> np.ndarray:
    return sets.observations.reshape(sets.s, -1, *sets.shape).astype(np.float64)


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_a_family_is_finite_reproducible_and_seeded(name: str) -> None:
    config = FamilyConfig(family=name, sets=6, observations=50, dimension=3)
    a, b = simulate_family(config), simulate_family(config)
    assert np.isfinite(a.observations).all()
    np.testing.assert_array_equal(a.observations, b.observations)
    other = simulate_family(FamilyConfig(family=name, sets=6, observations=50, dimension=3, seed=2))
    assert not np.array_equal(a.observations, other.observations)


@pytest.mark.parametrize("name", ["normal", "mvn", "low_rank", "covariance_only"])
def test_gaussian_families_have_their_true_moments(name: str) -> None:
    sets = simulate_family(FamilyConfig(family=name, sets=5, observations=20_000, dimension=3))
    x = cube(sets)
    for i in range(sets.s):
        scale = np.trace(sets.truth["covariance"][i])
        np.testing.assert_allclose(x[i].mean(axis=0), sets.truth["mean"][i], atol=4 * np.sqrt(scale / 20_000))
        np.testing.assert_allclose(np.cov(x[i].T), sets.truth["covariance"][i], atol=0.05 * scale)


@pytest.mark.parametrize("name", ["skew_only", "weights_only"])
def test_matched_families_differ_neither_in_mean_nor_in_covariance(name: str) -> None:
    sets = simulate_family(FamilyConfig(family=name, sets=8, observations=40_000, dimension=2))
    for x in cube(sets):
        np.testing.assert_allclose(x.mean(axis=0), 0, atol=0.03)
        np.testing.assert_allclose(np.cov(x.T), np.eye(2), atol=0.06)


def test_the_skewness_is_the_true_one() -> None:
    sets = simulate_family(FamilyConfig(family="skew_only", sets=8, observations=60_000, dimension=2))
    np.testing.assert_allclose((cube(sets) ** 3).mean(axis=1), sets.truth["skews"], atol=0.25)


def test_mixture_means_follow_the_weights() -> None:
    sets = simulate_family(FamilyConfig(family="gmm", sets=5, observations=40_000, dimension=2))
    np.testing.assert_allclose(cube(sets).mean(axis=1), sets.truth["mean"], atol=0.08)


def test_clones_keep_their_unit_and_late_cells_lie_on_the_branch_of_their_fate() -> None:
    sets = simulate_clones(ClonesConfig(clones=60))
    assert sets.s == 180 and sets.unit == "clone"
    late = sets.sets(sets.covariates["day"] == 6)
    means = np.array([late.observations_of(i).mean(axis=0) for i in range(late.s)])
    # The true bias explains the late mean position linearly and almost fully.
    design = np.column_stack([late.truth["fate_bias"], np.ones(late.s)])
    residual = means - design @ np.linalg.lstsq(design, means, rcond=None)[0]
    assert residual.var() < 0.25 * means.var(axis=0).mean()


def test_without_early_signal_the_first_day_tells_nothing_of_the_fate() -> None:
    def explained(signal: float) -> float:
        sets = simulate_clones(ClonesConfig(clones=200, early_signal=signal))
        early = sets.sets(sets.covariates["day"] == 2)
        means = np.array([early.observations_of(i).mean(axis=0) for i in range(early.s)])
        design = np.column_stack([means, np.ones(early.s)])
        target = early.truth["fate_bias"][:, 0]
        fit = design @ np.linalg.lstsq(design, target, rcond=None)[0]
        return 1 - ((target - fit) ** 2).sum() / ((target - target.mean()) ** 2).sum()

    assert explained(0.0) < 0.45
    assert explained(0.8) > 0.75


def test_digit_sets_hold_the_images_of_their_digit() -> None:
    sets = digit_sets(DigitsConfig(mixed=5))
    assert sets.modality == "image" and sets.shape == (1, 8, 8)
    zero = sets.observations_of(0)
    assert sets.labels["digit"][0] == "0" and len(zero) == 30
    # The middle of a written zero is empty, that of an eight is not.
    eight = sets.observations_of(list(sets.labels["digit"]).index("8"))
    assert zero[:, 0, 3:5, 3:5].mean() < 0.5 * eight[:, 0, 3:5, 3:5].mean()
    mixed = np.array(["+" in d for d in sets.labels["digit"]])
    np.testing.assert_array_equal(sets.covariates["share"] > 0, mixed)


def test_groups_become_sets_in_order_of_first_appearance() -> None:
    x = np.arange(6, dtype=np.float32)[:, None]
    sets = from_groups(x, ["b", "a", "b", "c", "a", "b"])
    assert sets.set_id.tolist() == ["b", "a", "c"]
    assert sets.observations_of(0)[:, 0].tolist() == [0, 2, 5]
    part = sets.sets(np.array([2, 0]))
    assert part.set_id.tolist() == ["c", "b"] and part.observations_of(1)[:, 0].tolist() == [0, 2, 5]


def test_broken_collections_are_refused() -> None:
    x = np.zeros((3, 1), dtype=np.float32)
    with pytest.raises(InputError, match="offsets"):
        SetCollection(x, np.array([0, 2]), np.array(["a", "b"]))
    with pytest.raises(InputError, match="no observations"):
        SetCollection(x, np.array([0, 3, 3]), np.array(["a", "b"]))
    with pytest.raises(InputError, match="modality"):
        SetCollection(x, np.array([0, 3]), np.array(["a"]), modality="sound")
