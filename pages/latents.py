"""Latent space: where a model sees each individual, and what it expects between two individuals or populations."""

import streamlit as st

from core.plots.cohort_latents import along, way
from core.words import count
from pages.parts.chart import chart
from pages.parts.frame import plain, share
from pages.parts.genotypes.individuals import open_latents, pick_ends, walk
from pages.parts.state import (
    LATENTS_A,
    LATENTS_B,
    LATENTS_COLUMN,
    LATENTS_FROM,
    LATENTS_KIND,
    LATENTS_RUN,
    LATENTS_TO,
)

top, opened = open_latents("latents")
st.caption(
    "Each point is an individual. The model compresses its genotypes to a short vector, the latent, and can decode "
    "any point of this space again: individuals that it finds alike lie close together."
)
cohort, (first, last) = pick_ends(opened)
sizes = [f"{plain(end.name)} ({count(end.individuals, 'individual')})" for end in (first, last)]
st.subheader(f"From A, {plain(first.name)}, to B, {plain(last.name)}")
if first.name == last.name:
    st.info("A and B are the same: choose two that differ.", icon=":material/info:")
    st.stop()
path = walk(opened, (first, last))
caption = f"Straight line between the latents of {sizes[0]} and {sizes[1]}, {count(len(path.t), 'step')}."
chart(way(cohort, path), key="latents_way", caption=caption)
st.caption(
    "Drag the slider: at t = 0 points lie near the diagonal of A, at t = 1 near that of B, as far as the model "
    "reconstructs them. A single individual has observed frequencies of 0, 0.5 or 1 only."
)
st.subheader("Allele frequencies along the way")
chart(along(path), key="latents_along", caption=caption)
share(
    LATENTS_RUN, LATENTS_COLUMN, LATENTS_KIND, LATENTS_A, LATENTS_B, LATENTS_FROM, LATENTS_TO, place=top
)  # fmt: skip
