"""Many runs in one table: chosen metrics, the settings in which they differ, one row a run or one a preset."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.reports.standing import Candidate, described, headline, metric_names
from core.runs.comparing import Entry, by_preset, by_sweep, differing, entry, table
from core.runs.store import RunStore
from core.runs.summary import RunSummary
from pages.parts.reports import judged, label
from pages.parts.state import COMPARE_COLUMNS, COMPARE_ROWS, choose

RUNS, PRESETS, SWEEPS = "Runs", "Presets", "Sweeps"


def all_runs_table(runs: Sequence[RunSummary]) -> None:
    """The table of every run in `runs` (of one dataset) that has a report."""
    store = RunStore()
    pairs = [(judged(run), entry(store.open(run), label(run))) for run in runs]
    candidates = [candidate for candidate, _ in pairs if candidate is not None]
    entries = [one for candidate, one in pairs if candidate is not None and one is not None]
    entries.sort(key=lambda one: one.sweep, reverse=True)  # the runs of a sweep stand together, before all others
    swept = any(one.sweep for one in entries)
    names = metric_names(candidates)
    left, right = st.columns([1, 3])
    rows = choose(
        "One row for each", [RUNS, PRESETS, *([SWEEPS] if swept else [])], default=RUNS, place=left,
        key=COMPARE_ROWS, bind="query-params",
        help="Presets gathers runs that differ in their seed alone, and shows how far trainings spread; Sweeps shows "
        "the best run of each sweep.",
    )  # fmt: skip
    chosen = right.multiselect(
        "Metrics", names, default=headline(candidates), key=COMPARE_COLUMNS, bind="query-params",
        format_func=lambda name: described(candidates, name).label,
    )  # fmt: skip
    if rows == PRESETS:
        columns = by_preset(entries, chosen)
    else:
        columns = by_sweep(entries, chosen) if rows == SWEEPS else table(entries, chosen, differing(entries))
    st.dataframe(
        columns, hide_index=True, placeholder="–", column_config=_look(columns, candidates, chosen),
        alt=f"{len(entries)} runs with {len(chosen)} metrics and the settings in which they differ.",
    )  # fmt: skip
    st.caption(_said(entries, rows) + " Click a column's head to sort; its menu pins it to the left.")
    st.download_button(
        "Table as CSV", lambda: pd.DataFrame(columns).to_csv(index=False), "runs.csv", "text/csv", on_click="ignore",
        icon=":material/download:",
    )  # fmt: skip


def _said(entries: Sequence[Entry], rows: str) -> str:
    if rows == PRESETS:
        return "Means over seeds; ± is the standard deviation between trainings, empty for a single one."
    if rows == SWEEPS:
        return "Of each sweep the run with the best validation score, and the settings in which its runs differ."
    same = sum(len(one.settings) for one in entries[:1])
    paths = differing(entries)
    return (
        f"{len(entries)} runs. Scroll to the right for the settings: only those that differ are shown ({len(paths)}; "
        f"the first run has {same}). –: the run has no such setting, or its report no such value."
    )


def _look(
    columns: dict[str, list[object]], candidates: Sequence[Candidate], chosen: Sequence[str]
) -> dict[str, object]:
    goals = {described(candidates, name).label: described(candidates, name) for name in chosen}
    look: dict[str, object] = {}
    for name in columns:
        if name in ("Run", "Preset", "Sweep"):
            look[name] = st.column_config.TextColumn(pinned=True)
        elif name in goals:
            look[name] = st.column_config.NumberColumn(format="%.4g", help=f"{goals[name].goal}. {goals[name].help}")
        elif name.startswith("± ") or name.endswith("score"):
            look[name] = st.column_config.NumberColumn(format="%.4g")
    return look
