"""Lesson 6: a weak critic without its penalty loses recall first; the same networks with both keep it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from core.lessons.collapse import MOST_STEPS, POPULATIONS, Snapshot, Trainer, real_cohort

SEEDS = (1, 2, 3)
COLLAPSING, GOOD = (1, 0.0), (3, 10.0)  # critic steps, weight of the penalty


@pytest.fixture(scope="module")
def trained() -> dict[tuple[str, int], list[Snapshot]]:
    """The histories of 200 steps by settings and seed."""
    real = real_cohort()
    histories = {}
    for name, latent, settings in (("collapsing", 2, COLLAPSING), ("good", 8, GOOD)):
        for seed in SEEDS if name == "collapsing" else SEEDS[:1]:
            trainer = Trainer(real, latent, seed)
            for _ in range(20):
                trainer.advance(10, *settings)
            histories[name, seed] = trainer.history
    return histories


def mean(history: list[Snapshot], low: int, high: int, value: Callable[[Snapshot], float]) -> float:
    """Of the snapshots from step `low` to `high`: single ones jump by a tenth and more."""
    return float(np.mean([value(snapshot) for snapshot in history if low <= snapshot.step <= high]))


@pytest.mark.parametrize("seed", SEEDS)
def test_recall_falls_before_precision_does(trained: dict[tuple[str, int], list[Snapshot]], seed: int) -> None:
    history = trained["collapsing", seed]
    blocks = [(low + 10, low + 50) for low in (0, 50, 100, 150)]
    recall = [mean(history, *block, lambda s: s.recall) for block in blocks]
    precision = [mean(history, *block, lambda s: s.precision) for block in blocks]
    # When precision is at its height, recall has lost a fifth and more. Over seeds 1 to 8 and 300 steps it had lost
    # 24 % to 64 %, and precision had its height after step 150.
    highest = int(np.argmax(precision))
    assert highest > int(np.argmax(recall))
    assert recall[highest] < 0.8 * max(recall)
    assert min(snapshot.populations for snapshot in history if snapshot.step > 100) < POPULATIONS


def test_a_good_critic_keeps_recall(trained: dict[tuple[str, int], list[Snapshot]]) -> None:
    history = trained["good", SEEDS[0]]
    # Six seeds: recall .96 to .98 and precision .56 to .63 from step 150 to 200.
    assert mean(history, 100, 200, lambda s: s.recall) > 0.9
    assert mean(history, 150, 200, lambda s: s.precision) > 0.4
    lost = [mean(trained["collapsing", seed], 150, 200, lambda s: s.recall) for seed in SEEDS]
    assert max(lost) < mean(history, 150, 200, lambda s: s.recall) - 0.2


def test_to_go_back_is_never_to_have_gone_on() -> None:
    trainer = Trainer(real_cohort(), 2, 1)
    for _ in range(4):
        trainer.advance(3, *COLLAPSING)
    first = [(s.step, s.precision, s.recall, s.critic) for s in trainer.history]
    for place in (2, 0):
        trainer.rewind(place)
        assert trainer.step == first[place][0]
        while trainer.step < 12:
            trainer.advance(3, *COLLAPSING)
        assert [(s.step, s.precision, s.recall) for s in trainer.history] == [one[:3] for one in first]
        assert trainer.history[-1].critic == first[-1][3]
    # Other settings from the same place are another future.
    trainer.rewind(2)
    trainer.advance(3, *GOOD)
    assert trainer.history[-1].critic != first[3][3]


def test_steps_taken_at_once_are_those_taken_one_by_one() -> None:
    real = real_cohort()
    once, one_by_one = Trainer(real, 2, 2), Trainer(real, 2, 2)
    once.advance(6, *GOOD)
    for _ in range(6):
        one_by_one.advance(1, *GOOD)
    assert once.history[-1].precision == one_by_one.history[-1].precision
    np.testing.assert_array_equal(once.history[-1].points, one_by_one.history[-1].points)


def test_training_ends() -> None:
    trainer = Trainer(real_cohort(), 2, 1)
    trainer.history[-1] = Snapshot(MOST_STEPS - 1, *[np.zeros(1)] * 2, 0.0, 0.0, 0.0, 0.0)
    trainer.advance(5, *COLLAPSING)
    assert trainer.step == MOST_STEPS
    trainer.advance(5, *COLLAPSING)
    assert trainer.step == MOST_STEPS and len(trainer.history) == 2


def test_trainers_leave_the_global_generator_alone() -> None:
    import torch

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    Trainer(real_cohort(), 2, 1).advance(1, *COLLAPSING)
    assert torch.equal(torch.rand(3), expected)
