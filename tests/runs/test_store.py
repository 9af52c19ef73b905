"""The store: finding, stopping, resuming, deleting; runs whose worker is gone or elsewhere; hostile ids."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.config.home import resolve_inside
from core.errors import InputError
from core.runs import heartbeat
from core.runs.directory import Run, create
from core.runs.files import now
from core.runs.process import ProcessIdentity
from core.runs.states import State
from core.runs.store import RunStore
from tests.waiting import PATIENCE

HOSTILE = [
    "", ".", "..", "../runs", "../../etc/passwd", "/etc/passwd", "a/b", "a\\b", "..\\..\\x", "\\\\server\\share",
    "//server/share", "C:\\x", "C:x", "a\0b", "\0", "a\nb", " a", "a ", "~", "~root", "%2e%2e", "a.b", ".hidden", "-rf",
    "аbc", "ａｂｃ", "..／x", "x" * 300, "e\u0301", "NUL:", "*", "?", "$HOME", "`id`",
]  # fmt: skip


@pytest.mark.parametrize("identifier", HOSTILE)
def test_hostile_ids_are_refused(store: RunStore, identifier: str) -> None:
    for ask in (store.get, store.stop, store.resume, store.delete):
        with pytest.raises(InputError):
            ask(identifier)


def test_a_link_out_of_the_folder_is_refused(store: RunStore, tmp_path: Path) -> None:
    outside = create(tmp_path / "elsewhere", {"model": {}})
    store.root.mkdir(parents=True)
    (store.root / "link").symlink_to(outside.path)
    with pytest.raises(InputError, match="outside its folder"):
        store.get("link")
    assert resolve_inside(store.root, "fine") == store.root / "fine"


def fake(store: RunStore, state: State = State.RUNNING, **status: Any) -> Run:
    """A run directory without a worker, in `state`."""
    run = create(store.root, {"name": "x", "model": {"name": "m"}, "dataset": {"id": "d"}, "training": {"epochs": 9}})
    path = {
        State.QUEUED: [],
        State.STARTING: [State.STARTING],
        State.STOPPING: [State.STARTING, State.STOPPING],
        State.CANCELLED: [State.CANCELLED],
        State.FAILED: [State.FAILED],
        State.LOST: [State.LOST],
    }.get(state, [State.STARTING, State.RUNNING, state])
    for step in dict.fromkeys(path):
        run.move(step, f"It is {step}.")
    run.note(**status)
    return run


def test_get_by_the_beginning_of_an_id(store: RunStore) -> None:
    run = fake(store, State.CANCELLED)
    assert store.get(run.id).id == store.get(run.id[:6]).id == run.id
    with pytest.raises(InputError, match="There is no run"):
        store.get(run.id[:5])
    twin = store.root / (run.id[:10] + "0" * 22)
    shutil.copytree(run.path, twin)
    with pytest.raises(InputError, match="beginning of 2 runs"):
        store.get(run.id[:6])


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED, State.CANCELLED, State.LOST])
def test_what_has_ended_cannot_be_stopped(store: RunStore, state: State) -> None:
    with pytest.raises(InputError, match=f"is {state}"):
        store.stop(fake(store, state).id)


def test_what_has_succeeded_cannot_be_resumed(store: RunStore) -> None:
    with pytest.raises(InputError, match="only failed, cancelled and lost"):
        store.resume(fake(store, State.SUCCEEDED).id)


def test_a_live_run_is_not_deleted(store: RunStore) -> None:
    run = fake(store, State.RUNNING, **ProcessIdentity.of(os.getpid()).to_status())
    with pytest.raises(InputError, match="stop it before"):
        store.delete(run.id)
    assert run.path.is_dir()


def dead() -> dict[str, Any]:
    """The identity of a process that is not there: this one, had it started a moment earlier."""
    me = ProcessIdentity.of(os.getpid()).to_status()
    return me | {"process_started": str(int(me["process_started"]) - 1)}


@pytest.mark.parametrize("state", [State.QUEUED, State.STARTING, State.RUNNING, State.STOPPING])
def test_a_dead_worker_is_lost_at_the_next_listing(store: RunStore, state: State) -> None:
    run = fake(store, state, **dead())
    (summary,) = store.list()
    assert summary.state == State.LOST
    assert f"process {os.getpid()}" in summary.reason
    assert "esume" in summary.reason
    assert run.status["ended"]


def test_a_dead_worker_that_was_to_stop_is_cancelled(store: RunStore) -> None:
    run = fake(store, State.STOPPING, **dead())
    run.request_cancel()
    assert store.get(run.id).state is State.CANCELLED


def test_a_worker_that_never_started_is_lost_after_a_while(store: RunStore) -> None:
    young, old = fake(store, State.QUEUED), fake(store, State.QUEUED, queued="2026-01-01T00:00:00+00:00")
    states = {s.run: (s.state, s.reason) for s in store.list()}
    assert states[young.id][0] == State.QUEUED
    assert states[old.id] == (State.LOST, states[old.id][1])
    assert "never started" in states[old.id][1]


@pytest.mark.parametrize("skew", [-86400.0, 0.0, 86400.0])
def test_elsewhere_the_heartbeat_counts_whatever_the_clocks_say(
    store: RunStore, monkeypatch: pytest.MonkeyPatch, skew: float
) -> None:
    there = dead() | {"machine": "another", "host": "node7"}
    beating, silent = fake(store, State.RUNNING, **there), fake(store, State.RUNNING, **there)
    (beating.path / heartbeat.HEARTBEAT).touch()
    (silent.path / heartbeat.HEARTBEAT).touch()
    past = time.time() - 2 * PATIENCE
    os.utime(silent.path / heartbeat.HEARTBEAT, (past, past))
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + skew)
    states = {s.run: s for s in store.list()}
    assert states[beating.id].state == State.RUNNING
    assert states[silent.id].state == State.LOST
    assert "node7" in states[silent.id].reason


def test_shipped_runs_are_listed_and_cannot_be_changed(store: RunStore, tmp_path: Path) -> None:
    folder = tmp_path / "pretrained" / "wgan_gp"
    shutil.copytree(fake(store, State.SUCCEEDED).path, folder)
    (folder / "status.json").unlink()
    shipping = RunStore(store.root, shipped=tmp_path / "pretrained")
    (shown,) = [s for s in shipping.list() if s.embedded]
    assert (shown.run, shown.state) == ("wgan_gp", State.SUCCEEDED)
    for change in (shipping.stop, shipping.resume, shipping.delete):
        with pytest.raises(InputError):
            change("wgan_gp")
    assert folder.is_dir()
    assert shipping.get("wgan_gp").embedded


def test_summary_of_a_broken_run_says_so(store: RunStore) -> None:
    run = fake(store, State.SUCCEEDED)
    (run.path / "config.json").unlink()
    (summary,) = store.list()
    assert summary.state == State.FAILED
    assert "config.json" in summary.reason


def test_seconds(store: RunStore) -> None:
    run = fake(store, State.SUCCEEDED, started="2026-01-01T00:00:00+00:00", ended="2026-01-01T00:01:30+00:00")
    (summary,) = store.list()
    assert summary.seconds == 90
    run.note(started=now(), ended=None)
    (summary,) = store.list()
    assert summary.seconds is not None
    assert 0 <= summary.seconds < PATIENCE


def test_a_submission_that_cannot_start_fails_with_its_reason(
    store: RunStore, config: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from core import child
    from core.errors import RunError

    def refuse(*args: Any, **options: Any) -> None:
        raise OSError(12, "Cannot allocate memory")

    wanted = config("experiment=resample")
    monkeypatch.setattr(child.subprocess, "Popen", refuse)
    with pytest.raises(RunError, match="could not be started"):
        store.submit(wanted)
    (summary,) = store.list()
    assert (summary.state, "Cannot allocate memory" in summary.reason) == (State.FAILED, True)
    assert not list(store.root.glob(".queue/*/*.ticket"))
    json.loads((store.root / summary.run / "config.json").read_text())
