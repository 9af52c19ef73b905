"""The run directory: whole, immutable where it says so, readable at any moment."""

from __future__ import annotations

import errno
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.errors import InputError
from core.runs import directory
from core.runs.directory import SCHEMA, Run, create
from core.runs.states import IllegalMove, State
from tests.waiting import wait_until

CONFIG: dict[str, Any] = {"name": "resample", "model": {"name": "resample"}, "dataset": {"id": "d"}}


def test_a_new_run_is_queued_and_its_config_is_immutable(tmp_path: Path) -> None:
    run = create(tmp_path, CONFIG)
    assert len(run.id) == 32
    int(run.id, 16)
    assert run.state is State.QUEUED
    assert run.config["schema"] == SCHEMA
    assert run.config["model"] == CONFIG["model"]
    assert not stat.S_IMODE((run.path / "config.json").stat().st_mode) & 0o222
    assert [p.name for p in tmp_path.iterdir()] == [run.id]  # no draft is left
    assert len({create(tmp_path, CONFIG).id for _ in range(20)}) == 20


def test_moves_keep_the_other_fields(tmp_path: Path) -> None:
    run = create(tmp_path, CONFIG)
    run.note(pid=12)
    run.move(State.STARTING, "Loading.", phase="loading")
    status = run.status
    assert (status["state"], status["reason"], status["pid"], status["phase"]) == (
        "starting",
        "Loading.",
        12,
        "loading",
    )
    with pytest.raises(IllegalMove):
        run.move(State.SUCCEEDED, "Done.")
    assert run.status == status


@pytest.mark.parametrize("end", [State.CANCELLED, State.FAILED, State.LOST])
def test_every_end_has_its_time_and_no_phase(tmp_path: Path, end: State) -> None:
    run = create(tmp_path, CONFIG)
    run.note(phase="waiting")
    run.move(end, "It ended.")
    assert run.status["ended"] >= run.status["created"]
    assert run.status["phase"] is None
    run.move(State.QUEUED, "Once more.", ended=None)
    run.move(end, "It ended long ago.", ended="2026-01-01T00:00:00+00:00")
    assert run.status["ended"].startswith("2026-01-01")


def test_status_is_whole_whenever_its_writer_is_killed(tmp_path: Path) -> None:
    run = create(tmp_path, CONFIG)
    code = (
        "import sys; from pathlib import Path; from core.runs.directory import Run\n"
        "run = Run(Path(sys.argv[1])); i = 0\n"
        "while True:\n    i += 1; run.note(count=i, filler='x' * 20000)\n"
    )
    for _ in range(4):
        before = run.status.get("count", 0)
        writer = subprocess.Popen([sys.executable, "-c", code, str(run.path)])
        wait_until(lambda before=before: run.status.get("count", 0) not in (0, before))
        for _ in range(200):
            json.loads((run.path / "status.json").read_text())
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        assert run.status["filler"] == "x" * 20000
        run.note(count=0)  # nobody holds the lock of a dead writer


def test_the_last_word_is_written_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = create(tmp_path, CONFIG)
    reserve = run.path / ".reserve"
    write = directory.write_json

    def full(path: Path, value: dict[str, Any]) -> None:
        if reserve.exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, value)

    monkeypatch.setattr(directory, "write_json", full)
    assert reserve.stat().st_blocks * 512 >= 65536
    run.move(State.FAILED, "The disk is full.")
    assert run.status["reason"] == "The disk is full."


def test_other_write_errors_are_not_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = create(tmp_path, CONFIG)

    def refuse(path: Path, value: dict[str, Any]) -> None:
        raise OSError(errno.EROFS, "read-only")

    monkeypatch.setattr(directory, "write_json", refuse)
    with pytest.raises(OSError, match="read-only"):
        run.move(State.FAILED, "x")


@pytest.mark.parametrize("text", ["", "{", "[1]", "nonsense", "null"])
def test_broken_files_are_told_plainly(tmp_path: Path, text: str) -> None:
    run = create(tmp_path, CONFIG)
    for name in ("config.json", "status.json", "report.json"):
        (run.path / name).unlink(missing_ok=True)
        (run.path / name).write_text(text)
    with pytest.raises(InputError, match=r"no readable config\.json"):
        _ = Run(run.path).config
    assert run.state is State.LOST
    assert run.report() is None


def test_a_later_schema_is_refused(tmp_path: Path) -> None:
    run = create(tmp_path, CONFIG)
    path = run.path / "config.json"
    path.chmod(0o644)
    path.write_text(json.dumps({"schema": SCHEMA + 1}))
    with pytest.raises(InputError, match="later Popscape"):
        _ = run.config


def test_log_tail(tmp_path: Path) -> None:
    run = create(tmp_path, CONFIG)
    (run.path / "log.txt").write_bytes(b"first\n" + b"\xff broken\n" * 3 + b"last")
    assert run.log_tail(2).splitlines() == ["\ufffd broken", "last"]
    (run.path / "log.txt").unlink()
    assert run.log_tail() == ""


def test_only_runs_that_have_ended_are_deleted(tmp_path: Path) -> None:
    run = create(tmp_path, CONFIG)
    with pytest.raises(InputError, match="stop it before"):
        run.delete()
    run.move(State.CANCELLED, "Stopped.")
    with pytest.raises(InputError, match="shipped"):
        Run(run.path, embedded=True).delete()
    run.delete()
    assert not list(tmp_path.iterdir())
