"""Home: what is running, what failed, and which model is best."""

import streamlit as st

from core.data.library import Library
from core.plots.scorecard import scorecard
from core.reports.standing import headline, leader, metric_names
from core.words import ago, count
from pages.parts.chart import chart, warm_up
from pages.parts.doors import doors
from pages.parts.frame import no_report, plain, through_the_router
from pages.parts.reports import SHOWN_FIRST, all_runs, dataset_name, judged, label, scorecard_caption, with_reports
from pages.parts.sections import link
from pages.parts.sets.glimpse import glimpse

through_the_router()
runs = all_runs()

st.title("Popscape")
st.markdown(
    "Train generative models of populations, cohorts of genotypes or sets of cells, images and sequences, and see, "
    "side by side with the real data, whether a model can be trusted."
)

# Whoever has brought and trained nothing yet chooses where to begin before anything else.
first_visit = all(run.embedded for run in runs) and all(meta.embedded for meta in Library().list())
if first_visit:
    doors()

active = [run for run in runs if run.active]
broken = [run for run in runs if run.state in ("failed", "lost")]
if active:
    st.subheader("Running now")
    for run in active[:5]:
        done = run.epoch / run.epochs if run.epochs else 0.0
        progress = f"{run.phase or run.state}, epoch {run.epoch:,} of {run.epochs:,}" if run.epochs else run.state
        st.progress(min(done, 1.0), text=f"**{plain(label(run))}** on {plain(dataset_name(run))}: {progress}")
if broken:
    st.subheader("Needs a look")
    for run in broken[:3]:
        when = ago(run.ended or run.created)
        st.warning(f"{plain(run.reason)} {when}", title=f"{plain(label(run))}: {run.state}", icon=":material/error:")
    if len(broken) > 3:
        st.caption(f"And {count(len(broken) - 3, 'more run')}.")
if active or broken:
    link("runs", "All runs")

reported = with_reports(runs)
st.subheader("Which model is best")
# The dataset somebody works on comes first (at the first launch the demo cohort); of each preset the newest run.
latest = max(reported, key=lambda run: run.created, default=None)
same = {run.experiment or run.run: run for run in reversed(reported) if latest and run.dataset == latest.dataset}
candidates = [item for run in list(same.values())[::-1][:SHOWN_FIRST] if (item := judged(run))]
if not candidates:
    no_report("No model has been judged yet")
else:
    names = metric_names(candidates)
    if len(candidates) > 1 and (best := leader(candidates, names)):
        winner, won, of = best
        st.markdown(
            f"On **{plain(dataset_name(latest))}**, **{plain(winner.label)}** is best, or within noise of the best, "
            f"on {won} of {of} metrics."
        )
    copiers = [c.label for c in candidates if c.copies]
    if copiers:
        st.caption(f"Left out of the ranking, because training individuals come back: {plain(', '.join(copiers))}.")
    figure = scorecard(candidates, headline(candidates))
    chart(figure, key="home_scorecard", caption=scorecard_caption(candidates))
    with st.container(horizontal=True):
        link("compare", "Compare all metrics")
        link("linkage", "See where linkage differs")
        link("structure", "Look at population structure")

between = glimpse(with_reports(runs, "sets"))
if not candidates and not between:
    warm_up()

if not first_visit:
    doors(latest)
