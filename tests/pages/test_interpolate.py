"""Interpolate: the walk and its slider, play, extrapolation, barycentre, arithmetic."""

from __future__ import annotations

import numpy as np
from streamlit.testing.v1 import AppTest

from core.plots.sets_walk import moment, whole_way
from tests.pages.set_home import Open, Put, alts, select, tables, words


def at(shown) -> str:  # type: ignore[no-untyped-def]
    """What the text below the picture at t says."""
    return next(text.value for text in shown.caption if text.value.startswith("t = "))


def drawing(shown, begins: str = "Between A"):  # type: ignore[no-untyped-def]
    """The chart of the moment as the browser gets it."""
    return next(chart.proto for chart in shown.get("vega_lite_chart") if chart.proto.alt.startswith(begins))


def test_a_link_restores_ends_and_moment(app: Open, set_runs: Put) -> None:
    set_runs(1)
    shown = app("interpolate", a="mvn_3", b="mvn_8", t="0.25", x="PC2", y="x1", points="500", noise="4")
    assert not shown.exception
    assert "Between A (mvn_3) and B (mvn_8)" in drawing(shown).alt
    assert "t = 0.25; 500 generated, 40 real pairs in transport and mixture; noise 4." in at(shown)
    shown.session_state["copy_link"] = True
    shown.run()
    link = next(code.value for code in shown.code if "t=0.25" in code.value)
    for part in ("a=mvn_3", "b=mvn_8", "points=500", "noise=4", "x=PC2"):
        assert part in link


def test_the_same_link_gives_the_same_picture_and_another_moment_another(app: Open, set_runs: Put) -> None:
    set_runs(1)
    first = app("interpolate", a="mvn_3", b="mvn_8", t="0.25")
    again = app("interpolate", a="mvn_3", b="mvn_8", t="0.25")
    assert at(first) == at(again)
    first.slider(key="t").set_value(0.75).run()
    assert not first.exception
    assert "t = 0.75" in at(first) and at(first) != at(again)


def test_another_moment_sends_other_points_for_the_same_drawing(app: Open, set_runs: Put) -> None:
    """The browser draws a chart anew where anything but its data differs, which takes it as long as the server."""
    set_runs(1)
    shown = app("interpolate", a="mvn_3", b="mvn_8", t="0.25")
    before = drawing(shown)
    shown.slider(key="t").set_value(0.75).run()
    after = drawing(shown)
    assert (before.spec, before.alt) == (after.spec, after.alt)
    sent = [{d.name: d.data.data for d in proto.datasets} for proto in (before, after)]
    moved = {name for name in sent[0] if sent[0][name] != sent[1][name]}
    assert moved == set(sent[0]) - {"ends", "letters"}


def test_a_click_on_the_map_moves_the_ends_in_turn(app: Open, set_runs: Put) -> None:
    set_runs(1)
    shown = app("interpolate", a="mvn_3", b="mvn_8")
    for clicked in (19, 20):
        select(shown, "ends_map", clicked)
        assert not shown.exception
    assert [shown.selectbox(key=key).value for key in ("a", "b")] == ["mvn_20", "mvn_21"]


def test_beyond_the_ends_the_page_warns(app: Open, set_runs: Put) -> None:
    set_runs(1)
    inside = app("interpolate", t="0.9")
    assert not inside.warning
    shown = app("interpolate", beyond="true", t="1.5")
    assert not shown.exception
    assert "Extrapolation" in shown.warning[0].value
    shown.toggle(key="beyond").set_value(False).run()
    assert not shown.exception
    assert shown.slider(key="t").value == 1.0 and not shown.warning


def test_play_moves_t_and_stops_at_the_end(app: Open, set_runs: Put) -> None:
    set_runs(1)
    shown = app("interpolate", t="0.9")
    shown.button(key="walk_play").click().run()
    assert not shown.exception
    assert shown.session_state["playing"] is True and shown.slider(key="t").value > 0.9
    while shown.session_state["playing"]:
        before = shown.slider(key="t").value
        shown.run()
        assert shown.slider(key="t").value > before or not shown.session_state["playing"]
    assert shown.slider(key="t").value == 1.0
    assert shown.button(key="walk_play").label == "Play"


def test_the_whole_way_is_measured(app: Open, set_runs: Put) -> None:
    set_runs(1)
    shown = app("interpolate", a="mvn_3", b="mvn_8")
    numbers = {metric.label: float(metric.value.rstrip("%")) for metric in shown.metric}
    assert numbers["Path length"] >= numbers["Distance of the ends"] * 0.999 > 0
    assert any(alt.startswith("The way from A to B in 6 steps") for alt in alts(shown))


def test_densities_of_the_moment(app: Open, set_runs: Put) -> None:
    set_runs(1)
    shown = app("interpolate", samples="Densities")
    assert not shown.exception
    assert any(alt.startswith("Densities of") for alt in alts(shown))


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


def test_moments_share_one_drawing() -> None:
    rng = np.random.default_rng(0)
    ends = {"A": rng.normal(size=(30, 2)), "B": rng.normal(size=(30, 2)) + 4}
    specs = [
        moment({"Generated by the model": rng.normal(size=(20, 2)) + t}, ends, ("x", "y")).spec for t in (0.0, 3.0)
    ]
    assert specs[0] == specs[1]


def test_every_step_of_the_way_is_in_the_numbers() -> None:
    parts = [np.full((3, 2), float(i)) for i in range(4)]
    figure = whole_way({"Plain mixture": parts}, [0, 0.3, 0.6, 1])
    assert list(figure.table["t"]) == [t for t in (0.0, 0.3, 0.6, 1.0) for _ in range(3)]
