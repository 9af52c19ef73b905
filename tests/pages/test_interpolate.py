"""Interpolate: the walk, its slider, extrapolation, barycentre, arithmetic."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.cli import main
from core.data.library import Library
from core.data.loadings import Loadings
from tests.pages.set_home import Open, Put, alts, select, tables, words
from tests.sets import from_groups


def figure(shown: AppTest, begins: str = "What lies between A and B") -> Any:
    """A chart as the browser gets it."""
    return json.loads(next(c.proto.spec for c in shown.get("plotly_chart") if c.proto.alt.startswith(begins)))


def slider(shown: AppTest) -> Any:
    (only,) = figure(shown)["layout"]["sliders"]
    return only


def link(shown: AppTest) -> str:
    shown.session_state["copy_link"] = True
    return next(code.value for code in shown.run().code)


def test_a_link_restores_ends_and_moment(app: Open, set_runs: Put) -> None:
    set_runs(1)
    shown = app("interpolate", a="mvn_3", b="mvn_8", t="0.25", x="PC2", y="x1", points="500", noise="4")
    assert not shown.exception
    assert slider(shown)["active"] == 10 and slider(shown)["steps"][10]["label"].startswith(
        "0.25  ·  generated around ("
    )
    assert "500 observations generated, 40 real pairs in transport and mixture; noise 4." in words(shown)
    again = app("interpolate", a="mvn_3", b="mvn_8", t="0.25", x="PC2", y="x1", points="500", noise="4")
    assert figure(again) == figure(shown)
    for part in ("a=mvn_3", "b=mvn_8", "points=500", "noise=4", "x=PC2", "t=0.25"):
        assert part in link(shown)
    assert slider(app("interpolate", t="nonsense"))["active"] == 20


def test_a_visit_that_has_had_its_share_is_told_and_what_is_kept_is_still_shown(
    app: Open, set_runs: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_runs(1)
    monkeypatch.setenv("POPSCAPE_COMPUTATIONS", "2")  # the walk, and its whole way
    shown = app("interpolate", a="mvn_1", b="mvn_2")
    assert slider(shown) and not shown.warning
    shown.number_input(key="noise").set_value(11).run()  # another walk
    assert not shown.exception and "started 2 computations" in shown.warning[0].value
    shown.number_input(key="noise").set_value(0).run()
    assert not shown.exception and slider(shown) and not shown.warning


def test_the_slider_reaches_the_link_and_leaves_the_figure_alone(
    app: Open, set_runs: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A figure that followed its own slider would be another one, and be built anew under the reader's hand."""
    set_runs(1)
    shown = app("interpolate", a="mvn_3", b="mvn_8", t="0.25")
    before = figure(shown)
    monkeypatch.setattr("pages.parts.chart._watched", lambda key, events: {"slider": 34})
    shown.run()
    assert not shown.exception
    assert "0.85" in shown.query_params["t"] and "t=0.85" in link(shown)
    assert figure(shown) == before
    # Another figure begins where the reader was.
    shown.selectbox(key="b").set_value("mvn_9").run()
    assert slider(shown)["active"] == 34


def test_the_number_is_read_off_the_curve(app: Open, set_runs: Put) -> None:
    set_runs(1)
    shown = app("interpolate", a="mvn_3", b="mvn_8")
    numbers = {metric.label: float(metric.value.rstrip("%")) for metric in shown.metric}
    assert numbers["Path length"] >= numbers["Distance of the ends"] * 0.999 > 0
    assert any(alt.startswith("The way from A to B in 6 steps") for alt in alts(shown))
    alt = next(alt for alt in alts(shown) if alt.startswith("W2 to the optimal-transport path"))
    largest = float(alt.partition("at most ")[2].split()[0])
    deviation = (largest - numbers["Error at the ends"]) / numbers["Distance of the ends"]
    assert numbers["Deviation"] == pytest.approx(100 * deviation, abs=0.5)


def test_beyond_the_ends_the_page_warns(app: Open, set_runs: Put) -> None:
    set_runs(1)
    shown = app("interpolate", beyond="true", t="1.5")
    assert not shown.exception
    assert "Extrapolation" in shown.warning[0].value and slider(shown)["active"] == 40
    shown.toggle(key="beyond").set_value(False).run()
    assert not shown.exception and not shown.warning
    assert slider(shown)["active"] == 40 and slider(shown)["steps"][40]["label"].startswith("1  ·")


@pytest.mark.parametrize("view", ["Density map", "Densities"])
def test_other_drawings_of_the_walk(app: Open, set_runs: Put, view: str) -> None:
    set_runs(1)
    shown = app("interpolate", samples=view, t="0.1")
    assert not shown.exception
    assert slider(shown)["active"] == 4


def test_a_click_on_the_map_moves_the_ends_in_turn(app: Open, set_runs: Put) -> None:
    set_runs(1)
    shown = app("interpolate", a="mvn_3", b="mvn_8")
    for clicked in (19, 20):
        select(shown, "ends_map", clicked)
        assert not shown.exception
    assert [shown.selectbox(key=key).value for key in ("a", "b")] == ["mvn_20", "mvn_21"]


def test_barycentre_of_three_and_too_few(app: Open, set_runs: Put) -> None:
    set_runs(1)
    shown = app("interpolate", walk="Barycentre", sets=["mvn_1", "mvn_2", "mvn_3"])
    assert not shown.exception
    assert "Mean of the latents of mvn_1, mvn_2, mvn_3" in words(shown)
    shown.multiselect(key="sets").set_value(["mvn_1"]).run()
    assert not shown.exception
    assert "Choose two sets or more" in words(shown)


def test_what_is_taken_away_and_added_again_gives_the_set_back(app: Open, set_runs: Put) -> None:
    set_runs(1)
    shown = app("interpolate", walk="A − B + C", a="mvn_5", b="mvn_9", c="mvn_9")
    assert not shown.exception
    assert tables(shown)[0]["Set"][0] == "mvn_5"
    assert float(tables(shown)[0]["Distance"][0]) < 1e-4


def test_the_page_says_which_ends_have_too_few_observations() -> None:
    def script() -> None:
        from types import SimpleNamespace

        import numpy as np

        from pages.parts.sets.ends import warn_of_few

        chosen = SimpleNamespace(names=["a", "b", "c"], sets=SimpleNamespace(sizes=np.array([1, 40, 3])))
        warn_of_few(chosen, ["a", "b"])  # type: ignore[arg-type]

    shown = AppTest.from_function(script).run()
    assert not shown.exception
    assert len(shown.warning) == 1 and shown.warning[0].value.startswith("a has 1 observation: too few")


def test_cells_of_an_embedding_are_offered_as_genes(app: Open, home: Path) -> None:
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(12, 1, 6)) + rng.normal(size=(12, 40, 6))).reshape(480, 6).astype(np.float32)
    matrix = rng.normal(size=(9, 6)).astype(np.float32)
    sets = from_groups(x, np.repeat([f"s{i}" for i in range(12)], 40))
    loadings = Loadings(matrix, np.array([f"gene{i}" for i in range(9)]))
    Library().add(replace(sets, loadings=loadings), name="embedded", source="cells.h5ad")
    assert main(["train", "experiment=cytometry", "--dataset", "embedded"]) == 0
    shown = app("interpolate")
    assert not shown.exception
    assert shown.toggle(key="path_genes").label == "With 9 genes of each generated cell"
