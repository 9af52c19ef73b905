"""A store in an empty home with one small dataset, and intervals short enough for tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.config.experiments import compose
from core.data.genotypes import Genotypes
from core.data.library import Library
from core.runs.directory import Run
from core.runs.states import ACTIVE
from core.runs.store import RunStore
from core.runs.submission import prepare
from tests.waiting import PATIENCE, wait_until

SMALL = [
    "training.device=cpu",
    "training.batch_size=32",
    "evaluation.bootstrap=0",
    "evaluation.neighbours=[3,5]",
]
NETWORK = [
    "experiment=wgan_gp",
    "model.latent=4",
    "model.generator_widths=[8]",
    "model.critic_widths=[8]",
    "model.structured=false",
    "model.critic_steps=1",
    "training.evaluate_every=100000",
    *SMALL,
]


@pytest.fixture
def store(home: Path, monkeypatch: pytest.MonkeyPatch) -> RunStore:
    """The store of an empty home, without shipped runs."""
    for name, seconds in {"POLL": 0.05, "HEARTBEAT": 0.2, "SILENT": PATIENCE, "START": PATIENCE}.items():
        monkeypatch.setenv(f"POPSCAPE_{name}_SECONDS", str(seconds))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return RunStore(shipped=None)


@pytest.fixture
def config(store: RunStore, tiny: Genotypes) -> Callable[..., dict[str, Any]]:
    """From overrides to the config of a run on the small dataset `tiny`."""
    Library().add(tiny, name="tiny")

    def make(*overrides: str) -> dict[str, Any]:
        return prepare(compose(list(overrides)), "tiny")

    return make


def ended(store: RunStore, run: Run) -> Run:
    """The run, once it has ended."""
    wait_until(lambda: store.get(run.id).state not in ACTIVE)
    return store.get(run.id)


def epochs_done(run: Run) -> int:
    """Epochs of which the curves tell."""
    return max((max(s.epoch) for s in run.metrics().values()), default=0)
