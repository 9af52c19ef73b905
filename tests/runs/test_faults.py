"""Faults of the machine around a run: what was finished stays, and what happened is said in one sentence.

The table of docs/trust.md names a test for each fault; those that are not here stand with what they break.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from core.config.home import home_fault
from core.data.library import Library
from core.errors import InputError
from core.runs.states import State
from core.runs.store import RunStore
from tests.pages.routed import routed  # noqa: F401
from tests.runs.conftest import NETWORK, SMALL, ended, epochs_done
from tests.waiting import wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
Config = Callable[..., dict[str, Any]]


def command(home: str, *words: str, before: Callable[[], None] | None = None) -> tuple[int, str]:
    """Status and standard error of `python -m core WORDS` in that home."""
    done = subprocess.run(
        [sys.executable, "-m", "core", *words], cwd=REPOSITORY, env={**os.environ, "POPSCAPE_HOME": home},
        capture_output=True, text=True, check=False, preexec_fn=before,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("simulate", "--individuals", "20", "--length", "20000", "--variants", "20", "--maf-min", "0"),
        ("train", "experiment=resample"),
    ],
    ids=lambda words: words[0],
)
def test_a_home_that_cannot_be_written_is_said_in_one_sentence(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "file").write_text("not a folder")
    status, said = command(str(tmp_path / "file" / "home"), *words)
    assert status == 2 and "Traceback" not in said
    assert "cannot be used" in said.splitlines()[-1] and "POPSCAPE_HOME" in said


def test_a_run_that_cannot_be_written_is_refused_on_a_page_too(store: RunStore, config: Config) -> None:
    wanted = config("experiment=resample", *SMALL)
    (store.root.parent / "file").write_text("not a folder")
    with pytest.raises(InputError, match="cannot be used"):
        RunStore(store.root.parent / "file" / "runs", shipped=None).submit(wanted)


def test_a_home_that_has_vanished_still_shows_what_is_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit.testing.v1 import AppTest

    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("POPSCAPE_HOME", str(tmp_path / "file" / "home"))
    assert RunStore().list() and Library().list()
    for page in ("home", "datasets", "runs"):
        app = AppTest.from_file(str(REPOSITORY / "app.py"), default_timeout=300)
        if page != "home":
            app.switch_page(f"pages/{page}.py")
        assert not app.run().exception, page


def test_a_disk_that_is_full_in_an_import_leaves_nothing_half_stored(home: Path, tmp_path: Path) -> None:
    def tight() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    words = ("simulate", "--individuals", "300", "--length", "100000", "--variants", "200", "--maf-min", "0")
    status, said = command(str(home), *words, before=tight)
    assert status == 2 and "Traceback" not in said and "size limit" in said.splitlines()[-1]
    assert all(meta.embedded for meta in Library().list())
    assert not list((home / "datasets").glob("*/meta.json"))


def test_a_full_disk_has_a_sentence_and_errors_of_other_files_have_none(home: Path) -> None:
    assert "is full" in home_fault(OSError(28, "No space left on device"))
    assert home_fault(OSError(2, "No such file", "/elsewhere/file")) == ""


def test_a_dataset_that_is_deleted_under_a_run_ends_it_with_a_sentence(store: RunStore, config: Config) -> None:
    run = store.submit(config(*NETWORK, "training.epochs=100000"))
    wait_until(lambda: epochs_done(run) >= 1)
    shutil.rmtree(store.root.parent / "datasets")
    store.stop(run.id)
    run = ended(store, run)
    assert run.state is State.CANCELLED and "is not in the library" in run.status["reason"]
    assert run.has_checkpoint and "Stopped on request" in run.status["reason"]


def test_two_servers_on_one_home_share_queue_and_runs(store: RunStore, config: Config) -> None:
    wanted = config("experiment=resample", *SMALL)
    other = RunStore(store.root, shipped=None)
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda k: (store, other)[k % 2].submit(wanted), range(4)))
    assert {ended(store, run).state for run in runs} == {State.SUCCEEDED}
    assert {one.run for one in store.list()} == {one.run for one in other.list()} == {run.id for run in runs}


def test_a_worker_without_memory_says_so_and_the_last_checkpoint_stays(store: RunStore, config: Config) -> None:
    run = store.submit(config(*NETWORK, "training.epochs=100000", "training.checkpoint_every=1"))
    wait_until((run.checkpoints / "last").is_dir)
    # What the kernel does to a process when memory runs out.
    os.kill(run.status["pid"], signal.SIGKILL)
    run = ended(store, run)
    assert run.state is State.LOST and "memory" in run.status["reason"]
    assert "Resume continues from the last checkpoint" in run.status["reason"]
    with pytest.raises(InputError, match="nothing to stop"):
        store.stop(run.id)
