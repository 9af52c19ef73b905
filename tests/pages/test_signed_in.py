"""No page shows what is another's, whatever its address asks for; and who has to sign in sees nothing before."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.config.access import Viewer
from core.runs.files import read_json, write_json
from core.runs.store import RunStore
from pages.parts import login, state, viewer
from pages.parts.reports import label
from pages.parts.sections import SECTIONS
from tests.pages.routed import routed  # noqa: F401
from tests.waiting import PATIENCE

BEN, ANNA = ({"is_logged_in": True, "iss": "https://example.org", "sub": name} for name in ("ben", "anna"))
SECRET = "SECRETCOHORT"
RUNS = {state.RUN, state.RUNS, state.SET_RUN, state.LATENTS_RUN, state.IMPUTE_RUN, state.COMPARE_BASELINE}
REPOSITORY = Path(__file__).resolve().parents[2]
# All but the words that one looks for, which the page says again.
PARAMETERS = [
    value for name, value in vars(state).items()
    if name.isupper() and isinstance(value, str) and value != state.RUNS_SEARCH
]  # fmt: skip


@pytest.fixture
def of_ben(home: Path, finished: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A home in which all is Ben's; the label of one of his runs."""
    shutil.copytree(finished, home, dirs_exist_ok=True)
    owner = f"{BEN['sub']} at {BEN['iss']}"
    for path in (home / "datasets").glob("*/meta.json"):
        write_json(path, read_json(path) | {"owners": [owner], "name": SECRET})
    for path in (home / "runs").glob("*/config.json"):
        config = read_json(path)
        write_json(path, config | {"owner": owner, "title": SECRET, "dataset": config["dataset"] | {"name": SECRET}})
    for module in (viewer, login):
        monkeypatch.setattr(module, "required", lambda: True)
    monkeypatch.setattr(login, "_providers", lambda: {"": "Sign in"})
    monkeypatch.setattr(login, "_readable", lambda: True)
    return label(next(run for run in RunStore(viewer=Viewer()).list() if not run.embedded))


def opened(page: str, person: dict[str, object], query: dict[str, str]) -> AppTest:
    test = AppTest.from_file(str(REPOSITORY / "app.py"), default_timeout=PATIENCE)
    test.user = dict(person)
    for name, value in query.items():
        test.query_params[name] = value
    if page != "home":
        test.switch_page(f"pages/{page}.py")
    test.run()
    assert not test.exception
    return test


def everything(test: AppTest) -> str:
    """All that the server sent to the page."""
    found: list[str] = []

    def walk(node: Any) -> None:
        found.append(str(node.proto))
        for child in getattr(node, "children", {}).values():
            walk(child)

    for block in (test.main, test.sidebar):
        walk(block)
    assert len(found) > 3
    return "\n".join(found)


def test_the_owner_s_own_pages_show_what_this_test_looks_for(of_ben: str) -> None:
    assert SECRET in everything(opened("datasets", BEN, {}))
    assert SECRET in everything(opened("runs", BEN, {}))
    assert SECRET in everything(opened("linkage", BEN, {}))


def test_no_parameter_of_a_page_reaches_another_s(of_ben: str) -> None:
    opened("datasets", BEN, {})  # what the server keeps of it for him is not for her
    query = {name: of_ben if name in RUNS else SECRET for name in PARAMETERS}
    names = [section.name for section in SECTIONS if section.name != "learn"]
    reached = [name for name in names if SECRET in everything(opened(name, ANNA, query))]
    assert not reached


@pytest.mark.parametrize("person", [{"is_logged_in": False}, {}, {"is_logged_in": True, "sub": "ben"}])
def test_who_has_not_signed_in_sees_a_button_alone(of_ben: str, person: dict[str, object]) -> None:
    test = opened("runs", person, dict.fromkeys(PARAMETERS, of_ben))
    assert [button.label for button in test.button] == ["Sign in"]
    assert not test.dataframe
    assert not test.selectbox
    assert SECRET not in everything(test)
