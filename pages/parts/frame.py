"""The top of every page, the link to its exact view, and what a page says when it has nothing to show."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from pages.parts.sections import about, link
from pages.parts.state import link_to_view


def heading(name: str) -> None:
    """Title and question of a page."""
    _through_the_router()
    section = about(name)
    st.title(section.title)
    st.caption(section.answers)


def _through_the_router() -> None:
    """Start over in app.py where Streamlit ran a page by itself.

    Beside a folder called pages/, Streamlit takes the first visitor of a fresh server who follows a link to a page
    past app.py, and goes on doing so until somebody opens Home.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()


def share(*keys: str) -> None:
    """A "Copy link" menu with the address of the exact view; call it after the widgets of `keys`."""
    with st.popover("Copy link", icon=":material/link:", type="tertiary", help="An address that restores this view"):
        st.code(link_to_view(keys), language=None, wrap_lines=True)


def nothing_yet(what: str) -> None:
    """Say that there is nothing to look at, and the way to get something."""
    with st.container(border=True):
        st.markdown(f"**{what}**")
        st.caption(
            "A report appears here when a run has finished. Train a model on the demo cohort or on your own data."
        )
        with st.container(horizontal=True):
            link("train", "Train a model")
            link("datasets", "Bring your own data")
            link("runs", "See what is running")


def plain(text: object) -> str:
    """Text from data or reports as markdown that shows exactly it."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()#+-!|<>$~:" else c for c in str(text))
