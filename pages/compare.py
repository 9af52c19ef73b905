"""Compare: the scorecard of all models of a dataset, against a pinned baseline, with warning signs."""

import streamlit as st

from core.plots.scorecard import scorecard
from core.reports.standing import described, families, headline, leader, metric_names, table
from core.words import count
from pages.parts.chart import chart
from pages.parts.frame import plain, share, tabs
from pages.parts.genotypes.all_runs import all_runs_table
from pages.parts.genotypes.publish import publish
from pages.parts.reports import dataset_name, open_runs, pick_dataset, pick_many, scorecard_caption, signs
from pages.parts.sections import link
from pages.parts.state import (
    COMPARE_BASELINE,
    COMPARE_COLUMNS,
    COMPARE_FAMILY,
    COMPARE_NUMBERS,
    COMPARE_ROWS,
    COMPARE_VIEW,
    DATASET,
    RUNS,
    choose,
)  # fmt: skip

SCORECARD, ALL_RUNS = "Scorecard", "All runs"

top, every_run = open_runs("compare", "There is no report to compare yet")

first_row = st.container(horizontal=True)
with first_row:
    runs = pick_dataset(every_run)
view, _ = tabs([SCORECARD, ALL_RUNS], COMPARE_VIEW)
if view == ALL_RUNS:
    all_runs_table(runs)
    share(DATASET, COMPARE_VIEW, COMPARE_ROWS, COMPARE_COLUMNS, place=top)
    st.stop()
candidates = pick_many(runs)
here = dataset_name(runs[0])
if elsewhere := [run for run in every_run if dataset_name(run) != here]:
    others = ", ".join(f"**{plain(name)}**" for name in dict.fromkeys(map(dataset_name, elsewhere)))
    st.caption(
        f"Models are compared where they learned from the same individuals: {count(len(elsewhere), 'more report')} on "
        f"{others}. A model from there is seen beside these once it is trained on **{plain(here)}**."
    )
    link("train", f"Train a model on {here}", {DATASET: here})
if not candidates:
    st.info("Choose at least one model above.", icon=":material/info:")
    st.stop()
with first_row:
    labels = ["No baseline", *(c.label for c in candidates)]
    chosen = st.selectbox(
        "Baseline", labels, key=COMPARE_BASELINE, bind="query-params",
        on_change=lambda: st.session_state.update({COMPARE_NUMBERS: True}),  # they carry the marks
        help="Every other model is marked ▲ clearly better, ▼ clearly worse, or ≈ within noise of this one.",
    )  # fmt: skip
baseline = next((c for c in candidates if c.label == chosen), None)

every = metric_names(candidates)
if len(candidates) > 1 and (first := leader(candidates, every)):
    winner, won, of = first
    st.markdown(f"**{plain(winner.label)}** is best, or within noise of the best, on {won} of {of} metrics.")

of_family = families(candidates)
group = choose(
    "Metrics", ["Overview", *of_family, "All"], default="Overview", key=COMPARE_FAMILY,
    bind="query-params", help="Overview shows one metric of each family.",
)  # fmt: skip
names = every if group == "All" else of_family.get(group or "", [])
if group == "Overview" or not names:
    names = headline(candidates)

chart(scorecard(candidates, names, baseline), key="scorecard", caption=scorecard_caption(candidates))

st.subheader("Warning signs")
said = []
for c in candidates:
    said += [f"\n:material/warning: **{plain(c.label)}**\n", *signs(c)] if c.flags else []
if said:
    st.container(border=True).markdown("\n".join(said))
else:
    st.caption(
        "No mode collapse, lost linkage or association, frequency distortion or copying was found in these models."
    )

with st.expander(
    "Numbers: every value with its interval", expanded=baseline is not None, key=COMPARE_NUMBERS, on_change="rerun",
    bind="query-params",
) as numbers:  # fmt: skip
    if numbers.open:
        columns = table(candidates, names, baseline)
        widths = {"Metric": "medium", "Null": 70, "Ceiling": 70, "Goal": 105}
        pinned = {k: st.column_config.TextColumn(pinned=k == "Metric", width=widths.get(k, 190)) for k in columns}
        st.dataframe(
            columns,
            hide_index=True,
            column_order=[name for name in columns if name != "Family"],
            column_config=pinned,
            alt=f"Values with 95% intervals of {len(names)} metrics for {', '.join(c.label for c in candidates)}.",
        )
        if baseline:
            st.caption(
                f"▲ clearly better, ▼ clearly worse than {plain(baseline.label)}: the 95% intervals do not overlap; "
                "≈ they do."
            )
publish(f"Models of {here}", candidates, baseline)

with st.expander("What the metrics mean", key="definitions", on_change="rerun") as meaning:
    if meaning.open:
        for name in names:
            about = described(candidates, name)
            st.markdown(f"**{plain(about.label)}** ({about.goal}): {plain(about.help)}")
share(DATASET, COMPARE_VIEW, RUNS, COMPARE_BASELINE, COMPARE_FAMILY, COMPARE_NUMBERS, place=top)
