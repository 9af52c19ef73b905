"""Interpolate: what lies between two sets, what several have in common, and what a change does to a third."""

import streamlit as st

from core.latents.walk import far_apart
from pages.parts.frame import plain, share
from pages.parts.sets.algebra import arithmetic_of, barycentre_of
from pages.parts.sets.axes import pick_drawing
from pages.parts.sets.ends import pick_ends, warn_of_few
from pages.parts.sets.path import whole_path
from pages.parts.sets.runs import open_sets
from pages.parts.sets.walk import letters_between, player
from pages.parts.state import (
    INTERPOLATE_C,
    INTERPOLATE_OTHERS,
    INTERPOLATE_POINTS,
    INTERPOLATE_SEED,
    INTERPOLATE_VIEW,
    SET_A,
    SET_B,
    SET_RUN,
    SET_VIEW,
    SET_X,
    SET_Y,
)

SHARED = (SET_RUN, INTERPOLATE_VIEW, INTERPOLATE_POINTS, INTERPOLATE_SEED, SET_VIEW, SET_X, SET_Y)

top, chosen = open_sets("interpolate")
between, middle, change = st.tabs(["From A to B", "Barycentre", "A − B + C"], key=INTERPOLATE_VIEW, bind="query-params")
if between.open:
    with between:
        ends = pick_ends(chosen, {"A": SET_A, "B": SET_B})
        warn_of_few(chosen, ends.values())
        drawn = pick_drawing(chosen, generated=True)
        player(chosen, ends["A"], ends["B"], drawn)
        if chosen.sets.modality == "sequence":
            letters_between(chosen, ends["A"], ends["B"], drawn)
        st.subheader(f"The whole way from {plain(ends['A'])} to {plain(ends['B'])}")
        whole_path(chosen, ends["A"], ends["B"], drawn)
elif middle.open:
    with middle:
        first = list(far_apart(chosen.sets, chosen.latents)[:2])
        several = st.multiselect("Sets", chosen.names, default=first, key=INTERPOLATE_OTHERS, bind="query-params")
        drawn = pick_drawing(chosen, generated=True)
        if len(several) < 2:
            st.info("Choose two sets or more.", icon=":material/info:")
        else:
            barycentre_of(chosen, several, drawn)
    share(*SHARED, INTERPOLATE_OTHERS, place=top)
else:
    with change:
        ends = pick_ends(chosen, {"A": SET_A, "B": SET_B, "C": INTERPOLATE_C})
        drawn = pick_drawing(chosen, generated=True)
        arithmetic_of(chosen, (ends["A"], ends["B"], ends["C"]), drawn)
    share(*SHARED, SET_A, SET_B, INTERPOLATE_C, place=top)
