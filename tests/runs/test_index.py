"""The index is a cache: it may vanish, break or lag, the listing stays the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from core.runs import store as store_module
from core.runs.directory import Run, create
from core.runs.metrics import MetricsWriter
from core.runs.states import State
from core.runs.store import RunStore
from core.runs.summary import RunSummary


def many(root: Path, count: int) -> None:
    for i in range(count):
        config = {
            "name": "wgan_gp",
            "title": f"Run {i}",
            "model": {"name": "wgan_gp"},
            "dataset": {"id": "0" * 24, "name": "demo"},
            "training": {"epochs": 50},
        }
        run = create(root, config)
        run.move(State.STARTING, "Loading.")
        run.move(State.RUNNING, "Training.")
        writer = MetricsWriter(run.path / "metrics.jsonl")
        for epoch in range(1, 20):
            writer.write(epoch * 8, epoch, {"critic": i + epoch / 100, "generator": float("nan")})
        writer.close()
        run.move(State.SUCCEEDED if i % 2 else State.FAILED, f"Because of {i}.", ended="2026-01-01T00:00:00+00:00")
        if i % 3 == 0:
            (run.path / "report.json").write_text(json.dumps({"metrics": {}}))


def comparable(store: RunStore) -> list[str]:
    return [repr(summary) for summary in store.list()]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two-hundred")
    many(folder, 200)
    return folder


@pytest.fixture
def full(home: Path, runs: Path) -> RunStore:
    store = RunStore(shipped=None)
    shutil.copytree(runs, store.root)
    return store


def test_a_rebuilt_index_lists_the_same(full: RunStore) -> None:
    first = comparable(full)
    assert len(first) == 200
    assert comparable(full) == first
    index = full.root.parent / "cache" / "runs.sqlite"
    assert index.is_file()
    index.unlink()
    assert comparable(full) == first
    index.write_bytes(b"this is no database" * 1000)
    assert comparable(full) == first
    assert comparable(RunStore(shipped=None)) == first


def test_a_home_that_cannot_hold_an_index_still_lists(full: RunStore) -> None:
    first = comparable(full)
    full.root.parent.joinpath("cache", "runs.sqlite").unlink()
    full._index.path = full.root.parent / "cache" / "runs.sqlite" / "impossible"
    full.root.parent.joinpath("cache", "runs.sqlite").write_text("a file where a folder is needed")
    assert comparable(full) == first


def test_unchanged_runs_are_not_read_again(full: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    full.list()
    read: list[str] = []
    summarise = store_module.summarise

    def counted(run: Run) -> RunSummary:
        read.append(run.id)
        return summarise(run)

    monkeypatch.setattr(store_module, "summarise", counted)
    before = full.list()
    assert read == []
    changed, active = before[7].run, before[9].run
    (full.root / active / "status.json").write_text(json.dumps({"state": "running"}))
    monkeypatch.setattr(full, "_reconcile", lambda run: None)
    full.list()
    read.clear()
    (full.root / changed / "report.json").write_text(json.dumps({"metrics": {"x": 1}}))
    writer = MetricsWriter(full.root / active / "metrics.jsonl")
    writer.write(1000, 50, {"critic": -1.0})
    writer.close()
    after = {s.run: s for s in full.list()}
    assert sorted(read) == sorted([changed, active])
    assert after[changed].has_report
    assert (after[active].epoch, after[active].last["critic"]) == (50, -1.0)


def test_deleted_and_foreign_folders_do_not_appear(full: RunStore) -> None:
    gone = full.list()[0].run
    full.delete(gone)
    (full.root / ".new-half").mkdir()
    (full.root / "a-file").write_text("x")
    assert gone not in [s.run for s in full.list()]
    assert len(full.list()) == 199
