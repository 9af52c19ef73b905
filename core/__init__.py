"""Popscape: a lab for generative models of populations. The library never imports Streamlit."""

__version__ = "0.1.0"
