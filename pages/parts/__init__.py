"""Pieces that several pages share; the only place besides the pages that knows Streamlit."""
