"""The Atlas: without runs, with one and several; clicks, uncertainty, a new set embedded."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.runs.store import RunStore
from core.runs.work import dataset_of
from tests.pages.set_home import Open, Put, alts, select, tables, words

PAGES = ("atlas", "interpolate", "geometry", "predict")


@pytest.mark.parametrize("page", PAGES)
def test_without_runs_a_page_says_how_to_get_one(page: str, app: Open) -> None:
    shown = app(page)
    assert not shown.exception
    assert not alts(shown)
    assert "There is no model of sets yet" in words(shown)


@pytest.mark.parametrize("page", PAGES)
def test_one_run_is_drawn_with_its_takeaway_and_its_n(page: str, app: Open, set_runs: Put) -> None:
    set_runs(1)
    shown = app(page)
    assert not shown.exception
    assert alts(shown)
    for alt in alts(shown):
        assert len(alt.split()) > 5
    assert "40 sets, 8 held out; 5 standardised features; seed 42" in words(shown)


@pytest.mark.parametrize("page", PAGES)
def test_a_link_opens_its_run_among_several(page: str, app: Open, set_runs: Put) -> None:
    set_runs(3)
    options = app(page).selectbox(key="model").options
    assert len(options) == 3
    shown = app(page, model=options[2])
    assert not shown.exception
    assert shown.selectbox(key="model").value == options[2]


@pytest.mark.parametrize("page", PAGES)
def test_a_broken_link_falls_back_to_the_default_view(page: str, app: Open, set_runs: Put) -> None:
    set_runs(1)
    query = {"model": "gone", "a": "<img>", "b": "../..", "t": "1e99", "layout": "?", "x": "nothing", "geometry": "?"}
    shown = app(page, **query, points="-3", noise="-1", target="gone", predict="?", walk="?", sets="gone")
    assert not shown.exception
    assert alts(shown)


def test_a_set_is_found_by_name_and_by_a_click(app: Open, set_runs: Put) -> None:
    set_runs(1)
    shown = app("atlas", a="mvn_7")
    assert "Set mvn_7" in words(shown)
    assert "mvn_7" not in tables(shown)[0]["Set"]
    select(shown, "atlas_map", 8)
    assert not shown.exception
    assert shown.selectbox(key="a").value == "mvn_9"
    assert "Set mvn_9" in words(shown)
    # The set looked at before is B, and a click on it goes back.
    assert "Walk between A and B: mvn_7" in {link.proto.label for link in shown.get("page_link")}


def test_a_box_on_the_map_lists_the_sets_inside(app: Open, set_runs: Put) -> None:
    set_runs(1)
    shown = app("atlas")
    select(shown, "atlas_map", 2, 5, 11)
    assert not shown.exception
    assert "3 sets inside" in words(shown)
    assert tables(shown)[0]["Set"] == ["mvn_3", "mvn_6", "mvn_12"]
    assert shown.selectbox(key="a").value == "mvn_1"


def test_components_have_a_third(app: Open, set_runs: Put) -> None:
    set_runs(1)
    kinds = {
        layout: json.loads(app("atlas", solid="true", layout=layout).get("plotly_chart")[0].proto.spec)["data"][0][
            "type"
        ]
        for layout in ("PCA of latents", "UMAP of latents")
    }
    assert kinds == {"PCA of latents": "scatter3d", "UMAP of latents": "scatter"}


def test_the_neighbours_are_the_nearest_latents_of_the_report(app: Open, set_runs: Put) -> None:
    set_runs(1)
    (run,) = (r for r in RunStore().list() if not r.embedded)
    with np.load(RunStore().get(run.run).path / "arrays" / "latents.npz") as stored:
        distance = np.linalg.norm(stored["z"] - stored["z"][0], axis=1)
        expected = stored["set_id"][np.argsort(distance)[1:7]].tolist()
    shown = app("atlas", a="mvn_1")
    assert tables(shown)[0]["Set"] == expected


def test_uncertainty_is_drawn_on_the_components_and_put_in_words(app: Open, set_runs: Put) -> None:
    set_runs(1)
    shown = app("atlas", uncertainty="true", layout="PCA of latents")
    assert not shown.exception
    assert "outline: 95% of resampled sets" in words(shown)
    assert "32 resamplings of 40 observations" in words(shown)


def observations(name: str) -> tuple[np.ndarray, list[str]]:
    """The observations of a set of the run, and the names of the features."""
    (run,) = (r for r in RunStore().list() if not r.embedded)
    sets = dataset_of(RunStore().get(run.run)).collection()
    return np.asarray(sets.observations_of(sets.set_id.tolist().index(name))), [str(f) for f in sets.feature]


def test_an_uploaded_set_finds_itself(app: Open, set_runs: Put, tmp_path: Path) -> None:
    set_runs(1)
    x, features = observations("mvn_12")
    lines = [",".join(features), *(",".join(map(repr, row)) for row in x.astype(float).tolist())]
    shown = app("atlas", new_set="true")
    shown.file_uploader(key="embed_file").upload("new.csv", "\n".join(lines).encode(), "text/csv").run()
    assert not shown.exception
    table = tables(shown)[1]
    assert table["Set"][0] == "mvn_12"
    assert table["Distance"][0] < 1e-3 < table["Distance"][1]


def test_an_upload_that_does_not_fit_ends_in_a_sentence(app: Open, set_runs: Put) -> None:
    set_runs(1)
    shown = app("atlas", new_set="true")
    shown.file_uploader(key="embed_file").upload("new.csv", b"height,width\n1,2\n3,4\n5,6\n", "text/csv").run()
    assert not shown.exception
    assert "lacks" in words(shown)
    assert len(tables(shown)) == 1
