"""The buttons of the lesson that trains on its page: a step, a pause, back in the history, on from there, anew."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.pages.routed import routed  # noqa: F401
from tests.pages.set_home import Open


def steps(app: AppTest) -> list[int]:
    """The steps that the history holds."""
    return [snapshot.step for snapshot in app.session_state["collapse trainer"].history]


def test_training_goes_on_from_where_the_history_stands(app: Open) -> None:
    shown = app("learn", lesson="collapse")
    assert {fact.value for fact in shown.metric} == {"–"}  # nothing is trained, and torch not loaded, until one asks
    shown.button(key="collapse_one").click().run()
    shown.button(key="collapse_many").click().run()
    assert steps(shown) == [0, 1, *range(6, 52, 5)]
    shown.slider(key="collapse place").set_value(4).run()
    assert shown.metric[0].value == "16" and len(steps(shown)) == 12  # looking back forgets nothing
    shown.button(key="collapse_one").click().run()
    assert steps(shown) == [0, 1, 6, 11, 16, 17]


def test_play_pause_and_a_new_beginning(app: Open) -> None:
    shown = app("learn", lesson="collapse")
    for playing in (True, False):
        shown.button(key="collapse_play").click().run()
        assert shown.session_state["collapse playing"] is playing
        assert shown.button(key="collapse_one").disabled is playing
    assert steps(shown)[-1] > 0 and not shown.exception
    shown.button(key="collapse_begin").click().run()
    assert {fact.value for fact in shown.metric} == {"–"}
    shown.slider(key="collapse_latent").set_value(3).run()
    shown.button(key="collapse_one").click().run()
    assert shown.session_state["collapse trainer"].latent == 3 and steps(shown) == [0, 1]
