"""The router: page configuration and navigation, nothing else."""

import streamlit as st

from pages.parts.sections import navigation

st.set_page_config(page_title="Popscape", page_icon=":material/scatter_plot:", layout="wide")
navigation().run()
