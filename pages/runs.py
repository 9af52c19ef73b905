"""Runs: every training with its state, and the chosen one live. All that is shown is read from run directories."""

import streamlit as st

from core.runs.store import RunStore
from pages.parts.frame import heading, nothing_yet, share, tabs
from pages.parts.reports import label
from pages.parts.runs.by_steps import by_steps
from pages.parts.runs.table import filtered, run_table
from pages.parts.runs.view import run_view
from pages.parts.state import RUN, RUNS_AXES, RUNS_SAID, RUNS_SMOOTHING, RUNS_VIEW, arrive

LOOK_EVERY = 2.0  # seconds between two looks at a run that lives
TRAININGS, STEPS = "Trainings", "Step by step"

arrive()
top = heading("runs")
view, place = tabs([TRAININGS, STEPS], RUNS_VIEW)
if view == STEPS:
    with place:
        by_steps()
    st.stop()

runs = RunStore().list()
with place:
    if said := st.session_state.pop(RUNS_SAID, None):
        st.success(said, icon=":material/check_circle:")
    if not runs:
        why = "A run appears here as soon as it is started, and stays when this tab is closed."
        nothing_yet("Nothing has been trained yet", why, train="Train a model")
        st.stop()
    shown = filtered(runs)
    chosen = st.session_state.get(RUN)
    every, kept = {label(run): run for run in runs}, {run.run for run in shown}
    # A run that the filter hides stays chosen: a link to it must not depend on the filter.
    listed = {name: run for name, run in every.items() if run.run in kept or name == chosen} or every
    slot = st.container()
    name = st.selectbox(
        "Run", list(listed), key=RUN, bind="query-params", help="The run shown below; a click in the table chooses too."
    )
    run = listed[name or next(iter(listed))]
    with slot:
        run_table(shown, run)
    live = st.fragment(run_view, run_every=LOOK_EVERY if run.active else None, key="live")
    live(run.run, label(run), was_active=run.active)
share(RUN, RUNS_SMOOTHING, RUNS_AXES, place=top)
