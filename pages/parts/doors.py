"""Three ways in: with real data, with synthetic data, or to learn."""

from __future__ import annotations

import streamlit as st

from core.runs.summary import RunSummary
from pages.parts.learn.teaching import LESSON
from pages.parts.sections import link
from pages.parts.state import DATASETS_VIEW
from pages.parts.train.advice import advice_with_link


def doors(latest: RunSummary | None = None) -> None:
    """Three cards; `latest` is a run on the dataset somebody works on, for which a model is recommended."""
    st.subheader("Start here", anchor=False)
    data, synthetic, learn = st.columns(3)
    with data.container(border=True, height="stretch"):
        st.markdown("**I have data**")
        st.caption(
            "A VCF, a table, an AnnData file, sequences, a folder of images: import it, choose a model, and see how "
            "long it will take and whether it fits before anything starts."
        )
        link("datasets", "Import my data", {DATASETS_VIEW: "Import files"})
        link("train", "Train a model")
        if latest:
            advice_with_link(latest.dataset)
    with synthetic.container(border=True, height="stretch"):
        st.markdown("**I have synthetic data**")
        st.caption(
            "From whatever made it: put it beside the real individuals and see whether frequencies, linkage, structure "
            "and variety are kept, and whether anybody was copied."
        )
        link("datasets", "Import the real individuals", {DATASETS_VIEW: "Import files"})
        link("judge", "Judge my synthetic file")
    with learn.container(border=True, height="stretch"):
        st.markdown("**I want to learn**")
        st.caption(
            "One idea a page, moved by hand: linkage, Gumbel-Softmax, mode collapse, privacy, walks between "
            "distributions. Or look at the finished models of the demo."
        )
        link("learn", "Begin with linkage", {LESSON: "linkage"})
        link("learn", "All lessons")
