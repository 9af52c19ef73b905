"""Structure: principal components fitted on real individuals, synthetic ones projected onto them."""

import streamlit as st

from core.plots.structure import POINTS, by_population, overlay, spread
from core.reports import arrays
from core.words import number
from pages.parts.frame import drawer, share
from pages.parts.reports import SHOWN_FIRST, judged, open_one
from pages.parts.state import DATASET, RUN, STRUCTURE_COLOUR, STRUCTURE_SPREAD, STRUCTURE_X, STRUCTURE_Y
from pages.parts.vega_chart import chart

top, runs, chosen = open_one("structure")
scores = arrays.structure(chosen.report)
if scores is None:
    st.info("The report of this run holds no principal components; evaluate it again.", icon=":material/info:")
    st.stop()

components = list(range(1, scores.components + 1))
x, y = 1, min(2, len(components))
with st.container(horizontal=True, vertical_alignment="bottom"):
    colour = st.segmented_control(
        "Colour", ["Real or synthetic", *scores.real_labels], default="Real or synthetic", required=True,
        key=STRUCTURE_COLOUR, bind="query-params",
    )  # fmt: skip
    axes, drawn = drawer("Components", STRUCTURE_X, STRUCTURE_Y, key="structure_axes")
if drawn:
    x = axes.selectbox("Horizontal", components, key=STRUCTURE_X, bind="query-params", help="Principal component")
    y = axes.selectbox(
        "Vertical", components, index=min(1, len(components) - 1), key=STRUCTURE_Y, bind="query-params",
        help="Principal component",
    )  # fmt: skip

report = chosen.report
entry = chosen.metric("pca_wasserstein")
with st.container(horizontal=True):
    st.metric(
        "Sliced Wasserstein distance",
        number(entry.value),
        help="How far the synthetic cloud is from the real one over the leading components; 0 is identical. "
        f"95% interval {entry.shown}.",
    )
    st.metric("Null", number(entry.null), help="The same distance for individuals without linkage.")
    st.metric("Ceiling", number(entry.ceiling), help="The same distance between two sets of real individuals.")
    st.metric(
        "Variance explained",
        f"{scores.explained[[x - 1, y - 1]].sum() if x != y else scores.explained[x - 1]:.1%}",
        help="Share of the variance of the real individuals along the two components shown.",
    )

caption = report.provenance(
    f"components fitted on the {report.judged} individuals only",
    f"at most {POINTS // 2:,} individuals of each drawn",
)
if colour in scores.real_labels:
    figure = by_population(scores, chosen, colour, x, y, seed=report.seed, caption=caption)
    chart(figure, key="pca_population", width="content")
else:
    chart(overlay(scores, chosen, x, y, seed=report.seed, caption=caption), key="pca_overlay")

with st.expander(
    "Spread along each component, of all models", key=STRUCTURE_SPREAD, on_change="rerun", bind="query-params"
) as fold:
    if fold.open:
        others = [item for run in runs[:SHOWN_FIRST] if (item := judged(run))]
        found = [(o, s) for o in others if (s := arrays.structure(o.report))]
        known = [(o, s) for o, s in found if s.components == scores.components]
        st.caption("A model that lost variety lies below the real line.")
        chart(spread(known, caption=report.provenance()), key="pca_spread")
share(DATASET, RUN, STRUCTURE_X, STRUCTURE_Y, STRUCTURE_COLOUR, STRUCTURE_SPREAD, place=top)
