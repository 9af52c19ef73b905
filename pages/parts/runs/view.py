"""One run, as its directory says it is right now: state, curves, log, and what can be done."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import streamlit as st

from core.config.access import only_read
from core.config.catalogue import title
from core.errors import InputError, PopscapeError
from core.plots import training
from core.runs.directory import Run
from core.runs.files import seconds_between
from core.runs.metrics import Series
from core.runs.states import ACTIVE, RESUMABLE, State
from core.runs.store import RunStore
from core.words import ago, duration
from pages.parts.chart import live_chart
from pages.parts.frame import plain, refused_here
from pages.parts.login import share_switch
from pages.parts.runs.at_sites import at_sites
from pages.parts.runs.held_out import held_out_warning
from pages.parts.runs.table import MARKS
from pages.parts.state import DATASET, RUN, RUNS_AXES, RUNS_SAID, RUNS_SMOOTHING, SET_RUN

_COLOURS: dict[str, Any] = {
    "succeeded": "green", "failed": "red", "lost": "red", "cancelled": "grey", "running": "blue",
    "starting": "blue", "stopping": "orange", "queued": "grey",
}  # fmt: skip
_LOG_LINES = 200
_PACE = 5  # epochs over which the pace is measured


def run_view(reference: str, name: str, *, was_active: bool) -> None:
    """Draw the run; called again every few seconds while it lives."""
    try:
        run = RunStore().get(reference)
    except InputError as error:
        st.error(plain(error))
        return
    status = run.status
    state = State(status["state"])
    if was_active != (state in ACTIVE):
        st.rerun()  # it has ended, or goes on: the table and the pace of looking change too
    try:
        run.config  # noqa: B018 - read once and kept; everything below needs it
    except InputError as error:
        st.error(plain(error))
        _delete_button(run, name)
        return
    _header(run, state, status)
    _actions(run, name, state)
    _curves(run, state)
    at_sites(run, running=state in ACTIVE)
    _files(run)


def _header(run: Run, state: State, status: dict[str, Any]) -> None:
    config = run.config
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(f"{MARKS[state]} {state}", color=_COLOURS[state])
        st.markdown(plain(status.get("reason", "")))
    epochs = config.get("training", {}).get("epochs", 0)
    series = run.metrics()
    epoch = max((one.epoch[-1] for one in series.values() if one.epoch), default=0)
    taken = seconds_between(status.get("started"), status.get("ended"))
    if epochs:
        left = _seconds_an_epoch(series) * (epochs - epoch) if state is State.RUNNING else 0.0
        words = f"Epoch {epoch:,} of {epochs:,}"
        words += f", {duration(taken)} so far" if taken and state in ACTIVE else ""
        words += f", about {duration(left)} to go" if left and status.get("phase") == "training" else ""
        st.progress(min(1.0, epoch / epochs), text=words)
    dataset, model = config.get("dataset", {}), title(config.get("model", {}).get("name", ""))
    facts = [
        f"{model} on {dataset.get('name', '')}",
        f"started {ago(status.get('started') or status.get('created'))}",
        f"took {duration(taken)}" if taken and state not in ACTIVE else "",
        run.env.get("device", ""),
        f"seed {config.get('seed')}",
    ]
    st.caption(plain(" · ".join(str(fact) for fact in facts if fact)))


def _seconds_an_epoch(series: dict[str, Series]) -> float:
    """The pace of the newest epochs, 0 while it is not known; a pause before a resume is not in it."""
    first = max(series.values(), key=lambda one: len(one.time), default=None)
    if first is None or len(first.time) < 2:
        return 0.0
    back = min(_PACE, len(first.time) - 1)
    return max(0.0, first.time[-1] - first.time[-1 - back]) / max(1, first.epoch[-1] - first.epoch[-1 - back])


def _actions(run: Run, name: str, state: State) -> None:
    store = RunStore()
    yours = not only_read() and (run.embedded or store.viewer.changes(run.owners))
    with st.container(horizontal=True):
        if run.report() is not None:
            page, query = (
                ("atlas", {SET_RUN: name})
                if run.config.get("kind") == "sets"
                else ("compare", {DATASET: run.config.get("dataset", {}).get("name", "")})
            )
            st.page_link(f"pages/{page}.py", label="See its report", icon=":material/leaderboard:", query_params=query)
        if yours and state in ACTIVE and state is not State.STOPPING:
            st.button(
                "Stop", key=f"stop_{run.id}", icon=":material/stop:", on_click=_try, args=(store.stop, run.id),
                help="It saves a checkpoint, makes its report from what it has learned, and can be resumed.",
            )  # fmt: skip
        if yours and state in RESUMABLE and not run.embedded:
            st.button(
                "Resume", key=f"resume_{run.id}", icon=":material/resume:", on_click=_try, args=(store.resume, run.id),
                type="primary", help="Goes on from the last checkpoint as if it had never stopped.",
            )  # fmt: skip
        if yours and state not in ACTIVE:
            _delete_button(run, name)
        if yours:
            share_switch("run", run.owners, run.shared, run.id, store.share)
    if not run.embedded:
        refused_here()
    if refused := st.session_state.pop("run_refused", None):
        st.error(plain(refused))


def _try(act: Callable[[str], Any], reference: str) -> None:
    try:
        act(reference)
    except PopscapeError as error:
        st.session_state["run_refused"] = str(error)


def _delete_button(run: Run, name: str) -> None:
    if run.embedded or only_read():
        return
    with st.popover("Delete", icon=":material/delete:"):
        st.markdown(f"Delete **{plain(name)}** with its checkpoints and its report?")
        if not st.button("Delete for good", key=f"delete_{run.id}", type="primary"):
            return
        try:
            RunStore().delete(run.id)
        except PopscapeError as error:
            st.error(plain(error))
            return
    st.session_state[RUNS_SAID] = f"{plain(name)} was deleted."
    st.session_state.pop(RUN, None)
    st.rerun()


def _curves(run: Run, state: State) -> None:
    held_out_warning(run)
    curves = {name: training.Curve(one.epoch, one.value) for name, one in run.metrics().items()}
    if not curves:
        if run.config.get("training", {}).get("epochs", 0) == 0:
            st.caption("This model is fitted in closed form: it has no curves.")
        elif state in ACTIVE:
            st.caption("The first values appear when the first epoch has ended.")
        return
    model = run.config.get("name") or run.config.get("model", {}).get("name", "")
    smooth, axes = st.columns([2, 3], vertical_alignment="bottom")
    with smooth:
        smoothing = st.slider(
            "Smoothing", 0.0, 0.99, 0.8, 0.01, key=RUNS_SMOOTHING, bind="query-params",
            help="Weight of the past in the moving average of the losses; the raw values stay in view.",
        )  # fmt: skip
    with axes:
        log = st.pills(
            "Logarithmic axes", ["Epochs", "Losses"], selection_mode="multi", key=RUNS_AXES, bind="query-params"
        )
    look = training.Look(smoothing, "Epochs" in log, "Losses" in log, running=state in ACTIVE)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Losses**")
        live_chart(
            training.losses(curves, model, look),
            f"losses_{run.id}",
            "The first losses appear when the first epoch has ended.",
        )
    with right:
        sets = run.config.get("kind") == "sets"
        st.markdown(f"**On held-out {'sets' if sets else 'individuals'}**")
        every = run.config.get("training", {}).get("evaluate_every", 10)
        live_chart(
            training.validation(curves, model, look),
            f"validation_{run.id}",
            f"{'Loss, variance and mean' if sets else 'Precision, recall and linkage'} are measured "
            f"every {every} epochs.",
        )


def _files(run: Run) -> None:
    with st.expander("Log", icon=":material/terminal:", key=f"log_{run.id}", on_change="rerun") as log:
        if log.open:
            st.code(run.log_tail(_LOG_LINES) or "The worker has written nothing yet.", language=None, height=320)
    with st.expander("Settings", icon=":material/tune:", key=f"config_{run.id}", on_change="rerun") as settings:
        if settings.open:
            st.code(json.dumps(run.config, indent=1, ensure_ascii=False), language="json", height=320)
