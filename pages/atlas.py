"""Atlas: the map of the sets in latent space, and each set's real and regenerated observations."""

import streamlit as st

from core.plots.sets_map import LAYOUTS, set_map
from pages.parts.chart import chart
from pages.parts.embed_upload import embed_upload
from pages.parts.frame import heading, plain, share
from pages.parts.set_runs import pick_set_run, the_map
from pages.parts.set_samples import neighbours, real_and_regenerated
from pages.parts.state import SET_A, SET_COLOUR, SET_LAYOUT, SET_RUN, SET_VIEW, SET_X, SET_Y, arrive, go

top = heading("atlas")
arrive()
chosen = pick_set_run()
if chosen is None:
    st.stop()
sets = the_map(chosen)
layouts = {title: key for title, key in LAYOUTS.items() if key in sets.xy}
left, middle, right = st.columns([2, 2, 3])
with left:
    layout = st.selectbox(
        "Map", list(layouts), key=SET_LAYOUT, bind="query-params",
        help="UMAP and PCA lay out the latents; MDS lays out the optimal-transport distances between the sets "
        "themselves. Where they agree, latent distance means distance.",
    )  # fmt: skip
with middle:
    colour = st.selectbox("Colour", list(sets.columns), key=SET_COLOUR, bind="query-params")
with right:
    names = [str(n) for n in sets.set_id]
    picked = st.selectbox(
        "Set", names, key=SET_A, bind="query-params", help="Type to search, or click a point on the map."
    )
layout, colour = layout or next(iter(layouts)), colour or next(iter(sets.columns))
picked = picked if picked in names else names[0]
figure = set_map(
    sets, layouts[layout], colour, marked={picked: "A"}, caption=chosen.provenance("latents of all observations")
)
selection = chart(figure, key="atlas_map", select=True)
clicked = [row["set"] for row in (selection.get("set") or []) if isinstance(row, dict) and "set" in row]
if clicked and clicked[0] != picked and st.session_state.get("atlas_clicked") != clicked[0]:
    st.session_state["atlas_clicked"] = clicked[0]
    go(**{SET_A: clicked[0]})

st.subheader(f"Set {plain(picked)}")
real_and_regenerated(chosen, picked)
near, upload = st.columns([3, 2])
with near:
    st.markdown("**Nearest sets**", help="Sets whose latents are closest, by Euclidean distance.")
    neighbours(chosen, picked)
with upload:
    st.markdown(
        "**Embed a new set**",
        help="The trained model embeds sets it has never seen: no training, seconds on a laptop.",
    )
    embed_upload(chosen)
share(SET_RUN, SET_LAYOUT, SET_COLOUR, SET_A, SET_VIEW, SET_X, SET_Y, place=top)
