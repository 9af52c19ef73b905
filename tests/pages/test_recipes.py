"""The recipes of the Train page: what is missing is started, what was learned is said and drawn."""

from __future__ import annotations

from typing import Any

import pytest

from core.data.library import Library
from core.runs.directory import Run
from core.runs.recipes.base import recipes
from core.runs.store import RunStore
from tests.pages.routed import routed  # noqa: F401
from tests.pages.test_train import library, open_page, submitted, text
from tests.runs.recipes.answered import copies, finished

__all__ = ["library", "submitted"]


def test_a_recipe_starts_its_runs(library: Library, submitted: list[dict[str, Any]]) -> None:
    app = open_page(train="Recipes", recipe="Five seeds")
    assert "python -m core recipe seeds --dataset" in " ".join(code.value for code in app.code)
    assert [one.label for one in app.button if one.key == "recipe_start"] == ["Start 5 trainings"]
    app.button(key="recipe_start").click().run()
    assert not app.exception and not app.error
    assert [config["seed"] for config in submitted] == [1, 2, 3, 4, 5]
    assert not [one for one in app.button if one.key == "recipe_start" and one.label != "Start 5 trainings"]


def test_a_click_starts_the_runs_and_what_was_learned_is_said_and_drawn(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def submit(self: RunStore, config: dict[str, Any], backend: str = "local") -> Run:
        return finished(self, config, copies)

    monkeypatch.setattr(RunStore, "submit", submit)
    app = open_page(train="Recipes", recipe=recipes["transfer"].title)
    assert "is said here in one sentence" in text(app) and not app.get("plotly_chart")
    app.button(key="recipe_start").click().run()
    assert not app.exception and not app.error
    (learned,) = app.success
    assert "reaches a recall of" in learned.value and learned.value.count(". ") == 0
    assert len(app.get("plotly_chart")) == 1
    assert not [one for one in app.button if one.key == "recipe_start"]


def test_a_dataset_that_does_not_suit_is_said(library: Library) -> None:
    from core.data.genotypes import from_calls
    from tests.conftest import tiny_cohort

    library.add(from_calls(tiny_cohort().calls), name="unlabelled")
    app = open_page(train="Recipes", recipe="Train on one population, test on another", dataset="unlabelled")
    assert "needs a label with two populations" in " ".join(one.value for one in app.info)


def test_the_other_tab_still_trains_one_model(library: Library) -> None:
    assert "wgan_gp" in open_page(train="One model", experiment="WGAN-GP").radio(key="experiment").value
