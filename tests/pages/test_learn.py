"""Every lesson: it opens, its steps do what they say, a lecturer's link shows the same and nothing that is hidden."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from pages.parts.learn.lesson import Choice, Control, Lesson, Seed, Slider, Switch
from pages.parts.learn.lessons import LESSONS
from pages.parts.learn.teaching import link
from pages.parts.learn.view import worksheet
from pages.parts.sections import SECTIONS
from tests.pages.routed import routed  # noqa: F401
from tests.pages.set_home import Open, words

by_name = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)


def figures(app: AppTest) -> list[str]:
    """The alternative texts of the charts of a lesson, whichever way they are drawn."""
    live = [json.loads(c.proto.json) for c in app.get("bidi_component") if c.proto.component_name == "popscape_live"]
    return [c.proto.alt for c in app.get("plotly_chart")] + [one["alt"] for one in live]


def drawn(app: AppTest, lesson: Lesson, control: Control) -> Any:
    """The widget of a control, None where it is not on the page."""
    kinds = {Slider: app.slider, Choice: app.pills, Switch: app.toggle, Seed: app.number_input}
    return next((widget for widget in kinds[type(control)] if widget.key == lesson.key(control.key)), None)


def other(control: Control) -> Any:
    """A value that the control does not begin with."""
    if isinstance(control, Slider):
        return type(control.default)(control.low if control.default != control.low else control.high)
    if isinstance(control, Choice):
        return next(option for option in control.options if option != control.default)
    return not control.default if isinstance(control, Switch) else 3


@by_name
def test_a_lesson_is_whole(lesson: Lesson) -> None:
    assert 2 <= len([c for c in lesson.controls if not isinstance(c, Seed)]) <= 4
    assert 3 <= len(lesson.steps) <= 6
    assert len({c.key for c in lesson.controls}) == len(lesson.controls)
    for step in lesson.steps:
        for key, value in step.sets.items():
            control = next(c for c in lesson.controls if c.key == key)
            # What an address can hold, a step can set, and nothing else.
            assert control.read(control.write(value)) == value and type(value) is type(control.default)
    assert lesson.question.endswith("?") and len(lesson.sources) >= 1
    assert {seen.page for seen in lesson.seen} <= {section.name for section in SECTIONS}
    assert 0 <= lesson.check.right < len(lesson.check.options)


@by_name
def test_the_worksheet_speaks_of_the_same_lesson(lesson: Lesson) -> None:
    text = worksheet(lesson).read_text(encoding="utf-8")
    for part in (lesson.title, lesson.question, lesson.check.question, *(step.label for step in lesson.steps)):
        assert part in text, part


@by_name
def test_it_opens_and_every_step_sets_the_controls(app: Open, lesson: Lesson) -> None:
    shown = app("learn", lesson=lesson.name)
    assert not shown.exception, shown.exception
    assert figures(shown) and all(figures(shown))
    for number, step in enumerate(lesson.steps):
        shown.button(key=f"{lesson.name}_try_{number}").click().run()
        assert not shown.exception, (step.label, shown.exception)
        for key, value in step.sets.items():
            assert shown.session_state[lesson.key(key)] == value, (step.label, key)
        assert step.see in [element.value for element in shown.info]
    shown.radio(key=f"{lesson.name} check").set_value(lesson.check.options[lesson.check.right]).run()
    assert lesson.check.why in words(shown) or any(lesson.check.why in m.value for m in shown.markdown)


@by_name
def test_a_link_of_a_lecturer_shows_the_same_and_hides_what_it_says(app: Open, lesson: Lesson) -> None:
    values = {c.key: other(c) for c in lesson.controls}
    hidden, *shown_controls = lesson.controls
    fixed = shown_controls[0]
    plain = app("learn", lesson=lesson.name, **{lesson.key(c.key): c.write(values[c.key]) for c in lesson.controls})
    address = link(lesson, values, [fixed.key], [hidden.key, "check"])
    handed = app("learn", **dict(parse_qsl(urlsplit(address).query)))
    assert not plain.exception and not handed.exception
    assert figures(handed) == figures(plain)
    assert drawn(plain, lesson, hidden) is not None and drawn(handed, lesson, hidden) is None
    assert drawn(handed, lesson, fixed).disabled and drawn(handed, lesson, fixed).value == values[fixed.key]
    assert not handed.radio and not handed.get("page_link")
    # A step that would move what is hidden or fixed is not offered.
    offered = {button.label for button in handed.button}
    assert offered & {step.label for step in lesson.steps} == {
        step.label for step in lesson.steps if not {hidden.key, fixed.key} & set(step.sets)
    }
    # The address loses its parameters, as it does when Streamlit takes one up: the visit stays what it was.
    handed.query_params.clear()
    handed.run()
    assert drawn(handed, lesson, hidden) is None and figures(handed) == figures(plain)


def test_the_index_leads_to_every_lesson_and_an_unknown_one_to_the_index(app: Open) -> None:
    shown = app("learn")
    assert not shown.exception
    assert all(lesson.title in words(shown) for lesson in LESSONS)
    assert "no lesson called" in words(app("learn", lesson="astrology"))


@pytest.mark.parametrize("text", ["", "nonsense", "-5", "1e9", "null", "<b>", "nan"])
@by_name
def test_an_address_with_a_value_that_no_control_has_takes_the_default(lesson: Lesson, text: str) -> None:
    for control in lesson.controls:
        assert control.read(text) == control.default
