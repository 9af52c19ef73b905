"""Checkpoints: a crash at any moment leaves the previous one whole; a full disk is said plainly."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
import torch

from core.errors import InputError, RunError
from core.training import checkpoints
from core.training.clock import TrainingClock


def facts(step: int) -> dict[str, Any]:
    return {"clock": {"step": step}}


def test_round_trip_and_no_leftovers(tmp_path: Path) -> None:
    folder = tmp_path / "last"
    for step in (1, 2, 3):
        checkpoints.save(folder, {"a": torch.full((3, 2), float(step)).T, "n": torch.tensor(step)}, facts(step))
    loaded, kept = checkpoints.load(folder)
    assert torch.equal(loaded["a"], torch.full((2, 3), 3.0))
    assert int(loaded["n"]) == 3
    assert kept["clock"]["step"] == 3
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("failing", ["save_file", "_sync"])
def test_a_full_disk_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    folder = tmp_path / "last"
    checkpoints.save(folder, {"a": torch.zeros(2)}, facts(1))

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoints, failing, full)
    with pytest.raises(RunError, match=r"disk is full.*Free some space"):
        checkpoints.save(folder, {"a": torch.ones(2)}, facts(2))
    loaded, kept = checkpoints.load(folder)
    assert kept["clock"]["step"] == 1
    assert torch.equal(loaded["a"], torch.zeros(2))
    assert len(list(folder.iterdir())) == 2


def test_what_is_missing_or_broken_is_said(tmp_path: Path) -> None:
    assert not checkpoints.exists(tmp_path / "last")
    with pytest.raises(InputError, match="no checkpoint 'last'"):
        checkpoints.load(tmp_path / "last")
    checkpoints.save(tmp_path / "last", {"a": torch.zeros(2)}, facts(1))
    next((tmp_path / "last").glob("*.safetensors")).write_bytes(b"junk")
    with pytest.raises(InputError, match="cannot be read"):
        checkpoints.load(tmp_path / "last")
    (tmp_path / "last" / checkpoints.INDEX).write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        checkpoints.load(tmp_path / "last")


def test_random_states_return() -> None:
    shuffle = torch.Generator().manual_seed(1)
    kept = checkpoints.random_states(shuffle.get_state())
    first = torch.rand(4)
    assert torch.equal(checkpoints.restore_random(kept), shuffle.get_state())
    assert torch.equal(first, torch.rand(4))


def test_clock() -> None:
    clock = TrainingClock(epochs=2, steps_per_epoch=3)
    assert [clock.tick() for _ in range(4)] == [False, False, True, False]
    assert clock.to_dict() == {"step": 4, "epoch": 1, "position": 1}
    assert float(clock.progress) == pytest.approx(4 / 6)
    other = TrainingClock(epochs=2, steps_per_epoch=3)
    other.restore(clock.to_dict())
    assert float(other.progress) == float(clock.progress)
    assert not other.finished
    assert [other.tick(), other.tick()] == [False, True]
    assert other.finished
