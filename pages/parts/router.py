"""Every page is reached through app.py, also by the first visitor of a fresh server."""

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager


def through_the_router() -> None:
    """Start over in app.py where Streamlit ran a page by itself.

    Beside a folder called pages/, Streamlit takes whoever follows a link to a page past app.py, until somebody
    has opened Home.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()
