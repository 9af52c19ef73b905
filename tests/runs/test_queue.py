"""First come, first served, though nobody is in charge."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.runs.queue import Queue, kind_for, places
from tests.waiting import wait_until


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Queue:
    monkeypatch.setenv("POPSCAPE_CPU_SLOTS", "1")
    queue = Queue(tmp_path, "cpu")
    for i, run in enumerate(["c", "a", "b"]):
        queue.join(run, f"2026-01-01T00:00:0{i}.000000+00:00")
    return queue


def test_order_is_that_of_joining(queue: Queue) -> None:
    assert queue.ahead("b", lambda run: True) == ["c", "a"]
    assert queue.ahead("c", lambda run: True) == []
    queue.leave("c")
    assert queue.ahead("b", lambda run: True) == ["a"]


def test_tickets_of_the_dead_are_thrown_away(queue: Queue) -> None:
    assert queue.ahead("b", lambda run: run != "c") == ["a"]
    assert sorted(p.name.split(".")[-2] for p in queue.folder.glob("*.ticket")) == ["a", "b"]


def test_one_place_is_held_once(queue: Queue) -> None:
    place = queue.take()
    assert place is not None
    assert queue.take() is None
    os.close(*place.descriptors)
    assert queue.take() is not None


def test_several_places_are_taken_together_or_not_at_all(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POPSCAPE_CPU_SLOTS", "3")
    pair = queue.take(2)
    assert pair is not None and pair.name == "0,1"
    assert queue.take(2) is None
    assert queue.take() is not None  # the third was not kept by the attempt


def test_a_killed_holder_gives_its_place_back(queue: Queue, tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from core.runs.queue import Queue\n"
        "Queue(Path(sys.argv[1]), 'cpu').take(); print('held', flush=True); time.sleep(600)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    assert queue.take() is None
    holder.kill()
    wait_until(lambda: queue.take() is not None)
    holder.wait()
    holder.stdout.close()


def test_waiting_tells_how_many_are_ahead_and_can_be_left(queue: Queue) -> None:
    told: list[int] = []
    place = queue.wait("b", lambda run: True, lambda: bool(told), told.append, 0.01)
    assert place is None
    assert told == [2]
    assert queue.ahead("z", lambda run: True) == ["c", "a"]  # its ticket is given back


def test_the_first_gets_the_place_and_gives_its_ticket_back(queue: Queue) -> None:
    place = queue.wait("c", lambda run: True, lambda: False, lambda ahead: None, 0.01)
    assert place is not None
    assert queue.ahead("a", lambda run: True) == []


def test_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POPSCAPE_CPU_SLOTS", "3")
    assert places("cpu") == ["0", "1", "2"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,MIG-7")
    assert places("gpu") == ["2", "MIG-7"]
    assert (kind_for("auto"), kind_for("cuda"), kind_for("cpu")) == ("gpu", "gpu", "cpu")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert kind_for("auto") == "cpu"
