"""Which state may follow which."""

from __future__ import annotations

import itertools

import pytest

from core.runs.states import ACTIVE, RESUMABLE, IllegalMove, State, check_move

ALLOWED = {
    ("queued", "starting"), ("queued", "failed"), ("queued", "cancelled"), ("queued", "lost"),
    ("starting", "running"), ("starting", "stopping"), ("starting", "failed"), ("starting", "cancelled"),
    ("starting", "lost"),
    ("running", "stopping"), ("running", "succeeded"), ("running", "failed"), ("running", "cancelled"),
    ("running", "lost"),
    ("stopping", "succeeded"), ("stopping", "failed"), ("stopping", "cancelled"), ("stopping", "lost"),
    ("failed", "queued"), ("cancelled", "queued"), ("lost", "queued"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new"), itertools.product(State, State))
def test_moves(old: State, new: State) -> None:
    if (old.value, new.value) in ALLOWED:
        check_move("r", old, new)
    else:
        with pytest.raises(IllegalMove, match=f"is {old} and cannot become {new}"):
            check_move("r", old, new)


def test_every_state_is_reached_and_left_or_final() -> None:
    assert {new for _, new in ALLOWED} == set(State)
    assert set(State) - {old for old, _ in ALLOWED} == {State.SUCCEEDED}
    assert not ACTIVE & RESUMABLE
