"""The states of a run and the moves between them that are allowed."""

from __future__ import annotations

from enum import StrEnum

from core.errors import PopscapeError


class State(StrEnum):
    """Where a run stands; the value is what `status.json` holds and what the user reads."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"


ACTIVE = frozenset({State.QUEUED, State.STARTING, State.RUNNING, State.STOPPING})
"""States in which a worker process must exist."""

RESUMABLE = frozenset({State.FAILED, State.CANCELLED, State.LOST})
"""States from which a run can be queued again."""

_MOVES: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.STARTING, State.FAILED, State.CANCELLED, State.LOST}),
    State.STARTING: frozenset({State.RUNNING, State.STOPPING, State.FAILED, State.CANCELLED, State.LOST}),
    State.RUNNING: frozenset({State.STOPPING, State.SUCCEEDED, State.FAILED, State.CANCELLED, State.LOST}),
    # A run may reach its last epoch between the wish to stop and the next step: then it has succeeded.
    State.STOPPING: frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED, State.LOST}),
    State.SUCCEEDED: frozenset(),
    State.FAILED: frozenset({State.QUEUED}),
    State.CANCELLED: frozenset({State.QUEUED}),
    State.LOST: frozenset({State.QUEUED}),
}


class IllegalMove(PopscapeError):
    """A run was asked to go to a state that cannot follow the one it is in."""


def check_move(run: str, old: State, new: State) -> None:
    """Raise IllegalMove unless `new` may follow `old`."""
    if new not in _MOVES[old]:
        allowed = ", ".join(sorted(_MOVES[old])) or "nothing"
        raise IllegalMove(f"Run {run} is {old} and cannot become {new}; from there it can become: {allowed}.")
