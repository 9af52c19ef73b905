"""Interpolate: what lies between two sets, what several have in common, and what a change does to a third."""

import streamlit as st

from core.latents.walk import far_apart
from pages.parts.frame import heading, plain, share
from pages.parts.reports import all_runs, with_reports
from pages.parts.sets.algebra import arithmetic_of, barycentre_of
from pages.parts.sets.axes import pick_drawing
from pages.parts.sets.ends import pick_ends, warn_of_few
from pages.parts.sets.path import whole_path
from pages.parts.sets.runs import pick_set_run
from pages.parts.sets.walk import PACE, player
from pages.parts.state import (
    INTERPOLATE_C,
    INTERPOLATE_OTHERS,
    INTERPOLATE_PLAYING,
    INTERPOLATE_POINTS,
    INTERPOLATE_SEED,
    INTERPOLATE_VIEW,
    SET_A,
    SET_B,
    SET_RUN,
    SET_VIEW,
    SET_X,
    SET_Y,
    arrive,
)

VIEWS = ["From A to B", "Barycentre", "A − B + C"]

runs = with_reports(all_runs(), "sets")
top = heading("interpolate")
arrive()
left, middle, right = st.columns([6, 5, 2], vertical_alignment="bottom")
with left:
    chosen = pick_set_run(runs)
if chosen is None:
    st.stop()
with middle:
    view = st.segmented_control(
        "Question", VIEWS, default=VIEWS[0], required=True, key=INTERPOLATE_VIEW, bind="query-params"
    )
with right:
    drawn = pick_drawing(chosen, generated=True)
shared = (SET_RUN, INTERPOLATE_VIEW, SET_A, SET_B, INTERPOLATE_POINTS, INTERPOLATE_SEED, SET_VIEW, SET_X, SET_Y)

if view == VIEWS[1]:
    several = st.multiselect(
        "Sets",
        chosen.names,
        default=list(far_apart(chosen.sets, chosen.latents)[:2]),
        key=INTERPOLATE_OTHERS,
        bind="query-params",
    )
    if len(several) < 2:
        st.info("Choose two sets or more.", icon=":material/info:")
    else:
        barycentre_of(chosen, several, drawn)
    share(*shared, INTERPOLATE_OTHERS, place=top)
elif view == VIEWS[2]:
    ends = pick_ends(chosen, {"A": SET_A, "B": SET_B, "C": INTERPOLATE_C})
    arithmetic_of(chosen, (ends["A"], ends["B"], ends["C"]), drawn)
    share(*shared, INTERPOLATE_C, place=top)
else:
    ends = pick_ends(chosen, {"A": SET_A, "B": SET_B})
    warn_of_few(chosen, ends.values())
    moving = bool(st.session_state.get(INTERPOLATE_PLAYING))
    live = st.fragment(player, run_every=PACE if moving else None, key="walk")
    live(chosen, ends["A"], ends["B"], drawn)
    if not moving:
        st.subheader(f"The whole way from {plain(ends['A'])} to {plain(ends['B'])}")
        whole_path(chosen, ends["A"], ends["B"], drawn)
