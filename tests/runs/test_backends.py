"""What every engine must do, whichever it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.runs.backends.base import Life, backends
from core.runs.states import State
from core.runs.store import RunStore
from tests.runs.conftest import NETWORK, SMALL, ended, epochs_done
from tests.waiting import wait_until


@pytest.fixture(params=backends.names())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_five_verbs(store: RunStore, config: Callable[..., dict[str, Any]], name: str) -> None:
    engine = store.backend(name)
    run = store.submit(config(*NETWORK, "training.epochs=100000"), backend=name)
    assert run.config["resources"]["backend"] == name
    assert engine.status(run)[0] is Life.ALIVE
    wait_until(lambda: epochs_done(run) >= 1)
    assert engine.list() == [run.id]
    text, at = engine.logs(run)
    assert "Training." in text
    assert engine.logs(run, at)[0] == "" or engine.logs(run, at)[1] > at
    engine.cancel(run)
    assert ended(store, run).state is State.CANCELLED
    wait_until(lambda: engine.status(run)[0] is Life.DEAD)
    assert engine.list() == []


def test_force_leaves_a_checkpoint_without_a_report(
    store: RunStore, config: Callable[..., dict[str, Any]], name: str
) -> None:
    engine = store.backend(name)
    run = store.submit(config(*NETWORK, "training.epochs=100000"), backend=name)
    wait_until(lambda: epochs_done(run) >= 1)
    engine.cancel(run, force=True)
    run = ended(store, run)
    assert (run.state, run.has_checkpoint, run.report()) == (State.CANCELLED, True, None)


def test_a_run_that_ends_by_itself(store: RunStore, config: Callable[..., dict[str, Any]], name: str) -> None:
    run = store.submit(config("experiment=resample", *SMALL), backend=name)
    assert ended(store, run).state is State.SUCCEEDED
    wait_until(lambda: store.backend(name).status(run)[0] is Life.DEAD)
    assert store.get(run.id).state is State.SUCCEEDED  # dead, but not lost
