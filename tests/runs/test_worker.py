"""Whole runs by real worker processes: success, kill -9, stop, resume, a dead submitter, the queue, trouble."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from core.config.home import REPOSITORY
from core.data.library import Library
from core.runs import sampling
from core.runs.directory import Run, create
from core.runs.states import State
from core.runs.store import RunStore
from tests.runs.conftest import NETWORK, SMALL, ended, epochs_done
from tests.waiting import PATIENCE, wait_until

Config = Callable[..., dict[str, Any]]


def weights(run: Run) -> dict[str, Any]:
    (file,) = (run.checkpoints / "last").glob("*.safetensors")
    return load_file(file)


@contextlib.contextmanager
def python_starts_with(code: str, store: RunStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every Python that is started in the block runs `code` first."""
    (store.root.parent / "sitecustomize.py").write_text(code)
    with monkeypatch.context() as patch:
        patch.setenv("PYTHONPATH", f"{store.root.parent}{os.pathsep}{REPOSITORY}")
        yield


def test_a_run_leaves_everything_that_the_pages_read(store: RunStore, config: Config) -> None:
    run = store.submit(config(*NETWORK, "training.epochs=4", "training.evaluate_every=2"))
    run = ended(store, run)
    assert run.state is State.SUCCEEDED, run.log_tail()
    report = run.report()
    assert report is not None
    assert (report.metric("precision").reason is None) == (report.metric("precision").value is not None)
    assert any(run.arrays.glob("*.npz"))
    assert {"versions", "commit", "device", "argv"} <= run.env.keys()
    assert {"critic", "generator", "precision", "recall", "ld_r", "allele_frequency_rmse"} <= run.metrics().keys()
    assert epochs_done(run) == 4
    status = run.status
    assert {"state", "reason", "pid", "started", "ended", "host"} <= status.keys()
    assert status["phase"] is None
    made = sampling.load(run)
    dataset = Library().open("tiny")
    assert made is not None
    assert made.n >= len(dataset.split().holdout)
    assert made.m == dataset.meta.cohort.variants
    assert set(made.labels["population"]) <= {"NORTH", "SOUTH"}
    assert (run.path / "heartbeat").exists()


