"""A dozen of the visits of `tests.pages.soaking`; the five hundred are a command of its own."""

from __future__ import annotations

from pathlib import Path

from tests.pages.soaking import soak


def test_a_dozen_visits_leave_no_traceback_and_no_process(home: Path) -> None:
    # By this seed every section of the navigation is visited, and no page that loads a trained network.
    seen = soak(home, 12, seed=22, upload_every=5, train_every=6)
    assert not seen.wrong
    assert (len(seen.memory), seen.uploads, seen.trainings) == (12, 2, 1)
