"""Atlas: the map of the sets in latent space, and each set's real and regenerated observations."""

import streamlit as st

from core.plots.sets_map import LAYOUTS, set_map
from pages.parts.frame import drawer, plain, share
from pages.parts.sets.embed_upload import embed_upload
from pages.parts.sets.ends import newly_clicked, walk_link
from pages.parts.sets.runs import open_sets, the_map
from pages.parts.sets.samples import neighbours, real_and_regenerated
from pages.parts.sets.uncertainty import ellipse, how_sure
from pages.parts.state import (
    ATLAS_EMBED,
    ATLAS_SURE,
    SET_A,
    SET_B,
    SET_COLOUR,
    SET_LAYOUT,
    SET_RUN,
    SET_VIEW,
    SET_X,
    SET_Y,
    go,
)
from pages.parts.vega_chart import chart

top, chosen = open_sets("atlas")
sets = the_map(chosen)
layouts = {title: key for title, key in LAYOUTS.items() if key in sets.xy}
layout, sure = next(iter(layouts)), False
with st.container(horizontal=True, vertical_alignment="bottom"):
    colour = st.selectbox("Colour", list(sets.columns), key=SET_COLOUR, bind="query-params")
    picked = st.selectbox(
        "Set", chosen.names, key=SET_A, bind="query-params", help="Type to search, or click a point on the map."
    )
    drawing, drawn = drawer("Layout", SET_LAYOUT, ATLAS_SURE, key="atlas_layout")
if drawn:
    layout = drawing.segmented_control(
        "Map", list(layouts), default=layout, required=True, key=SET_LAYOUT, bind="query-params",
        help="UMAP and PCA lay out the latents; MDS lays out the optimal-transport distances between the sets "
        "themselves. Where they agree, latent distance means distance.",
    )  # fmt: skip
    sure = drawing.toggle(
        "Uncertainty of the latent", key=ATLAS_SURE, bind="query-params",
        help="Resamples the observations of the set: how far would another sample of the same set lie?",
    )  # fmt: skip
colour = colour or next(iter(sets.columns))
picked = picked if picked in chosen.names else chosen.names[0]
other = st.session_state.get("atlas_before")
other = other if other in chosen.names and other != picked else None
outline = ellipse(chosen, picked, sets.xy["pca"]) if sure and layouts[layout] == "pca" else None
marked = {picked: "A"} | ({other: "B"} if other else {})
words = "latents of all observations" + ("; outline: 95% of resampled sets" if outline is not None else "")
figure = set_map(sets, layouts[layout], colour, marked=marked, outline=outline, caption=chosen.provenance(words))
clicked = newly_clicked(chart(figure, key="atlas_map", select=True), "atlas_map")
if clicked in chosen.names and clicked != picked:
    st.session_state["atlas_before"] = picked
    go(**{SET_A: clicked})
if sure:
    how_sure(chosen, picked)

name, way = st.columns([3, 2], vertical_alignment="center")
with name:
    st.subheader(f"Set {plain(picked)}")
with way:
    walk_link(chosen, picked, other)
real_and_regenerated(chosen, picked)
st.markdown("**Nearest sets**", help="Sets whose latents are closest, by Euclidean distance.")
neighbours(chosen, picked)
with st.expander("Embed a new set", key=ATLAS_EMBED, on_change="rerun", bind="query-params") as upload:
    if upload.open:
        st.caption("The trained model embeds sets it has never seen: no training, seconds on a laptop.")
        embed_upload(chosen)
share(SET_RUN, SET_LAYOUT, SET_COLOUR, SET_A, SET_B, ATLAS_SURE, ATLAS_EMBED, SET_VIEW, SET_X, SET_Y, place=top)
