"""The router: page configuration and navigation, nothing else."""

import sys

import streamlit as st

from core.config.home import ASSETS
from pages.parts.sections import navigation

# What a page shows reaches the browser in one burst, and is drawn once: at Python's 5 ms the server sends some of it
# while the page still runs, and the browser lays out a page several times.
sys.setswitchinterval(0.05)

st.set_page_config(page_title="Popscape", page_icon=str(ASSETS / "icon.png"), layout="wide")
navigation().run()
