"""A training of sets is judged by its held-out loss: the best state is kept, and a worse one is said."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.config.training import TrainingConfig
from core.data.simulators.families import FamilyConfig, simulate_family
from core.models.gde.data import prepare_sets
from core.models.gde.gde import GDE, GDEConfig
from core.training import checkpoints
from core.training.loop import Outcome, fit
from core.training.scoring import HELD_OUT, score
from tests.training.test_loop import Recorder

PARTS = {
    "encoder": {"name": "mean"},
    "generator": {"name": "cvae", "width": 8},
    "mixer": {"name": "none"},
}


def train(
    folder: Path, losses: list[float], stop_after: int | None = None, **settings: Any
) -> tuple[Outcome, Recorder]:
    """A short training whose validations give `losses`, the first of them before the first step."""
    sets = simulate_family(FamilyConfig(family="normal", sets=8, observations=12))
    data = prepare_sets(sets, np.arange(6))
    config = TrainingConfig(**({"device": "cpu", "batch_size": 6, "evaluate_every": 1, "score": "held_out"} | settings))
    torch.manual_seed(0)
    model = GDE(GDEConfig(latent=4, context_min=4, context_max=6, query=4), data.spec, config, PARTS)
    told = iter(losses)

    def validate(*_: Any) -> Mapping[str, float]:
        return {HELD_OUT: next(told)}

    run = Recorder(folder, stop_after)
    held = prepare_sets(sets, np.arange(6, 8), spec=data.spec)
    return fit(run, model, data, held, config, resume=False, name="gde", validate=validate), run


def test_the_best_held_out_state_is_kept(tmp_path: Path) -> None:
    outcome, run = train(tmp_path, [9.0, 5.0, 3.0, 4.0], epochs=3)
    assert outcome.best["epoch"] == 2 and "Warning" not in outcome.reason
    assert checkpoints.load_facts(tmp_path / "best")["clock"]["epoch"] == 2
    assert [row[2][HELD_OUT] for row in run.rows if HELD_OUT in row[2]] == [9, 5, 3, 4] and run.rows[0][1] == 0


def test_a_held_out_loss_that_grows_is_said(tmp_path: Path) -> None:
    outcome, _ = train(tmp_path, [2.0, 1.0, 6e17], epochs=2)
    assert "Warning: the held-out loss is 6e+17 and was 2 before training" in outcome.reason
    assert "the state of epoch 1 was kept" in outcome.reason
    outcome, _ = train(tmp_path / "b", [2.0, 3.0], epochs=1)
    assert "the untrained state was kept" in outcome.reason and outcome.best["epoch"] == 0


def test_a_held_out_loss_that_is_no_number_is_never_kept(tmp_path: Path) -> None:
    for choice in ("held_out", "last"):
        outcome, _ = train(tmp_path / choice, [2.0, 1.0, math.nan], epochs=2, score=choice)
        assert "held-out loss is nan" in outcome.reason and outcome.best["epoch"] == 1
        assert checkpoints.load_facts(tmp_path / choice / "best")["clock"]["epoch"] == 1


def test_a_stop_before_the_first_validation_keeps_what_was_trained(tmp_path: Path) -> None:
    outcome, _ = train(tmp_path, [2.0, 1.0], epochs=9, evaluate_every=9, stop_after=3)
    assert outcome.state == "cancelled" and checkpoints.load_facts(tmp_path / "best")["clock"]["step"] == 3


def test_scores_on_the_holdout() -> None:
    assert score("held_out", {HELD_OUT: 2.5}, {}) == -2.5 and score("held_out", {HELD_OUT: math.nan}, {}) == -math.inf
    assert score("held_out", {"held_out_log_likelihood": -3.0}, {"loss": 1.0}) == -3.0
