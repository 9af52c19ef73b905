"""The top of every page, the link to its exact view, and what a page says when it has nothing to show."""

from __future__ import annotations

import streamlit as st

from pages.parts.sections import about, link
from pages.parts.state import link_to_view


def heading(name: str) -> None:
    """Title and question of a page."""
    section = about(name)
    st.title(section.title)
    st.caption(section.answers)


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
