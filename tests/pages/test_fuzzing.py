"""A few of the tries of `tests.pages.fuzzing`; the ten thousand are a command of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pages.parts.sections import SECTIONS
from tests.pages.fuzzing import PARAMETERS, fuzz, judged, named
from tests.pages.two_people import Place, place
from tests.pages.visitor import Visitor


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(tmp_path_factory.mktemp("fuzzing") / "home", shipped=False) as served:
        yield served


def test_nothing_that_a_client_sends_breaks_a_page_or_reaches_what_is_another_s(here: Place) -> None:
    shares = {"address": 0.5, "widget": 0.2, "path": 0.1, "another's file": 0.1, "upload": 0.1}
    seen = fuzz(here, 30, seed=1, shares=shares, tell=lambda text: None)
    assert not seen.wrong
    assert seen.kinds.keys() == shares.keys()
    assert not named(here.home, [*here.near, *here.mine], 300, seed=1)


def test_a_page_takes_its_defaults_where_every_parameter_is_empty(here: Place) -> None:
    wrong = []
    for section in SECTIONS:
        with Visitor(here.address, here.cookie) as visitor:
            visitor.open(section.name, dict.fromkeys(PARAMETERS, ""))
            wrong.append(judged(visitor, section.name))
    assert not any(wrong), wrong
