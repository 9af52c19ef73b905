"""A server that is only looked at: the library and the store refuse whatever would change something."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.config.access import ONLY_READ, READ_ONLY, Viewer
from core.data.intake.importing import import_file, preview, read_file
from core.data.library import Library
from core.errors import InputError
from core.runs.directory import create
from core.runs.states import State
from core.runs.store import RunStore
from tests.conftest import tiny_cohort


@pytest.mark.parametrize("viewer", [Viewer(), Viewer("anna")])
def test_nothing_is_changed_where_everything_is_only_read(
    home: Path, monkeypatch: pytest.MonkeyPatch, viewer: Viewer
) -> None:
    library, store = Library(embedded=home / "none", viewer=viewer), RunStore(shipped=None, viewer=viewer)
    meta = library.add(tiny_cohort(n=20, m=24), name="x")
    signed = {"owner": viewer.name} if viewer.name else {}
    run = create(store.root, {"name": "x", "model": {"name": "m"}, "dataset": {"id": meta.id}, **signed})
    run.move(State.FAILED, "It failed.")
    file = home / "cohort.csv"
    file.write_text("id,rs1\na,0\nb,1\n")
    before = everything(home)

    monkeypatch.setenv(READ_ONLY, "1")
    verbs: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
        (library.rename, (meta.id, "y")), (library.share, (meta.id, True)), (library.remove, (meta.id,)),
        (store.submit, ({"model": {"name": "m"}},)), (store.stop, (run.id,)), (store.resume, (run.id,)),
        (store.delete, (run.id,)), (store.share, (run.id, True)), (read_file, ([file],)), (preview, ([file],)),
    ]  # fmt: skip
    for verb, words in verbs:
        with pytest.raises(InputError) as refused:
            verb(*words)
        assert str(refused.value) == ONLY_READ
    for add in (
        lambda: library.add(tiny_cohort(n=20, m=24, seed=1), name="z"),
        lambda: import_file([file], library=library),
    ):
        with pytest.raises(InputError, match="demonstration"):
            add()
    assert everything(home) == before
    assert library.open(meta.id).genotypes().n == 20
    assert store.get(run.id).state is State.FAILED


def everything(home: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()}
