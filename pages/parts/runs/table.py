"""The table of runs and its filters."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.config.catalogue import title
from core.runs.metrics import PREFERRED, trace
from core.runs.store import RunStore
from core.runs.summary import RunSummary
from core.words import ago, duration
from pages.parts.login import whose
from pages.parts.reports import dataset_name, label
from pages.parts.state import RUN, RUNS_SEARCH, RUNS_STATE, choose
from pages.parts.viewer import required

GROUPS = {
    "All": frozenset[str](),
    "Active": frozenset({"queued", "starting", "running", "stopping"}),
    "Finished": frozenset({"succeeded"}),
    "Stopped": frozenset({"cancelled"}),
    "Failed or lost": frozenset({"failed", "lost"}),
}
MARKS = {
    "queued": "◌", "starting": "◔", "running": "●", "stopping": "◑",
    "succeeded": "✓", "cancelled": "■", "failed": "✕", "lost": "?",
}  # fmt: skip
_ROWS = 8
_FEW = 4


def filtered(runs: Sequence[RunSummary]) -> list[RunSummary]:
    """Let the reader narrow the runs by state and by words; those that are left."""
    if len(runs) < _FEW:
        return list(runs)
    states, search = st.columns([3, 2], vertical_alignment="bottom")
    with states:
        group = choose("State", list(GROUPS), default="All", key=RUNS_STATE, bind="query-params")
    with search:
        words = st.text_input(
            "Find", key=RUNS_SEARCH, bind="query-params", placeholder="name, model, dataset, reason", live=True
        )
    wanted = GROUPS[group or "All"]
    found = [run for run in runs if not wanted or run.state in wanted]
    return [run for run in found if all(word in _text(run) for word in (words or "").lower().split())]


def run_table(runs: Sequence[RunSummary], chosen: RunSummary) -> None:
    """One line a run; a click chooses it."""
    if not runs:
        st.caption("No run fits the filter.")
        return
    store = RunStore()
    here = [i for i, run in enumerate(runs) if run.run == chosen.run]
    names = [label(run) for run in runs]
    key = f"runs_{chosen.run}_{len(runs)}_{runs[0].run}"
    st.dataframe(
        {
            "Run": names,
            "State": [f"{MARKS.get(run.state, '')} {run.state}" for run in runs],
            "Progress": [_progress(run) for run in runs],
            "Learning": [trace((store.shipped if run.embedded else store.root) / run.run) for run in runs],
            "Score": [run.last.get(PREFERRED) for run in runs],
            "Dataset": [dataset_name(run) for run in runs],
            "Started": [ago(run.created) for run in runs],
            "Took": [duration(run.seconds) for run in runs],
            **(
                {"Whose": ["" if run.embedded else whose(run.owners, run.shared) for run in runs]} if required() else {}
            ),
        },
        key=key,
        hide_index=True,
        placeholder="",
        height="auto" if len(runs) <= _ROWS else 320,
        on_select=lambda: _click(key, names),
        selection_mode="single-row",
        selection_default={"selection": {"rows": here}},
        column_config={
            "Run": st.column_config.TextColumn(pinned=True, width="medium"),
            "Progress": st.column_config.ProgressColumn(
                format="percent", min_value=0, max_value=1, width="small", help="Share of the epochs that are done"
            ),
            "Learning": st.column_config.LineChartColumn(
                width="small",
                help="Validation score, or the first loss where there is no validation; newest at the right",
            ),
            "Score": st.column_config.NumberColumn(
                format="%.3f", help="Newest validation score, by which the best state is kept; 1 is best"
            ),
        },
        alt=f"{len(runs)} runs with their state, progress, score and dataset.",
    )


def _click(key: str, names: list[str]) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    if rows:
        st.session_state[RUN] = names[rows[0]]


def _progress(run: RunSummary) -> float | None:
    if run.epochs:
        return min(1.0, run.epoch / run.epochs)
    return 1.0 if run.state == "succeeded" else None


def _text(run: RunSummary) -> str:
    known = (label(run), run.run, run.model, title(run.model), run.experiment, dataset_name(run), run.reason)
    return " ".join(known).lower()