def test_kill_9_reads_lost_and_resume_equals_never_having_stopped(
    store: RunStore, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = config(*NETWORK, "training.epochs=20", "training.checkpoint_every=5")
    dies = (
        "import os; from core.runs.metrics import MetricsWriter; write = MetricsWriter.write\n"
        "def last(self, step, epoch, values):\n"
        "    write(self, step, epoch, values); epoch == 7 and os.kill(os.getpid(), 9)\n"
        "MetricsWriter.write = last\n"
    )
    with python_starts_with(dies, store, monkeypatch):
        run = store.submit(wanted)
        wait_until(lambda: store.list()[0].state == State.LOST)
    reason = store.get(run.id).status["reason"]
    assert "disappeared in epoch 8" in reason
    assert "signal 9" in reason  # this very process started it, so the way it ended is known
    assert "Resume continues" in reason
    assert store.resume(run.id).state is State.QUEUED
    assert ended(store, run).state is State.SUCCEEDED, run.log_tail()
    assert "Resumed at epoch" in run.log_tail()
    straight = ended(store, store.submit(wanted))
    assert straight.state is State.SUCCEEDED
    resumed, whole = weights(run), weights(straight)
    assert resumed.keys() == whole.keys()
    assert all(np.array_equal(resumed[k], whole[k]) for k in whole)
    series, reference = run.metrics()["critic"], straight.metrics()["critic"]
    assert (series.step, series.value) == (reference.step, reference.value)  # no step twice, none missing


def test_stop_leaves_a_usable_checkpoint_and_a_report(store: RunStore, config: Config) -> None:
    run = store.submit(config(*NETWORK, "training.epochs=100000"))
    wait_until(lambda: epochs_done(run) >= 2)
    assert store.stop(run.id).state in (State.STOPPING, State.CANCELLED)
    run = ended(store, run)
    assert run.state is State.CANCELLED
    assert "Stopped on request" in run.status["reason"]
    assert run.report() is not None
    assert sampling.synthesise(run, Library().open("tiny"), 5).n == 5


def test_a_machine_that_goes_down_leaves_a_checkpoint(store: RunStore, config: Config) -> None:
    run = store.submit(config(*NETWORK, "training.epochs=100000"))
    wait_until(lambda: epochs_done(run) >= 2)
    os.kill(run.status["pid"], signal.SIGTERM)
    run = ended(store, run)
    assert (run.state, run.has_checkpoint, run.report()) == (State.CANCELLED, True, None)
    assert "SIGTERM" in run.status["reason"]
    assert "Resume continues" in run.status["reason"]


def test_the_death_of_the_submitter_changes_nothing_for_worker_and_queue(store: RunStore, config: Config) -> None:
    (store.root.parent / "first.json").write_text(json.dumps(config(*NETWORK, "training.epochs=60")))
    (store.root.parent / "second.json").write_text(json.dumps(config("experiment=resample", *SMALL)))
    code = (
        "import json, os, signal, sys; from pathlib import Path; from core.runs.store import RunStore\n"
        "ids = [RunStore(shipped=None).submit(json.loads(Path(p).read_text())).id for p in sys.argv[1:]]\n"
        "print(*ids, flush=True); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    files = [str(store.root.parent / name) for name in ("first.json", "second.json")]
    server = subprocess.run(
        [sys.executable, "-c", code, *files], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert server.returncode == -signal.SIGKILL
    runs = [store.get(i) for i in server.stdout.split()]
    assert [ended(store, run).state for run in runs] == [State.SUCCEEDED] * 2, runs[0].log_tail()
    first, second = (run.status for run in runs)
    assert first["ended"] <= second["started"]  # one place: the second waited for the first, with no server alive


def test_a_worker_has_no_terminal_and_its_own_session(store: RunStore, config: Config) -> None:
    run = store.submit(config(*NETWORK, "training.epochs=100000"))
    wait_until(lambda: epochs_done(run) >= 1)
    pid = run.status["pid"]
    assert os.getsid(pid) == pid
    descriptors = {entry.name: str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    assert descriptors["0"] == os.devnull
    assert descriptors["1"] == descriptors["2"] == str(run.path / "log.txt")
    store.stop(run.id, now=True)
    ended(store, run)


def test_queued_runs_are_served_in_order_and_can_be_stopped(store: RunStore, config: Config) -> None:
    first = store.submit(config(*NETWORK, "training.epochs=100000"))
    wait_until(lambda: first.state is State.RUNNING)
    waiting = [store.submit(config("experiment=resample", *SMALL, "evaluation.k=3")) for _ in range(3)]
    wait_until(lambda: "2 runs ahead" in waiting[2].status["reason"])
    store.stop(waiting[1].id)
    assert ended(store, waiting[1]).state is State.CANCELLED
    os.kill(waiting[0].status["pid"], signal.SIGKILL)  # a dead waiter does not block those behind it
    store.stop(first.id, now=True)
    assert ended(store, waiting[2]).state is State.SUCCEEDED
    assert store.get(waiting[0].id).state is State.LOST
    assert "waited" in store.get(waiting[0].id).status["reason"]
    assert ended(store, first).status["ended"] <= waiting[2].status["started"]


@pytest.mark.parametrize(
    ("state", "reason"), [(State.CANCELLED, "before the worker could close the run"), (State.LOST, "(SIGTERM)")]
)
def test_a_worker_that_ends_while_python_starts_leaves_time_and_reason(
    store: RunStore, config: Config, monkeypatch: pytest.MonkeyPatch, state: State, reason: str
) -> None:
    wanted = config(*NETWORK)
    with python_starts_with("import signal; signal.pause()", store, monkeypatch):  # and goes no further
        run = store.submit(wanted)
        if state is State.CANCELLED:
            store.stop(run.id, now=True)
        else:
            os.kill(run.status["pid"], signal.SIGTERM)
        run = ended(store, run)
    assert run.state is state
    assert reason in run.status["reason"]
    assert run.status["ended"] >= run.status["queued"]


def test_sigterm_ends_a_worker_whatever_it_is_in_the_middle_of(store: RunStore, config: Config) -> None:
    """The import of a library, a destructor, a callback: what comes up there as an exception may be swallowed."""
    run = create(store.root, config(*NETWORK))
    code = (
        "import sys; from pathlib import Path; from core.runs import work, worker\n"
        "def deaf(run, *_):\n"
        "    while True:\n"
        "        try:\n            run.note(deaf=True)\n"
        "        except BaseException: pass\n"
        "work.train = deaf\n"
        "sys.exit(worker.main(Path(sys.argv[1])))\n"
    )
    worker = subprocess.Popen([sys.executable, "-c", code, str(run.path)], cwd=REPOSITORY, start_new_session=True)
    wait_until(lambda: run.status.get("deaf"))
    worker.terminate()
    assert worker.wait(PATIENCE) == 0
    status = run.status
    assert (status["state"], status["phase"]) == (State.CANCELLED, None)
    assert status["reason"] == "The machine asked the worker to end (SIGTERM). There was no checkpoint yet."
    assert status["started"] <= status["ended"]


def test_a_failure_is_told_in_plain_words_and_can_be_mended(store: RunStore, config: Config) -> None:
    run = ended(store, store.submit(config("experiment=resample", *SMALL) | {"dataset": {"id": "0" * 24}}))
    assert run.state is State.FAILED
    assert "is not in the library" in run.status["reason"]
    assert "Traceback" in run.log_tail()


def test_a_disk_that_takes_no_more_is_said_plainly(store: RunStore, config: Config) -> None:
    run = create(store.root, config(*NETWORK, "training.epochs=3", "model.generator_widths=[64]"))

    def tight() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    subprocess.run(
        [sys.executable, "-m", "core", "worker", str(run.path)],
        cwd=REPOSITORY,
        preexec_fn=tight,
        capture_output=True,
        check=False,
    )
    assert run.state is State.FAILED
    assert "could not be written" in run.status["reason"]


def test_only_one_worker_has_a_run(store: RunStore, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    run = store.submit(config(*NETWORK, "training.epochs=100000"))
    wait_until(lambda: run.state is State.RUNNING)
    before = run.status
    monkeypatch.setenv("POPSCAPE_START_SECONDS", "0.2")
    second = subprocess.run(
        [sys.executable, "-m", "core", "worker", str(run.path)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert "Another worker" in second.stdout
    assert run.status["pid"] == before["pid"]
    store.stop(run.id, now=True)
    ended(store, run)


def test_a_deaf_worker_is_ended(store: RunStore, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    run = store.submit(config(*NETWORK, "training.epochs=100000"))
    wait_until(lambda: epochs_done(run) >= 2)
    os.kill(run.status["pid"], signal.SIGSTOP)  # it can neither look at the cancel file nor handle SIGTERM
    monkeypatch.setenv("POPSCAPE_STOP_SECONDS", "0.2")
    monkeypatch.setenv("POPSCAPE_KILL_SECONDS", "0.2")
    impatient = RunStore(shipped=None)
    impatient.stop(run.id)
    assert ended(impatient, run).state is State.CANCELLED
    assert "before the worker could close the run" in run.status["reason"]


def test_the_samples_of_a_run_are_reproducible_and_follow_a_wish(store: RunStore, config: Config) -> None:
    run = ended(store, store.submit(config("experiment=independent_sites", *SMALL)))
    dataset = Library().open("tiny")
    one, two, other = (sampling.synthesise(run, dataset, 30, seed=s).calls for s in (1, 1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)
    south = sampling.synthesise(run, dataset, 30, wish={"population": "SOUTH", "height": 0.5})
    assert set(south.labels["population"]) == {"SOUTH"}
    assert np.allclose(south.phenotypes["height"], 0.5)
    assert south.variant_id.tolist() == dataset.genotypes().variant_id.tolist()
    assert Path(run.samples).is_file()
