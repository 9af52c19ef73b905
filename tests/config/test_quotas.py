"""What people who share a server may ask of it, and that they are told before any work starts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.commands.child import ask
from core.config import quotas
from core.config.access import READ_ONLY, Viewer
from core.config.quotas import Visit, computing
from core.data.intake.importing import import_file
from core.data.library import Library
from core.errors import InputError
from core.runs.directory import create
from core.runs.housekeeping import usage_by_owner
from core.runs.states import State
from core.runs.store import RunStore
from tests.conftest import tiny_cohort


@pytest.fixture
def visit(monkeypatch: pytest.MonkeyPatch) -> Iterator[Visit]:
    """A visit of a server that is only looked at, of two computations."""
    here = Visit()
    monkeypatch.setattr(quotas, "_visit", lambda: here)
    monkeypatch.setenv(READ_ONLY, "1")
    monkeypatch.setenv("POPSCAPE_COMPUTATIONS", "2")
    yield here


def test_a_visit_starts_its_share_and_has_another_ten_minutes_later(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(quotas.time, "monotonic", lambda: clock[0])
    for _ in range(2):
        with computing(), computing():  # one inside another is one
            pass
    with pytest.raises(InputError, match=r"has started 2 computations in 10 minutes.*go on in 10 minutes"), computing():
        pytest.fail("it was computed")
    with pytest.raises(InputError, match="has started 2"):  # no process is started for it
        ask("datasets")
    clock[0] += 601
    with computing():
        assert len(visit) == 1


def test_the_server_computes_for_so_many_at_once(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POPSCAPE_COMPUTATIONS_AT_ONCE", "1")
    begun, end = threading.Event(), threading.Event()

    def other() -> None:
        with computing():
            begun.set()
            end.wait()

    thread = threading.Thread(target=other)
    thread.start()
    begun.wait()
    with pytest.raises(InputError, match="for other visitors right now"), computing():
        pytest.fail("it was computed")
    assert len(visit) == 1  # what was refused is not counted
    end.set()
    thread.join()
    with computing():
        assert len(visit) == 2


def test_nothing_is_limited_on_a_machine_of_one_s_own(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas, "_visit", lambda: pytest.fail("nobody counts"))
    for _ in range(3):
        with computing():
            pass
    RunStore(shipped=None).room(10_000)


def test_a_person_has_room_for_so_many_trainings_and_bytes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    anna, ben = Viewer("anna"), Viewer("ben")
    store = RunStore(shipped=None, viewer=anna)
    for _ in range(2):
        run = create(store.root, {"name": "x", "model": {"name": "m"}, "dataset": {"id": "d"}, "owner": "anna"})
    run.move(State.FAILED, "It failed.")  # one has ended, the other waits
    monkeypatch.setenv("POPSCAPE_START_SECONDS", "1000")
    monkeypatch.setenv("POPSCAPE_TRAININGS", "2")
    RunStore(shipped=None, viewer=anna).room()
    with pytest.raises(InputError, match=r"You have 1 training waiting.*and 2 more were asked for; at most 2"):
        RunStore(shipped=None, viewer=anna).room(2)
    RunStore(shipped=None, viewer=ben).room(2)

    meta = Library(embedded=home / "none", viewer=anna).add(tiny_cohort(n=20, m=24), name="x")
    used = usage_by_owner()
    assert used["anna"]["trainings"] == 1
    held = sum(path.stat().st_size for path in (home / "datasets" / meta.id).rglob("*") if path.is_file())
    assert used["anna"]["bytes"] > held
    monkeypatch.setenv("POPSCAPE_DISK_GB", str(held / 1e9))
    file = home / "cohort.csv"
    file.write_text("broken")  # is not looked at
    with pytest.raises(InputError, match="remove some on Datasets or Runs first"):
        import_file([file], library=Library(embedded=home / "none", viewer=anna))
    with pytest.raises(InputError, match="remove some on Datasets or Runs first"):
        RunStore(shipped=None, viewer=anna).submit({"model": {"name": "m"}})
    assert len(RunStore(shipped=None, viewer=anna).list()) == 2
    Library(embedded=home / "none", viewer=ben).room()
    with pytest.raises(InputError, match="The datasets and runs of this home"):
        Library(embedded=home / "none", viewer=Viewer()).room()


@pytest.mark.parametrize("value", ["many", "-1", "nan", "inf"])
def test_a_limit_that_is_no_number_is_said(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("POPSCAPE_TRAININGS", value)
    with pytest.raises(InputError, match=f"POPSCAPE_TRAININGS is '{value}'"):
        quotas.TRAININGS.most(applies=False)
