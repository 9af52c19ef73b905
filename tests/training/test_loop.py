"""The loop: resume equals never having stopped, every stop leaves a usable checkpoint, every failure a plain reason."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.config.training import TrainingConfig
from core.errors import InputError, RunError
from core.models.base import Condition, DataSpec, Losses, Model, TrainData
from core.models.registry import build
from core.training import checkpoints
from core.training.load import load_model
from core.training.loop import Outcome, fit
from core.training.scoring import score

SMALL = {"latent": 8, "generator_widths": [16, 16], "critic_widths": [16, 8], "embedding": 4}


class Recorder:
    """A run that keeps what it is told in memory and asks for a stop after a number of steps."""

    def __init__(self, folder: Path, stop_after: int | None = None) -> None:
        self.checkpoint_dir = folder
        self.rows: list[tuple[int, int, dict[str, float]]] = []
        self.asked = 0
        self.stop_after = stop_after

    def record(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        self.rows.append((step, epoch, dict(values)))

    def should_stop(self) -> bool:
        self.asked += 1
        return self.stop_after is not None and self.asked > self.stop_after

    def log(self, message: str) -> None:
        pass


def cohort(n: int = 70, m: int = 12, seed: int = 0) -> TrainData:
    rng = np.random.default_rng(seed)
    population = rng.integers(0, 2, n)
    calls = rng.binomial(2, rng.uniform(0.2, 0.8, (2, m))[population]).astype(np.int8)
    spec = DataSpec(m, 3, {"population": ["A", "B"]}, {"t": (0.0, 1.0)}, np.arange(m), np.zeros(m, np.int64), n)
    condition = Condition(torch.from_numpy(population[:, None]), torch.randn(n, 1))
    return TrainData(torch.from_numpy(calls), condition, spec)


def train(run: Recorder, resume: bool = False, validate: Any = None, **settings: Any) -> Outcome:
    config = TrainingConfig(**({"epochs": 4, "batch_size": 16, "device": "cpu", "checkpoint_every": 1} | settings))
    torch.manual_seed(config.seed)
    data = cohort()
    model = build("wgan_gp", SMALL, data.spec, config)
    holdout = cohort(20, seed=1)
    return fit(run, model, data, holdout, config, resume=resume, name="wgan_gp", validate=validate)


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    return checkpoints.load(folder / "last")[0]


@pytest.mark.parametrize("stop_after", [4, 6, 11])
def test_resume_equals_never_having_stopped_bit_for_bit(tmp_path: Path, stop_after: int) -> None:
    """Stopped at the end of an epoch (4 steps each), in the middle of one, and in the last but one."""
    whole, parts = Recorder(tmp_path / "whole"), Recorder(tmp_path / "parts", stop_after)
    assert train(whole).state == "succeeded"
    assert train(parts).state == "cancelled"
    torch.rand(100)
    again = Recorder(tmp_path / "parts")
    assert train(again, resume=True).state == "succeeded"
    one, two = tensors(tmp_path / "whole"), tensors(tmp_path / "parts")
    assert one.keys() == two.keys()
    assert any(name.startswith("optimiser.") for name in one)
    assert all(torch.equal(one[name], two[name]) for name in one)
    both = parts.rows + again.rows
    assert [row[:2] for row in both] == [row[:2] for row in whole.rows]
    for mine, theirs in zip(both, whole.rows, strict=True):
        assert mine[2] == pytest.approx(theirs[2], rel=1e-5, abs=1e-6)


def test_resume_from_a_checkpoint_between_others(tmp_path: Path) -> None:
    """A killed worker resumes from its last checkpoint, which may be epochs old."""
    train(Recorder(tmp_path / "whole"), checkpoint_every=1)
    train(Recorder(tmp_path / "parts", stop_after=8), checkpoint_every=2)
    train(Recorder(tmp_path / "parts"), resume=True, checkpoint_every=2)
    one, two = tensors(tmp_path / "whole"), tensors(tmp_path / "parts")
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_a_stopped_run_can_be_sampled(tmp_path: Path) -> None:
    outcome = train(Recorder(tmp_path, stop_after=2))
    assert outcome.state == "cancelled"
    assert "resumed" in outcome.reason
    model = load_model(tmp_path / "best")
    calls = model.sample(9, None, torch.Generator().manual_seed(0))
    assert calls.shape == (9, 12)


def test_a_checkpoint_samples_what_the_model_samples(tmp_path: Path) -> None:
    config = TrainingConfig(epochs=1, batch_size=16, device="cpu")
    data = cohort()
    model = build("wgan_gp", SMALL, data.spec, config)
    fit(Recorder(tmp_path), model, data, None, config, resume=False, name="wgan_gp")
    state = torch.get_rng_state()
    loaded = load_model(tmp_path / "last")
    assert torch.equal(state, torch.get_rng_state())
    one = model.eval().sample(20, None, torch.Generator().manual_seed(3))
    assert torch.equal(one, loaded.sample(20, None, torch.Generator().manual_seed(3)))


def test_validation_is_recorded_and_picks_the_best(tmp_path: Path) -> None:
    scores = iter([0.5, 0.9, 0.4, 0.3])

    def validate(model: Model, holdout: TrainData, noise: torch.Generator) -> dict[str, float]:
        samples = model.sample(len(holdout), holdout.condition, noise)
        assert samples.dtype == torch.int8
        assert samples.shape == holdout.calls.shape == (20, 12)
        return {"precision": next(scores), "recall": 0.5, "ld_r": 0.5, "allele_frequency_rmse": 0.1}

    run = Recorder(tmp_path)
    outcome = train(run, validate=validate, evaluate_every=1)
    assert outcome.best["epoch"] == 2
    assert checkpoints.load_facts(tmp_path / "best")["clock"]["epoch"] == 2
    assert checkpoints.load_facts(tmp_path / "last")["clock"]["epoch"] == 4
    assert [row[2]["precision"] for row in run.rows if "precision" in row[2]] == [0.5, 0.9, 0.4, 0.3]
    assert not any(name.startswith("optimiser.") for name in checkpoints.load(tmp_path / "best")[0])


def test_early_stopping_counts_validations_without_a_better_score(tmp_path: Path) -> None:
    def validate(*_: Any) -> dict[str, float]:
        return {"precision": 0.5, "recall": 0.5, "ld_r": float("nan")}

    outcome = train(Recorder(tmp_path), validate=validate, evaluate_every=1, patience=2, score="f1", epochs=30)
    assert outcome.state == "succeeded"
    assert outcome.epochs == 3
    assert "early" in outcome.reason


def test_the_time_budget_ends_a_run_cleanly(tmp_path: Path) -> None:
    outcome = train(Recorder(tmp_path), epochs=1000, minutes=1e-6)
    assert outcome.state == "succeeded"
    assert outcome.epochs == 1
    assert checkpoints.exists(tmp_path / "best")


def test_a_run_whose_time_is_up_keeps_where_it_is(tmp_path: Path) -> None:
    """Also between two checkpoints and validations: what was trained is not lost."""
    outcome = train(Recorder(tmp_path), epochs=1000, minutes=1e-6, evaluate_every=50, checkpoint_every=50)
    assert checkpoints.load(tmp_path / "last")[1]["clock"]["epoch"] == outcome.epochs == 1
    assert outcome.best["epoch"] == 1


def test_validation_does_not_change_the_training(tmp_path: Path) -> None:
    def sampling(model: Model, holdout: TrainData, noise: torch.Generator) -> dict[str, float]:
        return {"precision": float(model.sample(50, None, noise).float().mean())}

    train(Recorder(tmp_path / "a"))
    train(Recorder(tmp_path / "b"), evaluate_every=1, validate=sampling)
    one, two = tensors(tmp_path / "a"), tensors(tmp_path / "b")
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_nan_stops_with_the_last_good_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.models.genotype.wgan_gp import WganGp

    original = WganGp.steps

    def poisoned(self: WganGp, batch: Any, clock: Any) -> Losses:
        losses = original(self, batch, clock)
        return Losses({**losses.values, "critic": float("nan")}) if clock.epoch == 2 else losses

    monkeypatch.setattr(WganGp, "steps", poisoned)
    with pytest.raises(RunError, match=r"diverged in epoch 3.*'critic'.*learning_rate"):
        train(Recorder(tmp_path))
    assert checkpoints.load_facts(tmp_path / "last")["clock"]["epoch"] == 2
    assert all(bool(t.isfinite().all()) for t in tensors(tmp_path).values() if t.is_floating_point())


def test_out_of_memory_is_said_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.models.genotype.wgan_gp import WganGp

    def exhausted(*_: Any) -> Losses:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")

    monkeypatch.setattr(WganGp, "steps", exhausted)
    with pytest.raises(RunError, match=r"Memory ran out at batch size 16.*smaller"):
        train(Recorder(tmp_path))


def test_other_errors_are_not_disguised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.models.genotype.wgan_gp import WganGp

    def broken(*_: Any) -> Losses:
        raise RuntimeError("a bug")

    monkeypatch.setattr(WganGp, "steps", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        train(Recorder(tmp_path))


def test_closed_form_models_are_saved_without_an_epoch(tmp_path: Path) -> None:
    data, config = cohort(), TrainingConfig(epochs=0, device="cpu")
    model = build("independent_sites", {}, data.spec, config)
    outcome = fit(Recorder(tmp_path), model, data, None, config, resume=False, name="independent_sites")
    assert outcome.state == "succeeded"
    assert load_model(tmp_path / "best").sample(5, None, torch.Generator()).shape == (5, 12)


def test_fewer_individuals_than_a_batch_still_train(tmp_path: Path) -> None:
    assert train(Recorder(tmp_path), batch_size=4096, epochs=2).epochs == 2


def test_a_gpu_that_is_not_there_is_refused(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("a GPU is visible here")
    with pytest.raises(InputError, match="no GPU"):
        train(Recorder(tmp_path), device="cuda")
    with pytest.raises(InputError, match="need a GPU"):
        train(Recorder(tmp_path), compile="on")


def test_scores() -> None:
    values = {"precision": 0.5, "recall": 0.8, "ld_r": 0.9}
    assert score("quality", values, {}) == pytest.approx(0.36 ** (1 / 3))
    assert score("f1", values, {}) == pytest.approx(0.8 / 1.3)
    assert score("ld_r", values, {}) == 0.9
    assert score("loss", {}, {"a": 1.0, "b": 2.0}) == -3.0
    assert score("quality", {**values, "ld_r": -0.2}, {}) == 0.0
    assert score("f1", {}, {}) == 0.0
