"""The top of every page, the link to its exact view, and what a page says when it has nothing to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.parts.router import through_the_router
from pages.parts.sections import about, link
from pages.parts.state import link_to_view

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator


def heading(name: str) -> DeltaGenerator:
    """Title and question of a page; returns the place at its right where `share` puts the link to the view."""
    through_the_router()
    section = about(name)
    left, right = st.columns([5, 1], vertical_alignment="bottom")
    with left:
        st.title(section.title)
        st.caption(section.answers)
    return right


def share(*keys: str, place: DeltaGenerator | None = None) -> None:
    """A "Copy link" menu with the address of the exact view; call it after the widgets of `keys`."""
    with (place or st).popover(
        "Copy link", icon=":material/link:", type="tertiary", help="An address that restores this view"
    ):
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
