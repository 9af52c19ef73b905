"""The router: page configuration, sign-in and navigation, nothing else."""

import streamlit as st

from core.config.home import ASSETS
from pages.parts.learn.teaching import teaching
from pages.parts.login import sign_in, signed_in
from pages.parts.sections import navigation

st.set_page_config(page_title="Popscape", page_icon=str(ASSETS / "icon.png"), layout="wide")
page = navigation(hidden=teaching() is not None or not signed_in())
sign_in()
page.run()
