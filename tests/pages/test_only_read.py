"""Pages of a server that is only looked at: no upload, no training, no deletion; lessons and step mode stay."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from core.config.access import ONLY_READ, READ_ONLY
from pages.parts.sections import SECTIONS
from tests.pages.routed import routed  # noqa: F401

CHANGES = {
    "Start training", "Check time and memory", "Import", "Simulate", "Judge", "Stop", "Resume", "Delete for good",
    "Remove for good", "Rename",
}  # fmt: skip
VIEWS = [
    *((section.name, {}) for section in SECTIONS),
    ("datasets", {"datasets": "Import files"}), ("datasets", {"datasets": "Simulate"}),
    ("train", {"train": "Recipes"}), ("impute", {"impute": "A file of mine"}),
]  # fmt: skip
SAYING = [
    ("datasets", {"datasets": "Import files"}),
    ("datasets", {"datasets": "Simulate"}),
    ("train", {}),
    ("judge", {}),
    ("runs", {}),
]


def said(test: AppTest) -> bool:
    return any(ONLY_READ in caption.value for caption in test.caption)


def test_no_page_offers_what_is_refused(
    app: Callable[..., AppTest], runs: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs(1)
    assert {button.label for button in app("train").button} & CHANGES  # without the mode they are there
    assert not said(app("train"))
    monkeypatch.setenv(READ_ONLY, "1")
    offering, silent = [], []
    for page, query in VIEWS:
        test = app(page, **query)
        assert not test.exception, page
        if test.get("file_uploader") or {button.label for button in test.button if not button.disabled} & CHANGES:
            offering.append((page, query))
        if (page, query) in SAYING and not said(test):
            silent.append((page, query))
    assert not offering
    assert not silent


def test_lessons_and_step_mode_stay(
    app: Callable[..., AppTest], runs: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs(1)
    monkeypatch.setenv(READ_ONLY, "1")
    assert app("learn").title
    test = app("runs", runs_view="Step by step")
    step = next(button for button in test.button if button.label == "One step")
    step.click().run()
    assert not test.exception
    assert not step.disabled
    monkeypatch.setenv("POPSCAPE_COMPUTATIONS", "2")  # the model was made, and one step taken
    next(button for button in test.button if button.label == "One step").click().run()
    assert "started 2 computations" in test.error[0].value and not test.exception
