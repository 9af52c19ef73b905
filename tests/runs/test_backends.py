"""What every engine must do, whichever it is."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.config.resources import Resources
from core.errors import RunError
from core.runs.backends.base import Life, backends
from core.runs.states import State
from core.runs.store import RunStore
from tests.runs.conftest import NETWORK, SMALL, ended, epochs_done
from tests.runs.engines import missing, started
from tests.runs.test_together import VAE, processes
from tests.waiting import wait_until


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in backends.names()]
)
def name(request: pytest.FixtureRequest) -> Iterator[str]:
    """An engine that runs; the tests of one engine share it."""
    engine = str(request.param)
    if why := missing(engine):
        pytest.skip(why)
    with pytest.MonkeyPatch.context() as patch, started(engine, patch):
        yield engine


def test_the_five_verbs(store: RunStore, config: Callable[..., dict[str, Any]], name: str) -> None:
    engine = store.backend(name)
    run = store.submit(config(*NETWORK, "training.epochs=100000"), Resources(backend=name))
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
    run = store.submit(config(*NETWORK, "training.epochs=100000"), Resources(backend=name))
    wait_until(lambda: epochs_done(run) >= 1)
    engine.cancel(run, force=True)
    run = ended(store, run)
    assert (run.state, run.has_checkpoint, run.report()) == (State.CANCELLED, True, None)


def test_a_run_that_ends_by_itself_has_the_weights_of_any_other_engine(
    store: RunStore, config: Callable[..., dict[str, Any]], name: str
) -> None:
    wanted = config(*NETWORK, "training.epochs=2")
    here, there = store.submit(wanted), store.submit(wanted, Resources(backend=name, cpus=1))
    assert {ended(store, run).state for run in (here, there)} == {State.SUCCEEDED}
    wait_until(lambda: store.backend(name).status(there)[0] is Life.DEAD)
    assert store.get(there.id).state is State.SUCCEEDED  # dead, but not lost
    weights = [next((run.checkpoints / "last").glob("*.safetensors")).read_bytes() for run in (here, there)]
    assert weights[0] == weights[1]


def test_two_processes_train_on_an_engine_as_they_do_here(
    store: RunStore, config: Callable[..., dict[str, Any]], name: str
) -> None:
    if name == "local":
        pytest.skip("is tested in test_together.py")
    run = store.submit(config(*VAE, "training.epochs=2"), Resources(backend=name, cpus=2))
    assert ended(store, run).state is State.SUCCEEDED, run.log_tail()
    assert run.config["training"]["processes"] == 2 and not processes(run)


@pytest.mark.xdist_group("slurm")
def test_a_killed_slurmd_changes_nothing_and_with_the_job_it_is_lost(
    store: RunStore, config: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    if why := missing("slurm"):
        pytest.skip(why)
    with started("slurm", monkeypatch) as folder:
        wanted = config(*NETWORK, "training.epochs=100000", "training.checkpoint_every=1")
        run = store.submit(wanted, Resources(backend="slurm", cpus=1))
        wait_until(lambda: epochs_done(run) >= 1)
        os.kill(int((Path(folder) / "slurmd.pid").read_text()), signal.SIGKILL)
        reached = epochs_done(run)
        wait_until(lambda: epochs_done(run) > reached + 1)
        assert store.get(run.id).state is State.RUNNING
        for process in _up_to_the_step(run.status["pid"]):
            os.kill(process, signal.SIGKILL)
        again = subprocess.Popen(["slurmd", "-D"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            run = ended(store, run)
        finally:
            again.terminate()
            again.wait()
    assert run.state is State.LOST
    assert "disappeared in epoch" in run.status["reason"] and "last checkpoint" in run.status["reason"]


@pytest.mark.xdist_group("slurm")
def test_a_place_that_slurm_takes_back_is_waited_for_again(
    store: RunStore, config: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    if why := missing("slurm"):
        pytest.skip(why)
    with started("slurm", monkeypatch):
        run = store.submit(config(*NETWORK, "training.epochs=100000"), Resources(backend="slurm", cpus=1))
        wait_until(lambda: epochs_done(run) >= 1)
        handle = run.status["handle"]
        subprocess.run(["scancel", "--signal=USR2", handle], check=True)
        wait_until(lambda: run.status["state"] == "queued" and "took its place back" in run.status["reason"])
        reached = epochs_done(run)
        assert store.get(run.id).state is State.QUEUED and run.has_checkpoint
        # Slurm holds a requeued job back for two minutes, since its node refuses the same job at once; seconds will do.
        wait_until(lambda: "BeginTime" in _reason(handle))
        subprocess.run(["scontrol", "update", f"jobid={handle}", "starttime=now+5"], check=True)
        wait_until(lambda: epochs_done(run) > reached)
        assert f"Resumed at epoch {reached}" in run.log_tail()
        store.stop(run.id)
        assert ended(store, run).state is State.CANCELLED


@pytest.mark.xdist_group("ray")
def test_a_run_whose_ray_head_is_killed_is_lost_with_the_reason(
    store: RunStore, config: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    if why := missing("ray"):
        pytest.skip(why)
    monkeypatch.setenv("POPSCAPE_SILENT_SECONDS", "2")
    with started("ray", monkeypatch) as folder:
        run = store.submit(config(*NETWORK, "training.epochs=100000"), Resources(backend="ray", cpus=1))
        wait_until(lambda: epochs_done(run) >= 1)
        subprocess.run(["pkill", "-KILL", "-f", folder], check=False)  # Ray then ends the job by itself
        run = ended(RunStore(shipped=None), run)
    assert run.state is State.LOST
    assert "cannot be reached" in run.status["reason"] or "no longer knows" in run.status["reason"]


@pytest.mark.parametrize(
    ("address", "said"), [("http://cluster.example:8265", "RAY_AUTH_TOKEN"), ("ray://127.0.0.1:10001", "http://HOST")]
)
def test_an_address_that_must_not_be_asked_is_refused_before_anything_is_sent(
    store: RunStore, config: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch, address: str, said: str
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    with pytest.raises(RunError, match=said):
        store.submit(config("experiment=resample", *SMALL), Resources(backend="ray"))
    assert store.list()[0].state == "failed" and said in store.list()[0].reason


def test_an_engine_that_is_not_there_says_so(
    store: RunStore, config: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "http://127.0.0.1:9")
    with pytest.raises(RunError, match="did not take the run"):
        store.submit(config("experiment=resample", *SMALL), Resources(backend="ray"))
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(RunError, match="no Slurm on this machine"):
        store.submit(config("experiment=resample", *SMALL), Resources(backend="slurm"))


def _up_to_the_step(process: int) -> list[int]:
    """The processes of a job from Slurm's own, its step, down to the worker."""
    found = [process]
    while Path(f"/proc/{found[0]}/comm").read_text().strip() != "slurmstepd":
        found.insert(0, int(Path(f"/proc/{found[0]}/stat").read_text().rpartition(")")[2].split()[1]))
    return found


def _reason(handle: str) -> str:
    """Why Slurm does not run a job."""
    words = ["squeue", "--noheader", f"--jobs={handle}", "--format=%r"]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout
