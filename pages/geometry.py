"""Geometry: do latent distances mean anything, and can this model be trusted?"""

import streamlit as st

from core.plots.set_report import PAIRS, reconstruction, set_size, shepard
from core.words import number
from pages.parts.chart import chart
from pages.parts.frame import share, tabs
from pages.parts.sets.checks import questions, scores, warning_signs
from pages.parts.sets.runs import open_sets
from pages.parts.state import GEOMETRY_VIEW, SET_RUN

VIEWS = ["Distances", "Reconstruction", "Set size", "Troubleshooting"]

top, chosen = open_sets("geometry")
report = chosen.report
judged = "held-out" if report.judged == "holdout" else "training"
scores(chosen)
warning_signs(chosen)

view, place = tabs(VIEWS, GEOMETRY_VIEW)
with place:
    if view == "Distances":
        st.markdown(
            "Each point is a pair of sets: how far apart they are by optimal transport, and by each embedding. A "
            "latent is only worth its training where it does better than the trivial embeddings beside it.",
            help="W2 is exact for Gaussian truth; else W2 of samples, less what finite samples add.",
        )
        pairs = f"{len(report.curve('shepard')):,} pairs of {judged} sets, at most {PAIRS} of them drawn"
        chart(shepard(report), key="shepard", caption=report.provenance(pairs))
        edits = report.metric("edit_transport_spearman")
        if edits.value is not None:
            other = edits.baselines.get("w2_of_kmers")
            st.caption(
                "Against transport of the sequences themselves on edit distance: latent "
                f"{edits.shown}, mean of k-mers {number(edits.null)}, W2 of k-mers {number(other)} (rank correlation "
                f"over {edits.params['pairs']} pairs, {edits.params['n']} sequences a side)."
            )
    elif view == "Reconstruction":
        st.markdown(
            "A set is encoded from one half and regenerated; the distance to its other half cannot fall below the "
            "distance of the two real halves (floor), and should stay below a model that knows only the mean."
        )
        caption = report.provenance(f"{judged} sets, halves of at most 256 observations")
        nothing = report.metric("reconstruction_w2").reason or ""
        chart(reconstruction(report), key="reconstruction", caption=caption, otherwise=nothing)
    elif view == "Set size":
        st.markdown(
            "By the central limit theorem the error of a latent falls as 1/√m. A curve that flattens has a bias: "
            "the latent depends on how many observations there are."
        )
        caption = report.provenance("error: root mean square over 16 sets; dotted: one over the square root")
        nothing = "The judged sets are too small for a curve: 16 observations are needed."
        chart(set_size(report), key="set_size", caption=caption, otherwise=nothing)
    elif view == "Troubleshooting":
        questions(chosen)
share(SET_RUN, GEOMETRY_VIEW, place=top)
