"""Which state may follow which."""

from __future__ import annotations

import itertools

import pytest

from core.runs.states import ACTIVE, RESUMABLE, IllegalMove, State, check_move

ALLOWED = {
    "queued": "starting failed cancelled lost",
    "starting": "running stopping failed cancelled lost",
    "running": "stopping succeeded failed cancelled lost",
    "stopping": "succeeded failed cancelled lost",
    "succeeded": "",
    "failed": "queued",
    "cancelled": "queued",
    "lost": "queued",
}


def test_moves() -> None:
    assert list(ALLOWED) == [state.value for state in State]
    assert not ACTIVE & RESUMABLE
    for old, new in itertools.product(State, State):
        if new.value in ALLOWED[old].split():
            check_move("r", old, new)
        else:
            with pytest.raises(IllegalMove, match=f"is {old} and cannot become {new}"):
                check_move("r", old, new)
