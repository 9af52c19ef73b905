"""Homes with finished runs, and the application without its shipped runs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.data.library import Library
from core.runs.store import RunStore
from tests.conftest import tiny_cohort
from tests.pages import finished_runs
from tests.pages.set_home import set_runs, trained_sets
from tests.waiting import PATIENCE

__all__ = ["set_runs", "trained_sets"]

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a small dataset and one finished run of each generator; copy it before changing it."""
    home = tmp_path_factory.mktemp("finished")
    library = Library(home / "datasets", embedded=home / "none")
    meta = library.add(tiny_cohort(n=120, m=60), name="small", source="small.vcf")
    finished_runs.make(home / "runs", library.open(meta.id))
    return home


@pytest.fixture
def runs(home: Path, finished: Path) -> Callable[[int], None]:
    """Put this many finished runs into the home of the test."""

    def put(count: int) -> None:
        shutil.copytree(finished / "datasets", home / "datasets", dirs_exist_ok=True)
        made = sorted((finished / "runs").iterdir())
        for path in made[:count]:
            shutil.copytree(path, home / "runs" / path.name)
        if count > len(made):
            finished_runs.multiply(home / "runs", made[0], count - len(made))

    return put


@pytest.fixture
def app(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Open a page of the application, without the shipped runs, with query parameters."""
    monkeypatch.setattr(RunStore.__init__, "__defaults__", (None, None))

    def opened(page: str, **query: str | list[str]) -> AppTest:
        test = AppTest.from_file(str(REPOSITORY / "app.py"), default_timeout=PATIENCE)
        for name, value in query.items():
            test.query_params[name] = value
        if page != "home":
            test.switch_page(f"pages/{page}.py")
        return test.run()

    return opened
