"""A sweep that searches: real trainings that survive a kill, and the search itself on a curve whose best is known."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.config.home import REPOSITORY
from core.config.overrides import searchable
from core.config.resources import Resources
from core.errors import InputError
from core.runs import search
from core.runs.directory import Run, create
from core.runs.metrics import MetricsWriter
from core.runs.states import State
from core.runs.store import RunStore
from tests.runs.conftest import SMALL
from tests.waiting import wait_until

Config = Callable[..., dict[str, Any]]
SEARCHED = [
    "experiment=vae",
    "model.latent=2..8",
    "model.normalisation=batch,layer",
    "model.encoder_widths=[8]",
    "model.decoder_widths=[8]",
    "training.epochs=2",
    "training.evaluate_every=1",
    *SMALL,
]
KNOWN = ["experiment=vae", "training.learning_rate=1e-5..1e-1", "training.epochs=8"]


class Curves(RunStore):
    """Runs that nobody trains: their score rises to a height that is largest at a learning rate of 1e-3."""

    def submit(self, config: Any, resources: Any = None) -> Run:
        run = create(self.root, config)
        run.move(State.STARTING, "")
        run.move(State.RUNNING, "")
        return run

    def get(self, reference: str) -> Run:
        run = Run(self.root / reference)
        done = max((max(s.epoch) for s in run.metrics().values()), default=0)
        if run.state is State.RUNNING and done < 8:
            rate = run.config["training"]["learning_rate"]
            writer = MetricsWriter(run.path / "metrics.jsonl")
            writer.write(done + 1, done + 1, {"score": 1 - 0.1 * abs(search.math.log10(rate) + 3) - 1 / (2 + done)})
            writer.close()
        elif run.state is State.RUNNING:
            run.move(State.SUCCEEDED, "")
        return run

    def stop(self, reference: str, *, now: bool = False) -> Run:
        run = Run(self.root / reference)
        run.move(State.STOPPING, "")
        run.move(State.CANCELLED, "")
        return run


@pytest.fixture
def curves(config: Config, monkeypatch: pytest.MonkeyPatch) -> Curves:
    monkeypatch.setattr(search, "_SECONDS", 0.0)
    return Curves(shipped=None)


def rates(found: search.Found) -> list[float]:
    return [run.config["training"]["learning_rate"] for run in found.runs]


def test_the_search_finds_the_best_and_stops_what_is_below_the_median(curves: Curves) -> None:
    told: list[str] = []
    found = search.search(search.plan(KNOWN, "tiny"), 12, curves, Resources(), tell=told.append)
    assert len(found.runs) == 12 and found.failed == 0
    assert found.best is not None and 2e-4 < found.values["training.learning_rate"] < 5e-3
    assert found.score == pytest.approx(max(max(run.metrics()["score"].value) for run in found.runs))
    epochs = [max(run.metrics()["score"].epoch) for run in found.runs]
    assert found.pruned == sum(n < 8 for n in epochs) == sum(run.state is State.CANCELLED for run in found.runs) > 1
    assert epochs[:4] == [8] * 4 and min(epochs) >= 8 // 4  # the first to their end, and none before a quarter
    assert sum("below the median" in line for line in told) == found.pruned


def test_a_search_that_goes_on_chooses_as_one_that_never_stopped(
    curves: Curves, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = search.plan(KNOWN, "tiny")
    search.search(wanted, 5, curves, Resources())
    parts = search.search(wanted, 9, curves, Resources())
    assert len(parts.runs) == 9
    monkeypatch.setattr(search, "home", lambda: tmp_path / "other")
    whole = search.search(wanted, 9, Curves(tmp_path / "other" / "runs", shipped=None), Resources())
    assert rates(parts) == rates(whole)
    again = search.search(wanted, 9, curves, Resources())
    assert len(again.runs) == 9 and again.score == parts.score  # there was nothing left to do


def test_a_killed_sweep_of_real_trainings_goes_on_where_it_was(store: RunStore, config: Config) -> None:
    config("experiment=vae")  # brings the dataset in
    command = [sys.executable, "-m", "core", "sweep", "--search", "4", *SEARCHED, "--dataset", "tiny"]
    first = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: len(store.list()) == 2)
    first.kill()
    first.wait()
    begun = {one.run for one in store.list()}
    again = subprocess.run([*command, "--json"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert "goes on: " in again.stderr
    found = json.loads(again.stdout.splitlines()[-1])
    runs = [store.get(one["run"]) for one in found["runs"]]
    assert len(runs) == len(store.list()) == 4 and begun <= {run.id for run in runs}
    assert [run.config["sweep"]["trial"] for run in runs] == [0, 1, 2, 3]
    assert {run.state for run in runs} == {State.SUCCEEDED} and found["failed"] == 0
    best = store.get(found["best"])
    assert best.report() is not None and "latent" in best.config["title"]
    assert best.config["model"]["latent"] == found["values"]["model.latent"] in range(2, 9)
    assert best.config["model"]["normalisation"] == found["values"]["model.normalisation"]
    quality = {run.id: max(search._scores(run).items())[1] for run in runs}  # this experiment keeps its last state
    assert found["score"] == quality[best.id] == max(quality.values())


def test_two_searches_of_one_sweep_are_refused(curves: Curves, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = search.plan(KNOWN, "tiny")

    def meanwhile(*_: Any) -> Any:
        with pytest.raises(InputError, match="already going on"):
            search.search(wanted, 3, Curves(shipped=None), Resources())
        raise InputError("seen")

    monkeypatch.setattr(Curves, "submit", meanwhile)
    with pytest.raises(InputError, match="seen"):
        search.search(wanted, 3, curves, Resources())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["training.seed=1"], "nothing to search"),
        (["training.learning_rate=1..0"], "is empty"),
        (["model.latent=0..8"], "model.latent"),
        (["model.laten=2..8"], "did you mean"),
        (["training.learning_rate=1e-4..1e-2", "training.epochs=0"], "closed form"),
        (["training.learning_rate=1e-4..1e-2", "training.score=loss"], "no score of held-out data"),
    ],
)
def test_a_search_that_cannot_be_is_refused_before_anything_starts(
    store: RunStore, config: Config, words: list[str], said: str
) -> None:
    config("experiment=vae")
    with pytest.raises(InputError, match=said):
        search.plan(["experiment=vae", *words], "tiny")
    assert not store.list()


def test_ranges_are_whole_where_they_are_written_so_and_searched_by_factors_where_they_are_wide() -> None:
    fixed, (rate, latent, share) = searchable(["seed=1", "rate=1e-4..1e-2", "latent=8..64", "share=-.5..0.5"])
    assert fixed == ["seed=1"]
    assert [(one.whole, one.log) for one in (rate, latent, share)] == [(False, True), (True, False), (False, False)]
    assert latent.ends == (8, 64)
