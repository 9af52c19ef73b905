"""Kinship against its formula and simulated families; the distributions of pairs against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from core.data.genotypes import Calls, from_calls
from core.evaluation.context import Panel
from core.evaluation.kinship import closest_kin, curves, king, pair_shares
from core.evaluation.registry import metrics
from tests.evaluation.cohorts import cohort, comparison, noise
from tests.evaluation.test_adversarial import value

M = 3000
RNG = np.random.default_rng(11)
FREQUENCY = RNG.uniform(0.1, 0.9, M)


def strangers(n: int) -> Calls:
    """Unrelated individuals of one population, unlinked variants."""
    return RNG.binomial(2, FREQUENCY, (n, M)).astype(np.int8)


def child(mother: Calls, father: Calls) -> Calls:
    """A child of each pair of rows, by Mendel's laws."""
    return (RNG.binomial(1, mother / 2) + RNG.binomial(1, father / 2)).astype(np.int8)


def kinship(a: Calls, b: Calls) -> np.ndarray:
    """(n_a, n_b) kinship of a and b, all blocks together."""
    return np.concatenate([part.numpy() for _, part in king(a, b)])


def by_formula(x: Calls, y: Calls) -> float:
    """Manichaikul et al. 2010, eq. 11, from the counts of shared heterozygotes and opposite homozygotes."""
    both, opposite = ((x == 1) & (y == 1)).sum(), (np.abs(x - y) == 2).sum()
    fewer, more = sorted([(x == 1).sum(), (y == 1).sum()])
    return (both - 2 * opposite) / (2 * fewer) + 0.5 - (fewer + more) / (4 * fewer)


def test_kinship_is_the_formula_of_king() -> None:
    x, y = strangers(6), strangers(5)
    expected = [[by_formula(a, b) for b in y] for a in x]
    np.testing.assert_allclose(kinship(x, y), expected, atol=1e-6)


def test_families_have_the_kinship_of_their_degree() -> None:
    mothers, fathers, others = strangers(30), strangers(30), strangers(30)
    children, siblings, halves = child(mothers, fathers), child(mothers, fathers), child(mothers, others)
    pairs = {0.5: (children, children), 0.0: (mothers, fathers), 0.125: (children, halves)}
    for expected, (a, b) in (*pairs.items(), (0.25, (mothers, children)), (0.25, (children, siblings))):
        each = np.diagonal(kinship(a, b))
        assert each.mean() == pytest.approx(expected, abs=0.01)
        assert each.std() < 0.03


def test_children_of_training_individuals_are_found() -> None:
    train, holdout = strangers(80), strangers(40)
    made = np.concatenate([child(train[:30], train[30:60]), strangers(30)])
    here = comparison(holdout, made, train, draws=50)
    estimate = metrics["kinship_replay"].value(here)
    assert estimate.value == pytest.approx(0.5)
    assert estimate.params["degree"] == "second degree or closer" and estimate.params["unseen"] == 0
    parents = closest_kin(here).index[:30]
    assert (np.isin(parents, np.stack([np.arange(30), np.arange(30, 60)])[:, np.arange(30)])).all()
    assert all(parents[i] in (i, i + 30) for i in range(30))
    rows = curves(Panel(here, here, None))["kinship_replay"]
    assert [row["synthetic"] for row in rows] == [0.5, 0.5, 0.0]
    assert value("kinship_replay", comparison(holdout, strangers(50), train)) == 0


def test_a_cohort_full_of_cousins_is_judged_by_closer_relatives() -> None:
    """Where unseen individuals have a parent among the training individuals, only twins say anything."""
    train = strangers(60)
    holdout, honest = child(train[:30], train[30:]), child(train[:30], train[30:])
    estimate = metrics["kinship_replay"].value(comparison(holdout, honest, train))
    assert estimate.params["degree"] == "the same individual" and estimate.value == 0
    assert value("kinship_replay", comparison(holdout, train, train)) == 1


def test_too_few_variants_or_no_heterozygotes_give_reasons() -> None:
    few = comparison(noise(60, 4, 1), noise(60, 4, 2), noise(60, 4, 3))
    assert "too few" in str(metrics["kinship_replay"].value(few).reason)
    lines = from_calls(2 * noise(40, 50, 1, ploidy=1)), from_calls(2 * noise(40, 50, 2, ploidy=1))
    for name in ("kinship_replay", "kinship_wasserstein"):
        assert "heterozygous" in str(metrics[name].value(comparison(*lines)).reason)
    assert metrics["ibs_wasserstein"].value(comparison(*lines)).value is not None


def test_distributions_of_pairs_equal_scipy() -> None:
    mothers, fathers = strangers(25), strangers(25)
    real = np.concatenate([mothers, fathers])
    made = np.concatenate([mothers, child(mothers, fathers)])
    upper = np.triu_indices(50, 1)
    ibs = [1 - np.abs(c[:, None].astype(int) - c[None]).mean(axis=2)[upper] / 2 for c in (real, made)]
    kin = [kinship(c, c)[upper] for c in (real, made)]
    here = comparison(real, made, draws=50)
    assert value("ibs_wasserstein", here) == pytest.approx(wasserstein_distance(*ibs), abs=3e-4)
    assert value("kinship_wasserstein", here) == pytest.approx(wasserstein_distance(*kin), abs=3e-4)
    shares = pair_shares(cohort(real), "ibs", cohort(real))
    assert shares[:, -1] == pytest.approx(1)
    drawn = curves(Panel(here, here, None))
    for name in ("kinship_distribution", "ibs_distribution"):
        assert sum(row["synthetic"] for row in drawn[name]) == pytest.approx(1, abs=1e-3)


def test_the_interval_covers_what_other_cohorts_of_the_population_give() -> None:
    """The spread of the replicates is that of fresh draws, within a factor of two."""
    real = [strangers(40) for _ in range(12)]
    ibs = [pair_shares(cohort(c), "ibs", cohort(c)).mean(axis=0).sum() for c in real]
    from core.evaluation.kinship import _replicates

    draws = _replicates(pair_shares(cohort(real[0]), "ibs", cohort(real[0])), 400, np.random.default_rng(1)).sum(axis=1)
    assert 0.5 < draws.std() / np.std(ibs) < 2
