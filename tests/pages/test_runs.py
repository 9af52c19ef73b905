"""The Runs page with 0, 1 and 200 runs, and what its buttons do to a run directory."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.runs.directory import Run, create
from core.runs.process import ProcessIdentity
from core.runs.states import State
from core.runs.store import RunStore
from tests.pages.routed import routed  # noqa: F401
from tests.waiting import PATIENCE

APP = str(Path(__file__).resolve().parents[2] / "app.py")


def make_run(root: Path, state: str, *, done: int = 20, title: str = "", kind: str = "genotypes") -> Run:
    """A run directory as a worker leaves it, in `state`, with curves of `done` epochs."""
    run = create(
        root,
        {
            "name": "wgan_gp",
            "title": title,
            "kind": kind,
            "dataset": {"id": "0" * 24, "name": "cohort"},
            "model": {"name": "wgan_gp"},
            "training": {"epochs": 40, "evaluate_every": 5},
            "seed": 1,
        },
    )
    rows = []
    for epoch in range(1, done + 1):
        values = {"critic": -1 / epoch, "generator": 2 / epoch}
        if epoch % 5 == 0:
            values |= {"precision": 0.5, "recall": 0.1 * math.log(epoch), "ld_r": 0.9, "score": 0.6}
        rows += [
            {"step": 7 * epoch, "epoch": epoch, "time": 100.0 + epoch, "name": k, "value": v} for k, v in values.items()
        ]
    (run.path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (run.path / "log.txt").write_text("Loading.\nEpoch 20.\n")
    status = json.loads((run.path / "status.json").read_text())
    reason = f"It is {state} for a reason."
    (run.path / "status.json").write_text(json.dumps(status | {"state": state, "reason": reason}))
    return run


def open_page(**query: str) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=PATIENCE)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    app.switch_page("pages/runs.py").run()
    assert not app.exception
    return app


def charts(app: AppTest) -> list[Any]:
    return list(app.get("bidi_component"))


@pytest.fixture
def store(home: Path, monkeypatch: pytest.MonkeyPatch) -> RunStore:
    """An empty run folder, and no shipped runs."""
    nothing = home / "nothing"
    for module in ("core.runs.store", "core.config.home"):
        monkeypatch.setattr(f"{module}.PRETRAINED", nothing)
    monkeypatch.setattr(RunStore.__init__, "__defaults__", (None, nothing))
    return RunStore()


def text(app: AppTest) -> str:
    return " ".join(element.value for element in [*app.markdown, *app.caption, *app.error, *app.success])


def test_without_runs_it_says_what_to_do(store: RunStore) -> None:
    app = open_page()
    assert "Nothing has been trained yet" in text(app)
    assert [link.proto.page for link in app.get("page_link")] == ["train"]


def test_one_run_with_its_curves_and_reason(store: RunStore) -> None:
    run = make_run(store.root, "failed", title="First attempt")
    app = open_page()
    assert "It is failed for a reason" in text(app)
    assert len(charts(app)) == 2
    assert app.dataframe[0].value["Run"].tolist() == [f"First attempt · {run.id[:6]}"]
    assert app.button(key=f"resume_{run.id}")
    assert not [button for button in app.button if button.key == f"stop_{run.id}"]


def test_log_is_read_when_opened(store: RunStore) -> None:
    run = make_run(store.root, "cancelled")
    app = open_page()
    assert not [code for code in app.code if "Loading" in code.value]
    app.session_state[f"log_{run.id}"] = True
    app.run()
    assert [code for code in app.code if "Epoch 20." in code.value]


def test_a_link_shows_its_run_whatever_the_filter(store: RunStore) -> None:
    runs = [make_run(store.root, "succeeded", title=f"run {i}") for i in range(5)]
    app = open_page(run=f"run 2 · {runs[2].id[:6]}", state="Failed or lost")
    assert app.selectbox(key="run").value == f"run 2 · {runs[2].id[:6]}"
    assert "It is succeeded for a reason" in text(app)


def test_filter_by_state_and_words(store: RunStore) -> None:
    make_run(store.root, "failed", title="alpha")
    for word in ("one", "two", "three", "four"):
        make_run(store.root, "succeeded", title=f"beta {word}")
    app = open_page()
    app.button_group(key="state").set_value("Failed or lost").run()
    assert [name.split(" ·")[0] for name in app.dataframe[0].value["Run"]] == ["alpha"]
    app.button_group(key="state").set_value("All").run()
    app.text_input(key="find").set_value("THREE beta").run()
    assert [name.split(" ·")[0] for name in app.dataframe[0].value["Run"]] == ["beta three"]
    app.text_input(key="find").set_value("nothing like it").run()
    assert "No run fits the filter" in text(app)
    assert not app.exception


@pytest.mark.parametrize(
    ("losses", "warned"),
    [
        ([2.0, 1.5, 1.2], ""),
        ([2.0, 1.5, 2.01], ""),
        ([2.0, 1.5, 6e17], "is 6e+17 after 10 epochs, and was 2 at first"),
        ([-2.0, -3.0, -1.9], "is -1.9 after 10 epochs, and was -2 at first"),
        ([2.0, 1.5, None], "is no number after 10 epochs, and was 2 at first"),
        ([None, 1.5, 1.2], ""),
        ([2.0], ""),
    ],
    ids=["better", "as before", "grows", "grows below 0", "no number", "no number at first", "one value"],
)
def test_a_held_out_loss_that_grows_is_warned_of_while_it_trains(
    losses: list[float | None], warned: str, store: RunStore
) -> None:
    run = make_run(store.root, "running", kind="sets")
    here = ProcessIdentity.of(os.getpid()).to_status()
    status = json.loads((run.path / "status.json").read_text())
    (run.path / "status.json").write_text(json.dumps(status | here))
    rows = [
        {"step": 35 * i, "epoch": 5 * i, "time": 100.0 + i, "name": "holdout_loss", "value": value}
        for i, value in enumerate(losses)
    ]
    (run.path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    app = open_page()
    assert run.state is State.RUNNING and app.button(key=f"stop_{run.id}")
    said = [one.value for one in app.warning if "held-out" in one.value]
    assert len(said) == bool(warned)
    assert not said or (warned in said[0] and "smaller learning rate" in said[0])


def test_stop_asks_the_worker(store: RunStore) -> None:
    run = make_run(store.root, "queued")
    status = json.loads((run.path / "status.json").read_text())
    (run.path / "status.json").write_text(json.dumps(status | {"queued": status["created"]}))
    app = open_page()
    app.button(key=f"stop_{run.id}").click().run()
    assert (run.path / "cancel").exists()
    assert not app.exception


def test_delete_asks_first_and_then_says_so(store: RunStore) -> None:
    run = make_run(store.root, "failed", title="gone soon")
    app = open_page()
    assert run.path.exists()
    app.button(key=f"delete_{run.id}").click().run()
    assert not run.path.exists()
    assert "was deleted" in text(app)
    assert not app.exception


def test_a_run_that_cannot_be_read_is_shown_as_such(store: RunStore) -> None:
    run = make_run(store.root, "failed")
    (run.path / "config.json").write_text("{ not json")
    app = open_page()
    assert not app.exception
    assert text(app)


def test_names_are_shown_as_they_are(store: RunStore) -> None:
    make_run(store.root, "failed", title="<img src=x onerror=alert(1)> **bold** :red[x]")
    app = open_page()
    assert not [m for m in app.markdown if "<img" in m.value and "\\<img" not in m.value]


def test_200_runs_are_listed_and_filtered(store: RunStore) -> None:
    for i in range(200):
        make_run(store.root, "succeeded" if i % 5 else "failed", title=f"run {i}", done=40)
    app = open_page()
    assert len(app.dataframe[0].value) == 200
    app.button_group(key="state").set_value("Failed or lost").run()
    assert len(app.dataframe[0].value) == 40


def test_state_constants_cover_every_state() -> None:
    from pages.parts.runs.table import GROUPS, MARKS

    states = {state.value for state in State}
    assert set(MARKS) == states
    assert set().union(*GROUPS.values()) == states


def test_a_training_goes_on_step_by_step() -> None:
    app = open_page(runs_view="Step by step")
    app.button(key="ten_steps").click().run()
    app.button(key="one_step").click().run()
    assert not app.exception
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Steps taken"] == "11"
    figures = [json.loads(c.proto.json)["alt"] for c in app.get("bidi_component") if "figure" in c.proto.json]
    assert len(figures) == 3 and figures[0].startswith("Losses after 11 steps")
    app.button(key="step_again").click().run()
    assert {metric.label: metric.value for metric in app.metric}["Steps taken"] == "0"
