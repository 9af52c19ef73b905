"""How a lesson looks: question and idea above, controls and steps beside the figure, check and sources below."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from core.config.home import REPOSITORY
from pages.parts.chart import warm_up
from pages.parts.learn.lesson import Control, Lesson, Values
from pages.parts.learn.teaching import LESSON, PARTS, Teaching, link
from pages.parts.sections import link as page_link

_WIDTHS = (1.0, 2.6)  # of the controls and of the figure


def show(lesson: Lesson, asked: Teaching | None) -> None:
    """Draw the whole lesson; `asked` is what a lecturer's link leaves of it."""
    hidden = asked.hidden if asked else frozenset()
    st.subheader(lesson.question, anchor=False)
    if "idea" not in hidden:
        st.markdown(lesson.idea)
    st.fragment(_live, run_every=lesson.every(), key=f"live_{lesson.name}")(lesson, asked)
    if "check" not in hidden:
        _check(lesson)
    if "sources" not in hidden:
        _sources(lesson, alone=asked is not None)


def hand_out(lesson: Lesson) -> None:
    """The menu that makes a link for a class; drawn after the lesson, whose controls it reads."""
    menu = st.popover("Hand out", type="tertiary", icon=":material/co_present:", on_change="rerun", key="hand_out")
    if not menu.open:
        return
    with menu:
        labels = {control.key: control.label for control in lesson.controls}
        parts = dict(zip(PARTS, ("The idea", "Steps to try", "The check question", "Sources"), strict=True))
        st.markdown("A link to this lesson as it stands now, without the navigation.")
        hidden = st.multiselect(
            "Hide", [*labels, *parts], format_func=(labels | parts).__getitem__, key="hand_out_hidden",
            placeholder="Controls or parts that students do not see",
        )  # fmt: skip
        fixed = st.multiselect(
            "Fix", [key for key in labels if key not in hidden], format_func=labels.__getitem__, key="hand_out_fixed",
            placeholder="Controls that students see and cannot move",
        )  # fmt: skip
        st.code(link(lesson, values_of(lesson), fixed, hidden), language=None, wrap_lines=True)
        st.download_button(
            "Worksheet (Markdown, to print)", worksheet(lesson).read_bytes, f"{lesson.name}.md", "text/markdown",
            key="worksheet", on_click="ignore", type="tertiary", icon=":material/print:",
        )  # fmt: skip


def values_of(lesson: Lesson) -> dict[str, Any]:
    """What the controls stand at, read from the visit."""
    return {c.key: st.session_state.get(lesson.key(c.key), c.default) for c in lesson.controls}


def worksheet(lesson: Lesson) -> Path:
    """The file of a lesson's worksheet."""
    return REPOSITORY / "docs" / "lessons" / f"{lesson.name}.md"


def index(lessons: tuple[Lesson, ...]) -> None:
    """All lessons as cards with their questions."""
    for first in range(0, len(lessons), 3):
        for place, lesson in zip(st.columns(3), lessons[first : first + 3], strict=False):
            with place.container(border=True, height="stretch"):
                number = first + 1 + lessons[first : first + 3].index(lesson)
                st.markdown(f"**{number}. {lesson.title}**")
                st.caption(f"{lesson.question} ({lesson.minutes} minutes)")
                page_link("learn", "Open the lesson", {LESSON: lesson.name})
    warm_up(live=True)


def _live(lesson: Lesson, asked: Teaching | None) -> None:
    """What moves: everything here runs again at each move, and nothing else of the page."""
    beside, main = st.columns(_WIDTHS, gap="medium")
    with beside:
        values = {control.key: _control(lesson, control, asked) for control in lesson.controls}
        if not (asked and "steps" in asked.hidden):
            _steps(lesson, asked)
    with main:
        lesson.draw(values)


def _control(lesson: Lesson, control: Control, asked: Teaching | None) -> Any:
    if asked and control.key in asked.hidden:
        return asked.value(control)
    return control.draw(lesson.key(control.key), disabled=bool(asked and control.key in asked.fixed))


def _steps(lesson: Lesson, asked: Teaching | None) -> None:
    """The steps that a reader may take: in a lecturer's link those that move nothing fixed or hidden."""
    kept = (asked.fixed | asked.hidden) if asked else frozenset()
    steps = [step for step in lesson.steps if not kept & set(step.sets)]
    if not steps:
        return
    st.markdown("**Try this**")
    taken = st.session_state.get(f"{lesson.name} step")
    for number, step in enumerate(steps):
        st.button(
            step.label, key=f"{lesson.name}_try_{number}", on_click=_take, args=(lesson, number, step.sets),
            type="primary" if taken == number else "secondary", width="stretch",
        )  # fmt: skip
        if taken == number:
            st.info(step.see, icon=":material/visibility:")


def _take(lesson: Lesson, number: int, sets: Values) -> None:
    st.session_state[f"{lesson.name} step"] = number
    for key, value in sets.items():
        st.session_state[lesson.key(key)] = value


def _check(lesson: Lesson) -> None:
    with st.container(border=True):
        check = lesson.check
        st.markdown(f"**Check.** {check.question}")
        answer = st.radio(
            check.question, check.options, index=None, key=f"{lesson.name} check", label_visibility="collapsed"
        )
        if answer is not None:
            right = check.options[check.right]
            st.markdown(f"{':green[**Yes.**]' if answer == right else f':orange[**Not quite.** {right}.]'} {check.why}")


def _sources(lesson: Lesson, *, alone: bool) -> None:
    if not alone:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("**On your own data**", width="content")
            for seen in lesson.seen:
                page_link(seen.page, seen.label, seen.view or None)
    st.caption("Sources: " + "; ".join(f"[{words}]({address})" for words, address in lesson.sources.items()) + ".")
