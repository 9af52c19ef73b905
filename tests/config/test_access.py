"""Where people sign in, nobody reaches what is another's, by its id, its name or the beginning of either."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.commands.child import ask
from core.config import access
from core.config.access import Viewer
from core.data.dataset import DatasetMeta
from core.data.genotypes import Genotypes
from core.data.library import Library
from core.errors import InputError
from core.runs import search
from core.runs.directory import Run, create
from core.runs.states import State
from core.runs.store import RunStore
from tests.conftest import tiny_cohort

OPERATOR, ANNA, BEN, VISITOR = Viewer(), Viewer("anna"), Viewer("ben"), Viewer("")
WHO = {"anna": ANNA, "ben": BEN, "nobody": OPERATOR}


def library(home: Path, viewer: Viewer) -> Library:
    return Library(home / "datasets", embedded=home / "none", viewer=viewer)


def store(home: Path, viewer: Viewer) -> RunStore:
    return RunStore(home / "runs", None, viewer=viewer)


def dataset(home: Path, owner: str, shared: bool, seed: int) -> DatasetMeta:
    meta = library(home, WHO[owner]).add(tiny_cohort(n=20, m=24, seed=seed), name=f"of {owner} {seed}")
    return library(home, WHO[owner]).share(meta.id, shared) if owner != "nobody" else meta


def run(home: Path, owner: str, shared: bool, state: State = State.FAILED) -> Run:
    signed = {} if owner == "nobody" else {"owner": owner}
    made = create(home / "runs", {"name": "x", "model": {"name": "m"}, "dataset": {"id": "d"}, **signed})
    if state is State.FAILED:
        made.move(State.FAILED, "It failed.")
    if shared:
        store(home, WHO[owner]).share(made.id, True)
    return made


def refused(match: str, act: Callable[..., Any], *words: Any, **options: Any) -> None:
    with pytest.raises(InputError, match=match):
        act(*words, **options)


def test_a_person_sees_their_own_and_what_is_shared_and_changes_their_own(home: Path) -> None:
    kept = [(owner, shared) for owner in ("anna", "ben", "nobody") for shared in (False, True)][:5]
    metas = [(owner, shared, dataset(home, owner, shared, seed)) for seed, (owner, shared) in enumerate(kept)]
    runs = [(owner, shared, run(home, owner, shared)) for owner, shared in kept]
    for viewer in (ANNA, BEN, VISITOR, OPERATOR):
        sees = {(o, s): viewer.name is None or s or o in ("nobody", viewer.name) for o, s in kept}
        data, trainings = library(home, viewer), store(home, viewer)
        assert {meta.id for meta in data.list()} == {meta.id for o, s, meta in metas if sees[o, s]}
        # Twice: from the directories, and from the index that all viewers have in common.
        for _ in range(2):
            assert {row.run for row in trainings.list()} == {made.id for o, s, made in runs if sees[o, s]}
        for (owner, shared, meta), (_, _, made) in zip(metas, runs, strict=True):
            for reference in (meta.id, meta.name, meta.id[:8]):
                if sees[owner, shared]:
                    assert data.open(reference).meta.id == meta.id
                else:
                    refused("no dataset", data.open, reference)
            for reference in (made.id, made.id[:8]):
                if sees[owner, shared]:
                    assert trainings.get(reference).id == made.id
                else:
                    refused("There is no run", trainings.get, reference)
            if viewer.name is not None and viewer.name != owner:
                why = "is not yours" if sees[owner, shared] else "There is no"
                refused(why, data.rename, meta.id, "mine")
                refused(why, data.share, meta.id, True)
                refused(why, data.remove, meta.id)
                refused(why, trainings.stop, made.id)
                refused(why, trainings.stop, made.id, now=True)
                refused(why, trainings.resume, made.id)
                refused(why, trainings.delete, made.id)
                refused(why, trainings.share, made.id, True)
    assert {meta.id for meta in library(home, OPERATOR).list()} == {meta.id for _, _, meta in metas}
    assert len(store(home, OPERATOR).list()) == len(runs)


def test_owners_do_what_others_may_not(home: Path) -> None:
    meta, failed, waiting = (
        dataset(home, "anna", False, 1),
        run(home, "anna", False),
        run(home, "anna", True, State.QUEUED),
    )
    anna = store(home, ANNA)
    assert library(home, ANNA).rename(meta.id, "mine").name == "mine"
    anna.share(waiting.id, False)
    refused("There is no run", store(home, BEN).get, waiting.id)
    anna.stop(waiting.id)
    assert waiting.cancel_requested
    anna.delete(failed.id)
    library(home, ANNA).remove(meta.id)
    assert not library(home, OPERATOR).list()


def test_the_same_content_belongs_to_all_who_brought_it_until_the_last_removes_it(home: Path) -> None:
    first = dataset(home, "anna", False, 3)
    second = dataset(home, "ben", False, 3)
    assert first.id == second.id
    assert second.owners == ["anna", "ben"]
    library(home, ANNA).remove(first.id)
    assert not library(home, ANNA).list()
    assert library(home, BEN).open(first.id).genotypes().n == 20
    library(home, BEN).remove(first.id)
    assert not (home / "datasets" / first.id).exists()


def test_who_is_not_signed_in_brings_and_starts_nothing(home: Path, tiny: Genotypes) -> None:
    refused("sign in", library(home, VISITOR).add, tiny, name="x")
    refused("sign in", store(home, VISITOR).submit, {"model": {"name": "m"}})
    assert not library(home, OPERATOR).list()
    assert not store(home, OPERATOR).list()


def test_a_child_of_a_page_works_for_the_person_who_looks(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the pages ask the command line for: another's dataset is not there, and what it makes is signed."""
    hidden = dataset(home, "ben", False, 5)
    monkeypatch.setattr(access, "_who", lambda: ANNA)
    refused("no dataset", ask, "export", hidden.id, f"--out={home / 'stolen.npz'}")
    made = ask("simulate", "--individuals=20", "--variants=10", "--name=simulated")["dataset"]
    monkeypatch.undo()
    assert library(home, OPERATOR).open(made).meta.owners == ["anna"]


