"""Precision & recall: do synthetic individuals look real, and is all the real variety there?"""

import streamlit as st

from core.plots.precision_recall import PANELS, curves, label_columns, populations
from pages.parts.frame import pick_view, share
from pages.parts.reports import open_runs, pick_dataset, pick_many
from pages.parts.state import DATASET, PRECISION_COLUMN, PRECISION_METRIC, PRECISION_VIEW, RUNS
from pages.parts.vega_chart import chart

top, runs = open_runs("precision_recall")
candidates = pick_many(pick_dataset(runs))
if not candidates:
    st.info("Choose at least one model above.", icon=":material/info:")
    st.stop()

VIEWS = {"Over the neighbourhood size": ["precision", "recall"], "Density and coverage": ["density", "coverage"]}
BY_POPULATION = "By population"
view = pick_view([*VIEWS, BY_POPULATION], PRECISION_VIEW)
if view in VIEWS:
    distance = candidates[0].report.options.get("distance", "Euclidean")
    figure = curves(
        candidates,
        VIEWS[view],
        caption=candidates[0].report.provenance(f"{distance} distance over all variants"),
    )
    st.markdown(
        "Around every individual lies a ball that reaches to its k-th nearest neighbour. Trust small k: "
        "with large balls even individuals without any linkage fall inside.",
        help="Precision: share of synthetic individuals inside a ball around a real one. Recall: share of real "
        "individuals inside a ball around a synthetic one. Density and coverage are the same questions with "
        "estimators that single outliers cannot inflate.",
    )
    if figure is None:
        st.info("These reports hold no curves over k; evaluate the runs again.", icon=":material/info:")
    else:
        chart(figure, key="pr_curves", width="content")
else:
    columns = label_columns(candidates)
    if not columns:
        st.info(
            "There are no values by population: the dataset has no labels, or its populations are too small.",
            icon=":material/info:",
        )
    else:
        left, right = st.columns(2)
        with left:
            metric = st.segmented_control(
                "Metric", [p.capitalize() for p in PANELS], default="Recall", required=True,
                key=PRECISION_METRIC, bind="query-params",
            )  # fmt: skip
        with right:
            column = st.selectbox("Labels", columns, key=PRECISION_COLUMN, bind="query-params")
        k = candidates[0].report.options.get("k", 5)
        figure = populations(
            candidates, metric.lower(), column or columns[0], caption=candidates[0].report.provenance(f"k = {k}")
        )
        if figure is None:
            st.info(
                f"{metric} by population needs synthetic individuals with labels; choose recall or coverage.",
                icon=":material/info:",
            )
        else:
            chart(figure, key="pr_populations")
share(DATASET, RUNS, PRECISION_VIEW, PRECISION_METRIC, PRECISION_COLUMN, place=top)
