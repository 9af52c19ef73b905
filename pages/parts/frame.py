"""The top of every page, the link to its exact view, and what a page says when it has nothing to show."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from core.config.access import ONLY_READ, ask_who, only_read
from core.config.quotas import Visit, ask_visit, computing
from core.errors import InputError
from pages.parts.sections import about, link
from pages.parts.state import link_to_view
from pages.parts.viewer import who

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator
    from streamlit.elements.lib.mutable_tab_container import TabContainer

# Every page imports this module: from here on each library and run store of this server asks who looks, in callbacks
# and fragments too, which run without app.py.
ask_who(who)
ask_visit(lambda: st.session_state.setdefault("computations", Visit()))


def heading(name: str) -> DeltaGenerator:
    """Title and question of a page; returns the place at its right where `share` puts the link to the view."""
    through_the_router()
    section = about(name)
    top = st.container(horizontal=True, vertical_alignment="bottom")
    top.title(section.title, anchor=False, width="stretch")
    st.caption(section.answers)
    return top


def through_the_router() -> None:
    """Start over in app.py where Streamlit ran a page by itself.

    Beside a folder called pages/, Streamlit takes whoever follows a link to a page past app.py, until somebody
    has opened Home.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()


def share(*keys: str, place: DeltaGenerator | None = None) -> None:
    """A "Copy link" menu with the address of the exact view; call it after the widgets of `keys`."""
    # Empty while it is shut: what is in it costs the browser as much as a paragraph of text ten times over.
    menu = (place or st).popover("Copy link", type="tertiary", key="copy_link", on_change="rerun")
    if menu.open:
        with menu:
            st.caption("An address that restores this view")
            st.code(link_to_view(keys), language=None, wrap_lines=True)


def tabs(views: Sequence[str], key: str, default: str | None = None) -> tuple[str, TabContainer]:
    """The views of a page as tabs, of which the open one is drawn: its name, and the place to draw in.

    A link opens the tab it names; `default` is open before the reader chooses, else the first.
    """
    # Tabs with another default are other tabs to Streamlit, which take up the address again: the first default stays.
    start = st.session_state.setdefault(f"start_{key}", default)
    default = start if start in views else None
    places = st.tabs(views, key=key, default=default, on_change="rerun", bind="query-params")
    return next(((view, place) for view, place in zip(views, places, strict=True) if place.open), (views[0], places[0]))


def nothing_yet(what: str, why: str, **links: str) -> None:
    """Say that there is nothing to look at, why, and the ways to get something (page=label of the link)."""
    with st.container(border=True):
        st.markdown(f"**{what}**")
        st.caption(why)
        with st.container(horizontal=True):
            for page, label in links.items():
                link(page, label)


def refused_here() -> bool:
    """Where this server is only looked at, say so in the place of a button: True, and the button is left out."""
    if only_read():
        st.caption(f":material/visibility: {ONLY_READ}")
    return only_read()


@contextlib.contextmanager
def heavy() -> Iterator[None]:
    """Around a heavy computation: where the visit or the server has no room for it, say so; the page ends there."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(computing())
        except InputError as error:
            st.warning(plain(error), icon=":material/hourglass:")
            st.stop()
        yield


def no_report(what: str) -> None:
    """Say that no run has been evaluated yet."""
    why = "A report appears here when a run has finished. Train a model on the demo cohort or on your own data."
    nothing_yet(what, why, train="Train a model", datasets="Bring your own data", runs="See what is running")


def fact(label: str, value: str, beside: str | None = None, help: str | None = None) -> None:
    """One of a row of facts, as wide as its words."""
    st.metric(label, value, beside, delta_color="off", delta_arrow="off", width="content", help=help)


def plain(text: object) -> str:
    """Text from data or reports as markdown that shows exactly it."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()#+-!|<>$~:" else c for c in str(text))
