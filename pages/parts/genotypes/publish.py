"""What leaves Popscape: a comparison as one page, and synthetic individuals as files."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from core.commands.child import sampled
from core.plots.report_page import report_page
from core.reports.standing import Candidate
from pages.parts.datasets.actions import FORMATS, MOST_CALLS

_HELP = "All metrics, charts, warning signs and how they were measured; opens without Popscape and without a network."


def publish(title: str, candidates: Sequence[Candidate], baseline: Candidate | None) -> None:
    """Two buttons: the report of `candidates` for a colleague, and the individuals that were judged."""
    with st.container(horizontal=True):
        st.download_button(
            "Publish", partial(report_page, title, candidates, baseline), "comparison.html", "text/html",
            on_click="ignore", icon=":material/description:", help=f"One HTML page. {_HELP}",
        )  # fmt: skip
        with st.popover("Synthetic individuals", icon=":material/download:"):
            _individuals(candidates)


def _individuals(candidates: Sequence[Candidate]) -> None:
    by_label = {c.label: c for c in candidates}
    model = st.selectbox("Model", list(by_label), key="publish_model")
    chosen = st.selectbox("Format", list(FORMATS), key="publish_format")
    one, ending = by_label[model], FORMATS[chosen]
    if one.report.n["synthetic"] * one.report.n["variants"] > MOST_CALLS:
        st.caption("These are too many for a download from the browser. On the command line:")
        st.code(f"python -m core sample {one.run} --out synthetic{ending}", language=None, wrap_lines=True)
        return
    several = ending in (".bed", ".vcf.gz")
    st.download_button(
        "Download", partial(sampled, one.run, ending), "synthetic.zip" if several else f"synthetic{ending}",
        on_click="ignore", key="publish_download",
    )  # fmt: skip
    st.caption(
        "The individuals that the report judged, with ids, alleles, the labels and phenotypes that they were made for, "
        "and where they come from. VCF and PLINK come in a zip with a table of the individuals."
    )
