"""Runs that two processes train: they end, stop and go on as any other, and a dead process never makes them hang."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import InputError
from core.runs.directory import Run
from core.runs.states import State
from core.runs.store import RunStore
from tests.runs.conftest import NETWORK, SMALL, ended, epochs_done
from tests.runs.test_worker import python_starts_with, weights
from tests.waiting import wait_until

VAE = [
    "experiment=vae",
    "model.latent=4",
    "model.encoder_widths=[8]",
    "model.decoder_widths=[8]",
    "training.processes=2",
    "training.evaluate_every=100000",
    "training.checkpoint_every=1",
    *SMALL,
]
Config = Callable[..., dict[str, Any]]


def processes(run: Run) -> list[int]:
    """The living processes that train the run, in the order of their start."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if str(run.path).encode() in words and b"core.runs.together" in words and b"torch.distributed.run" not in words:
            found.append(int(entry.name))
    return sorted(found)


def test_a_killed_process_fails_the_run_and_resume_equals_never_having_stopped(
    store: RunStore, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = config(*VAE, "training.epochs=5")
    dies = (
        "import os, signal\n"
        "if os.environ.get('RANK') == '1':\n"
        "    from core.training.team import Team; mean = Team.mean; calls = []\n"
        "    def last(self, *words):\n"
        "        calls.append(1); len(calls) == 4 and os.kill(os.getpid(), signal.SIGKILL)\n"
        "        return mean(self, *words)\n"
        "    Team.mean = last\n"
    )
    with python_starts_with(dies, store, monkeypatch):
        run = ended(store, store.submit(wanted))
    assert run.state is State.FAILED
    assert run.status["reason"].startswith("One of the 2 processes of this training ended without a word")
    assert "Resume continues from the last checkpoint." in run.status["reason"]
    wait_until(lambda: not processes(run))
    store.resume(run.id)
    assert ended(store, run).state is State.SUCCEEDED, run.log_tail()
    assert "Resumed at epoch 3" in run.log_tail()
    assert run.report() is not None
    straight = ended(store, store.submit(wanted))
    assert straight.state is State.SUCCEEDED, straight.log_tail()
    resumed, whole = weights(run), weights(straight)
    assert resumed.keys() == whole.keys()
    assert all(np.array_equal(resumed[k], whole[k]) for k in whole)
    assert run.metrics()["reconstruction"].value == straight.metrics()["reconstruction"].value


def test_a_run_of_two_processes_stops_with_a_report_and_leaves_nobody_behind(store: RunStore, config: Config) -> None:
    run = store.submit(config(*VAE, "training.epochs=100000"))
    wait_until(lambda: epochs_done(run) >= 2, run.log_tail())
    assert len(processes(run)) == 2
    store.stop(run.id)
    assert ended(store, run).state is State.CANCELLED, run.log_tail()
    assert "Stopped on request" in run.status["reason"] and run.report() is not None
    reached = epochs_done(run)
    store.resume(run.id)
    wait_until(lambda: epochs_done(run) > reached, run.log_tail())
    os.kill(run.status["pid"], signal.SIGTERM)
    assert ended(store, run).state is State.CANCELLED
    assert "SIGTERM" in run.status["reason"] and "Resume continues" in run.status["reason"]
    reached = epochs_done(run)
    store.resume(run.id)
    wait_until(lambda: epochs_done(run) > reached, run.log_tail())
    os.kill(run.status["pid"], signal.SIGKILL)
    wait_until(lambda: not processes(run))
    assert store.get(run.id).state is State.LOST


def test_models_that_cannot_share_a_step_say_why(config: Config) -> None:
    with pytest.raises(InputError, match="second derivatives"):
        config(*NETWORK, "training.processes=2")
    with pytest.raises(InputError, match="does not learn by the gradient of a loss"):
        config("experiment=resample", *SMALL, "training.processes=2")
    with pytest.raises(InputError, match="take fewer processes"):
        config(*VAE, "training.processes=64")
