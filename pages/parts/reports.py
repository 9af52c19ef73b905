"""Reports of runs, read when a page needs them and kept while their files do not change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.config.catalogue import title
from core.reports.recommendation import ORDER
from core.reports.standing import Candidate
from core.runs.store import RunStore
from core.runs.summary import RunSummary
from core.words import sentence
from pages.parts.frame import heading, no_report, plain
from pages.parts.state import DATASET, RUN, RUNS

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

SHOWN_FIRST = 6
"""Runs that are chosen before the reader chooses: more lines than this are hard to tell apart."""


def all_runs() -> list[RunSummary]:
    """Every run, newest first.

    A page calls it before its heading: what is drawn before files are read travels to the browser apart from the rest,
    and the page is laid out twice.
    """
    return RunStore().list()


def with_reports(runs: Sequence[RunSummary], kind: str = "genotypes") -> list[RunSummary]:
    """The runs on one kind of data that have been evaluated.

    One's own, the newest first, then the shipped as benchmarks rank them; models of genotypes that are fitted at once
    after all others.
    """
    found = [run for run in runs if run.has_report and run.kind == kind]

    def rank(run: RunSummary) -> tuple[bool, int]:
        shipped = ORDER.index(run.experiment) + 1 if run.embedded and run.experiment in ORDER else 0
        return kind == "genotypes" and run.epochs == 0, shipped

    return sorted(found, key=rank)


def label(run: RunSummary) -> str:
    """The name of a run wherever it is shown or linked to; it never changes, so that old links keep working."""
    name = run.title or title(run.experiment or run.model)
    return name if run.embedded else f"{name} · {run.run[:6]}"


def dataset_name(run: RunSummary) -> str:
    """The name of the dataset that a run was trained on."""
    return run.dataset_name or run.dataset[:8]


def judged(run: RunSummary) -> Candidate | None:
    """The report of a run under its label; None if its file cannot be read."""
    report = RunStore().open(run).report()
    if report is None or report.kind != "genotypes":
        return None
    return Candidate(label(run), run.experiment or run.model, report, run.run)


def signs(candidate: Candidate) -> list[str]:
    """The warning signs of a report, a line of Markdown each."""
    return [f"- **{plain(sentence(f.name))}**: {plain(f.evidence)} *{plain(f.advice)}*" for f in candidate.flags]


def scorecard_caption(candidates: Sequence[Candidate]) -> str:
    """What points, intervals and lines of a scorecard are."""
    return candidates[0].report.provenance(
        "points with 95% bootstrap intervals",
        "null: individuals drawn with every variant on its own",
        "ceiling: real individuals in place of synthetic ones",
    )


def pick_dataset(runs: Sequence[RunSummary]) -> list[RunSummary]:
    """Let the reader choose among the datasets of `runs`; the runs of the chosen one."""
    names = list(dict.fromkeys(dataset_name(run) for run in runs))
    chosen = st.selectbox("Dataset", names, key=DATASET, bind="query-params", help="The population that was modelled.")
    return [run for run in runs if dataset_name(run) == (chosen or names[0])]


def pick_many(runs: Sequence[RunSummary]) -> list[Candidate]:
    """Let the reader choose several runs of one dataset; their reports, in the order chosen."""
    by_label = {label(run): run for run in runs}
    chosen = st.multiselect(
        "Models", list(by_label), default=list(by_label)[:SHOWN_FIRST], key=RUNS, bind="query-params",
        help="Trained models, each with its own colour and marker on every page.",
    )  # fmt: skip
    found = [judged(by_label[name]) for name in chosen if name in by_label]
    return [item for item in found if item is not None]


def pick_one(runs: Sequence[RunSummary]) -> Candidate | None:
    """Let the reader choose one run; its report."""
    by_label = {label(run): run for run in runs}
    chosen = st.selectbox(
        "Model", list(by_label), key=RUN, bind="query-params", help="The trained model whose individuals are shown."
    )
    return judged(by_label[chosen or next(iter(by_label))])


def open_runs(page: str, nothing: str = "There is no report to look at yet") -> tuple[DeltaGenerator, list[RunSummary]]:
    """Begin a page on reports: its heading, and the runs that have one; the page ends here where there is none.

    Returns the place for `share`, and the runs.
    """
    runs = with_reports(all_runs())
    top = heading(page)
    if not runs:
        no_report(nothing)
        st.stop()
    return top, runs


def open_one(page: str) -> tuple[DeltaGenerator, list[RunSummary], Candidate]:
    """Begin a page on the report of one run: let the reader choose dataset and run.

    Returns the place for `share`, the runs on the chosen dataset, and the chosen report.
    """
    top, runs = open_runs(page)
    with st.container(horizontal=True):
        runs = pick_dataset(runs)
        chosen = pick_one(runs)
    if chosen is None:
        st.info("The report of this run cannot be read; evaluate it again.", icon=":material/info:")
        st.stop()
    return top, runs, chosen
