"""The router: page configuration and navigation, nothing else."""

import streamlit as st

from core.config.home import ASSETS
from pages.parts.learn.teaching import teaching
from pages.parts.sections import navigation

st.set_page_config(page_title="Popscape", page_icon=str(ASSETS / "icon.png"), layout="wide")
navigation(hidden=teaching() is not None).run()
