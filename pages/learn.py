"""Learn: one idea a page, with real models and metrics, small enough to move under the hand."""

import streamlit as st

from pages.parts.frame import heading, through_the_router
from pages.parts.learn.lessons import LESSONS
from pages.parts.learn.teaching import LESSON, teaching
from pages.parts.learn.view import hand_out, index, show
from pages.parts.sections import link

through_the_router()
asked = teaching()
name = asked.lesson if asked else st.query_params.get(LESSON, "")
place = next((i for i, lesson in enumerate(LESSONS) if lesson.name == name), None)

if place is None:
    heading("learn")
    if name:
        st.warning(f"There is no lesson called “{name[:40]}”; these are all.", icon=":material/search_off:")
    index(LESSONS)
    st.stop()

lesson = LESSONS[place]
# Controls and figure need the whole width of a tablet; the navigation stays one click away.
st.set_page_config(initial_sidebar_state="collapsed")
if not asked:
    # Above the lesson: a page that is only changed keeps its place, and whoever went on from below would begin there.
    with st.container(horizontal=True):
        link("learn", "All lessons")
        for step, words in ((-1, "Before"), (1, "Next")):
            if 0 <= place + step < len(LESSONS):
                other = LESSONS[place + step]
                link("learn", f"{words}: {other.title}", {LESSON: other.name})
with st.container(horizontal=True, vertical_alignment="bottom"):
    st.title(f"{place + 1}. {lesson.title}", anchor=False, width="stretch")
    menu = st.container(width="content")
show(lesson, asked)
if not asked:
    with menu:
        hand_out(lesson)
