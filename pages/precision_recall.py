"""Precision & recall: do synthetic individuals look real, and is all the real variety there?"""

import streamlit as st

from core.plots.precision_recall import PANELS, curves, label_columns, populations
from pages.parts.chart import chart
from pages.parts.frame import share, tabs
from pages.parts.reports import open_runs, pick_dataset, pick_many
from pages.parts.state import DATASET, PRECISION_COLUMN, PRECISION_METRIC, PRECISION_VIEW, RUNS, choose

VIEWS = {"Over the neighbourhood size": ["precision", "recall"], "Density and coverage": ["density", "coverage"]}
BY_POPULATION = "By population"

top, runs = open_runs("precision_recall")
candidates = pick_many(pick_dataset(runs))
if not candidates:
    st.info("Choose at least one model above.", icon=":material/info:")
    st.stop()
report = candidates[0].report


def over_k(names: list[str]) -> None:
    """The curves of two metrics over k."""
    st.markdown(
        "Around every individual lies a ball that reaches to its k-th nearest neighbour. Trust small k: "
        "with large balls even individuals without any linkage fall inside.",
        help="Precision: share of synthetic individuals inside a ball around a real one. Recall: share of real "
        "individuals inside a ball around a synthetic one. Density and coverage are the same questions with "
        "estimators that single outliers cannot inflate.",
    )
    distance = report.options.get("distance", "Euclidean")
    caption = report.provenance(f"{distance} distance over all variants")
    nothing = "These reports hold no curves over k; evaluate the runs again."
    chart(curves(candidates, names), key="pr_curves", caption=caption, otherwise=nothing)


def by_population(columns: list[str]) -> None:
    """One metric in each population of a label column."""
    left, right = st.columns(2)
    metric = choose(
        "Metric", [p.capitalize() for p in PANELS], default="Recall", place=left, key=PRECISION_METRIC,
        bind="query-params",
    )  # fmt: skip
    column = right.selectbox("Labels", columns, key=PRECISION_COLUMN, bind="query-params")
    caption = report.provenance(f"k = {report.options.get('k', 5)}")
    figure = populations(candidates, metric.lower(), column)
    nothing = f"{metric} by population needs synthetic individuals with labels; choose recall or coverage."
    chart(figure, key="pr_populations", caption=caption, otherwise=nothing)


view, place = tabs([*VIEWS, BY_POPULATION], PRECISION_VIEW)
with place:
    if view in VIEWS:
        over_k(VIEWS[view])
    elif columns := label_columns(candidates):
        by_population(columns)
    else:
        st.info(
            "There are no values by population: the dataset has no labels, or its populations are too small.",
            icon=":material/info:",
        )
share(DATASET, RUNS, PRECISION_VIEW, PRECISION_METRIC, PRECISION_COLUMN, place=top)
