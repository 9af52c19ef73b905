"""Atlas: the map of the sets in latent space, and each set's real and regenerated observations."""

import streamlit as st

from core.plots.map import LAYOUTS, set_map
from pages.parts import state
from pages.parts.chart import chart
from pages.parts.frame import plain, share
from pages.parts.sets.embed_upload import embed_upload
from pages.parts.sets.ends import walk_link
from pages.parts.sets.runs import open_sets, the_map
from pages.parts.sets.samples import neighbours, real_and_regenerated, sets_inside
from pages.parts.sets.uncertainty import ellipse, how_sure

top, chosen = open_sets("atlas")
sets = the_map(chosen)
layouts = {title: key for title, key in LAYOUTS.items() if key in sets.places}
left, right = st.columns([3, 2])
layout = state.choose(
    "Map", list(layouts), default=next(iter(layouts)), place=left, key=state.SET_LAYOUT, bind="query-params",
    help="UMAP and PCA lay out the latents; MDS lays out the optimal-transport distances between the sets "
    "themselves. Where they agree, latent distance means distance.",
)  # fmt: skip
key = layouts[layout or next(iter(layouts))]
colour = right.selectbox("Colour", list(sets.columns), key=state.SET_COLOUR, bind="query-params")
with st.container(horizontal=True, vertical_alignment="center"):
    picked = st.selectbox(
        "Set", chosen.names, key=state.SET_A, bind="query-params", help="Type to search, or click a point on the map.",
        width=260,
    )  # fmt: skip
    sure = st.toggle(
        "Uncertainty of the latent", key=state.ATLAS_SURE, bind="query-params",
        help="Resamples the observations of the set: how far would another sample of the same set lie? On the map of "
        "components an outline holds 95% of them.",
    )  # fmt: skip
    solid = st.toggle(
        "3-D", key=state.ATLAS_SOLID, bind="query-params", disabled=not sets.solid(key),
        help="Adds the third component; only PCA has one.",
    ) and sets.solid(key)  # fmt: skip
picked = picked or chosen.names[0]
other = st.session_state.get("atlas_before")
other = other if other in chosen.names and other != picked else None
outline = ellipse(chosen, picked, sets.places[key]) if sure and key == "pca" and not solid else None
notes = ["latents of all observations", *(["outline: 95% of resampled sets"] if outline is not None else [])]
caption = chosen.report.provenance(*notes)
figure = set_map(
    sets,
    key,
    colour or next(iter(sets.columns)),
    marked={picked: "A"} | ({other: "B"} if other else {}),
    outline=outline,
    solid=solid,
)
if solid:
    click = chart(figure, key="atlas_space", caption=caption, watch=("click",)).click
    inside = [click["point"]] if click and click["point"] is not None else []
else:
    inside = chart(figure, key="atlas_map", caption=caption, select=("points", "box", "lasso")).points
if len(inside) == 1 and chosen.names[inside[0]] != picked:
    st.session_state["atlas_before"] = picked
    state.go(**{state.SET_A: chosen.names[inside[0]]})
if len(inside) > 1:
    sets_inside(chosen, inside)
elif not solid:
    st.caption("Click a set to look at it. Draw a box or a lasso (buttons above the map) to list the sets inside.")
if sure:
    how_sure(chosen, picked)

name, way = st.columns([3, 2], vertical_alignment="center")
name.subheader(f"Set {plain(picked)}")
with way:
    walk_link(chosen, picked, other)
real_and_regenerated(chosen, picked)
st.markdown("**Nearest sets**", help="Sets whose latents are closest, by Euclidean distance.")
neighbours(chosen, picked)
with st.expander("Embed a new set", key=state.ATLAS_EMBED, on_change="rerun", bind="query-params") as upload:
    if upload.open:
        st.caption("The trained model embeds sets it has never seen: no training, seconds on a laptop.")
        embed_upload(chosen)
share(
    state.SET_RUN, state.SET_LAYOUT, state.SET_COLOUR, state.SET_A, state.SET_B, state.ATLAS_SURE, state.ATLAS_SOLID,
    state.ATLAS_EMBED, state.SET_VIEW, state.SET_X, state.SET_Y, place=top,
)  # fmt: skip
