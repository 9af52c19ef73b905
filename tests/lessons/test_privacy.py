"""Lesson 8: copier, overfit and honest generators in the numbers of reports, and two ways to an AATS of one half."""

from __future__ import annotations

import numpy as np
import pytest

from core.config.evaluation import EvaluationConfig
from core.data.genotypes import from_calls
from core.evaluation.adversarial import aats, aats_train, privacy_loss
from core.evaluation.context import Cohort, Comparison
from core.evaluation.privacy_membership import membership_auc, membership_tpr
from core.lessons.privacy import COPIES, GENERATORS, INDIVIDUALS, cohorts, simulate

SEEDS = range(1, 7)
MEMORY, MIXTURE, AVERAGE = GENERATORS
# Over 20 seeds an honest AATS was .43 to .59 and the AUC of a guess .40 to .61.
CHANCE = 0.12


@pytest.mark.parametrize("seed", SEEDS)
def test_honest_is_half_on_both_sides_and_the_attack_guesses(seed: int) -> None:
    found = simulate(MEMORY, 0.0, 300, seed)
    assert found.train.aats == pytest.approx(0.5, abs=CHANCE) and found.holdout.aats == pytest.approx(0.5, abs=CHANCE)
    assert found.auc == pytest.approx(0.5, abs=CHANCE) and found.named < 0.1


@pytest.mark.parametrize("seed", SEEDS)
def test_a_copier_is_zero_to_the_training_side_and_half_to_the_holdout(seed: int) -> None:
    found = simulate(MEMORY, 1.0, 300, seed)
    assert found.train.aats == 0 and found.holdout.aats == pytest.approx(0.5, abs=CHANCE)
    assert found.auc == 1 and found.named == 1 and found.privacy_loss == found.holdout.aats


@pytest.mark.parametrize("seed", SEEDS)
def test_a_quarter_remembered_gives_members_away_and_only_with_many_variants(seed: int) -> None:
    many, few = (simulate(MEMORY, 0.25, variants, seed) for variants in (300, 50))
    # Over 20 seeds AATS was .05 to .15 and the AUC .82 to .89; with 50 variants .36 to .51 and .46 to .63.
    assert many.train.aats < 0.2 and many.auc > 0.78 and many.named > 0.2
    assert few.train.aats > 0.3 and few.auc < 0.7
    assert many.holdout.aats == pytest.approx(0.5, abs=CHANCE)


@pytest.mark.parametrize("seed", SEEDS)
def test_copies_and_nonsense_add_up_to_one_half(seed: int) -> None:
    found = simulate(MIXTURE, 0.0, 300, seed)
    assert found.train.aats == pytest.approx(0.5, abs=0.05)
    assert (found.train.copies, found.train.others) == (0, 1)
    assert found.named >= COPIES and found.privacy_loss > 0.1


@pytest.mark.parametrize("seed", SEEDS)
def test_one_average_for_all_is_one_half_of_zero_and_one(seed: int) -> None:
    found = simulate(AVERAGE, 0.0, 300, seed)
    for side in (found.train, found.holdout):
        assert (side.truth, side.synthetic, side.aats) == (0, 1, 0.5)
    assert found.auc == pytest.approx(0.5, abs=CHANCE)


@pytest.mark.parametrize("memory", [0.1, 0.25])
def test_the_numbers_are_those_of_a_report(memory: float) -> None:
    *calls, _ = cohorts(MEMORY, memory, 120, np.random.default_rng(4))
    train, holdout, synthetic = (Cohort(from_calls(c), "side", seed=1, config=EvaluationConfig()) for c in calls)
    comparison = Comparison(holdout, synthetic, train)
    found = simulate(MEMORY, memory, 120, 4)
    assert found.holdout.aats == pytest.approx(aats(comparison).value)
    assert found.train.aats == pytest.approx(aats_train(comparison).value)
    assert found.privacy_loss == pytest.approx(privacy_loss(comparison).value)
    assert found.auc == pytest.approx(membership_auc(comparison).value)
    assert found.named == pytest.approx(membership_tpr(comparison).value)
    assert len(found.members) == INDIVIDUALS
