"""What a visitor sees who has to sign in first, and what only people who have signed in see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from core.config import access
from pages.parts.frame import plain
from pages.parts.viewer import required


def signed_in() -> bool:
    """Whether pages are for this visitor: who has signed in, or everybody where nobody has to."""
    return access.viewer().name != ""


def sign_in() -> None:
    """Nothing for who is signed in, or where nobody has to; else a page with a button, and the script ends."""
    if not required():
        return
    if signed_in():
        with st.sidebar, st.container(horizontal=True, vertical_alignment="center"):
            st.caption(plain(st.user.get("name") or st.user.get("email") or "Signed in"))
            st.button("Sign out", on_click=st.logout, type="tertiary", key="sign_out")
        return
    st.title("Popscape")
    if not _readable():
        st.error("The secrets of this server cannot be read, so nobody can sign in; its operator can mend them.")
        st.stop()
    st.markdown("Sign in to see your datasets and runs, and those that others share here.")
    for name, title in _providers().items():
        st.button(title, key=f"sign_in_{name}", on_click=st.login, args=(name or None,), type="primary")
    st.stop()


def _readable() -> bool:
    return st.secrets.load_if_toml_exists()


def _providers() -> dict[str, str]:
    """Name of each provider in the secrets, "" for the one without a name, → the words of its button."""
    auth = st.secrets["auth"]
    named = [name for name, values in auth.items() if isinstance(values, Mapping) and name != "client_kwargs"]
    return {name: f"Sign in with {name}" for name in named} or {"": "Sign in"}


def share_switch(
    what: str, owners: Sequence[str], shared: bool, key: str, share: Callable[[str, bool], object]
) -> None:
    """A switch by which owners share the `what` called `key` with everybody here; `share` writes it down.

    There is none where nobody signs in, and for what is not the viewer's.
    """
    if not access.viewer().owns(owners):
        return
    name = f"share_{key}"
    st.toggle(
        "Share with everybody here", shared, key=name, on_change=lambda: share(key, st.session_state[name]),
        help=f"Whoever signs in sees this {what}; only its owners can change or remove it.",
    )  # fmt: skip


def whose(owners: Sequence[str], shared: bool) -> str:
    """ "yours", "yours, shared" or "shared", for a table."""
    if access.viewer().owns(owners):
        return "yours, shared" if shared else "yours"
    return "shared"
