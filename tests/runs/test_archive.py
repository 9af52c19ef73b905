"""Whole runs and datasets as one file: they come back as they were, and nothing else is taken."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.data.library import Library
from core.errors import InputError
from core.runs.archive import pack, unpack
from core.runs.housekeeping import remove, wasted
from core.runs.states import State
from core.runs.store import RunStore
from tests.conftest import tiny_cohort
from tests.runs.conftest import SMALL, ended


@pytest.fixture
def finished(store: RunStore, config: Callable[..., dict[str, Any]]) -> str:
    """The id of a run that has succeeded."""
    run = ended(store, store.submit(config("experiment=resample", *SMALL)))
    assert run.state is State.SUCCEEDED
    return run.id


def elsewhere(tmp_path: Path) -> tuple[RunStore, Library]:
    home = tmp_path / "elsewhere"
    return RunStore(home / "runs", shipped=None), Library(home / "datasets", embedded=home / "none")


def test_a_run_and_its_dataset_find_each_other_in_another_home(store: RunStore, finished: str, tmp_path: Path) -> None:
    dataset = store.get(finished).config["dataset"]["id"]
    there, library = elsewhere(tmp_path)
    for what in (finished, dataset):
        pack(what, tmp_path / f"{what}.zip", store)
        unpack(tmp_path / f"{what}.zip", there, library)
    run, here = there.get(finished), store.get(finished)
    assert run.state is State.SUCCEEDED and run.config == here.config and "pid" not in run.status
    assert run.report() and here.report() and run.report().content == here.report().content  # type: ignore[union-attr]
    for path in (here.path / "checkpoints").rglob("*.safetensors"):
        assert (run.path / path.relative_to(here.path)).read_bytes() == path.read_bytes()
    np.testing.assert_array_equal(library.open(dataset).genotypes().calls, Library().open(dataset).genotypes().calls)
    with pytest.raises(InputError, match="already here"):
        unpack(tmp_path / f"{finished}.zip", there, library)


def changed(source: Path, out: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The archive with its members as `change` leaves them."""
    with zipfile.ZipFile(source) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out


def relisted(members: dict[str, bytes], **values: Any) -> None:
    members["popscape.json"] = json.dumps(json.loads(members["popscape.json"]) | values).encode()


def _extra(members: dict[str, bytes]) -> None:
    members["../evil.json"] = b"{}"


def _script(members: dict[str, bytes]) -> None:
    head = json.loads(members["popscape.json"])
    members["run.py"] = b"print(1)"
    relisted(members, files=head["files"] | {"run.py": "0" * 64})


def _altered(members: dict[str, bytes]) -> None:
    members["report.json"] = b"{}"


def _missing(members: dict[str, bytes]) -> None:
    del members["report.json"]


def _outside(members: dict[str, bytes]) -> None:
    relisted(members, id="../../etc")


def _running(members: dict[str, bytes]) -> None:
    import hashlib

    status = json.dumps({"state": "running", "pid": 1}).encode()
    head = json.loads(members["popscape.json"])
    members["status.json"] = status
    relisted(members, files=head["files"] | {"status.json": hashlib.sha256(status).hexdigest()})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_extra, "leads outside"), (_script, "differ at 'run.py'"), (_altered, "was changed after"),
        (_missing, "differ at 'report.json'"), (_outside, "is not an id"), (_running, "only one that has ended"),
        (lambda members: members.pop("popscape.json"), "not an archive"),
        (lambda members: relisted(members, files=[]), "not an archive"),
    ],
)  # fmt: skip
def test_what_was_tampered_with_is_refused_and_leaves_nothing(
    store: RunStore, finished: str, tmp_path: Path, change: Callable[[dict[str, bytes]], None], said: str
) -> None:
    pack(finished, tmp_path / "run.zip", store)
    bad = changed(tmp_path / "run.zip", tmp_path / "bad.zip", change)
    there, library = elsewhere(tmp_path)
    with pytest.raises(InputError, match=said):
        unpack(bad, there, library)
    assert not there.list() and not [p for p in tmp_path.rglob("*") if p.name in ("evil.json", "run.py")]
    assert not (there.root.is_dir() and list(there.root.iterdir()))


def test_a_dataset_whose_calls_were_changed_is_refused(store: RunStore, home: Path, tmp_path: Path) -> None:
    import hashlib

    meta = Library().add(tiny_cohort(n=20, m=30), name="real")
    pack("real", tmp_path / "real.zip", store)

    def change(members: dict[str, bytes]) -> None:
        name = next(name for name in members if name.startswith("call_genotype"))
        members[name] = members[name][:-1] + bytes([1 - members[name][-1] % 2])
        head = json.loads(members["popscape.json"])
        relisted(members, files=head["files"] | {name: hashlib.sha256(members[name]).hexdigest()})

    bad = changed(tmp_path / "real.zip", tmp_path / "bad.zip", change)
    there, library = elsewhere(tmp_path)
    with pytest.raises(InputError, match=r"digest|damaged|cannot be read"):
        unpack(bad, there, library)
    assert not library.list() and meta.id


def test_only_what_is_named_goes_and_a_run_stays_usable(store: RunStore, finished: str, tmp_path: Path) -> None:
    leftover = store.root / ".new-0123"
    leftover.mkdir()
    (leftover / "config.json").write_text("{}" * 100)
    cancelled = store.get(finished).path
    found = {one.kind for one in wasted(days=0)}
    assert {"leftovers", "checkpoints"} <= found and leftover.is_dir()
    freed = remove(wasted(["leftovers", "checkpoints"]))
    assert freed > 0 and not leftover.exists()
    assert not (cancelled / "checkpoints" / "last").exists() and store.get(finished).has_checkpoint
    assert not wasted(["datasets"], days=0)  # a run was trained on it
    store.delete(finished)
    assert {one.kind for one in wasted(["datasets"], days=0)} == {"datasets"}
    assert not wasted(["datasets"], days=30)
