"""Home: both halves of the demo, and three places to begin."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.pages.set_home import Open, Put, alts


def test_a_model_of_sets_is_shown_by_its_map_and_a_walk_over_it(app: Open, set_runs: Put, home: Path) -> None:
    set_runs(2)
    shown = app("home")
    assert not shown.exception
    assert "40 sets" in alts(shown)[0] and len(alts(shown)) == 2
    assert "What lies between two sets" in [one.value for one in shown.subheader]
    onward = [one.proto for one in shown.get("page_link") if one.proto.page == "interpolate"]
    assert all("a=mvn_1&b=mvn_" in one.query_string for one in onward) and len(onward) == 1

    for walk in (home / "runs").glob("*/arrays/walk.npz"):
        walk.unlink()
    assert not alts(app("home"))  # a report from before there were walks


def test_what_is_gone_is_passed_over(app: Open, set_runs: Put, home: Path) -> None:
    set_runs(1)
    shutil.rmtree(home / "datasets")
    shown = app("home")
    assert not shown.exception
    assert "Start here" in [one.value for one in shown.subheader]


def test_a_model_is_recommended_for_the_dataset_somebody_works_on(app: Open, runs: Put) -> None:
    runs(2)
    shown = app("home")
    assert not shown.exception
    assert any("Recommended for **small**" in one.value for one in shown.markdown)
    onward = [one.proto for one in shown.get("page_link") if one.proto.label.startswith("Train ")]
    assert any("dataset=small" in one.query_string and "experiment=" in one.query_string for one in onward)


def test_a_first_visit_begins_with_three_doors_and_a_later_one_with_what_runs(app: Open, runs: Put) -> None:
    def subheaders() -> list[str]:
        return [str(one.value) for one in app("home").subheader]

    first = app("home")
    assert not first.exception and subheaders()[0] == "Start here"
    onward = {one.proto.page: one.proto.query_string for one in first.get("page_link")}
    assert onward["learn"] == "" and "lesson=linkage" in {one.proto.query_string for one in first.get("page_link")}
    assert {"datasets", "train", "judge"} <= set(onward)
    runs(1)
    assert subheaders()[-1] == "Start here" and len(subheaders()) > 1