def test_a_search_that_outlives_the_page_works_for_who_started_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    around: dict[str, str] = {}
    monkeypatch.setattr(access, "_who", lambda: ANNA)
    monkeypatch.setattr(search.child, "let_go", lambda process: None)
    monkeypatch.setattr(search.child, "start", lambda *words, log, environment: around.update(environment))
    search.launch(search.plan(["experiment=vae", "model.latent=range(4,9)"], "demo"), 2)
    assert around["POPSCAPE_VIEWER"] == "anna"


def test_a_worker_opens_the_data_of_its_run_whoever_started_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.config.home import environment

    monkeypatch.setattr(access, "_who", access._from_environment)  # as in a child, where no page has been opened
    monkeypatch.setenv("POPSCAPE_VIEWER", "anna")
    assert Library().viewer == ANNA
    assert "POPSCAPE_VIEWER" not in environment()


def test_ids_that_are_guessed_lead_nowhere(home: Path) -> None:
    """Every beginning of another's id, and every hostile spelling of it, ends in the sentence of what is not there."""
    made, meta = run(home, "ben", False), dataset(home, "ben", False, 6)
    runs, data = store(home, ANNA), library(home, ANNA)
    spellings = [
        lambda x: x,
        str.upper,
        lambda x: f"../runs/{x}",
        lambda x: f"./{x}",
        lambda x: f"{x}/",
        lambda x: f"{x}\0",
    ]
    for k, spelling in itertools.product((1, 4, 6, 12, 24, 31, 32), spellings):
        refused("There is no|is not an id", runs.get, spelling(made.id[:k]))
        refused("There is no|is not an id", data.open, spelling(meta.id[:k]))
    assert os.listdir(home / "runs") == [made.id]  # noqa: PTH208
