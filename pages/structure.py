"""Structure: principal components fitted on real individuals, synthetic ones projected onto them."""

import streamlit as st

from core.plots import arrays
from core.plots.numbers import interval, number
from core.plots.provenance import provenance, reference_name
from core.plots.structure import POINTS, by_population, overlay, spread
from pages.parts.chart import chart
from pages.parts.frame import share
from pages.parts.reports import SHOWN_FIRST, judged, open_one
from pages.parts.state import DATASET, RUN, STRUCTURE_COLOUR, STRUCTURE_X, STRUCTURE_Y

top, runs, chosen = open_one("structure")
scores = arrays.structure(chosen.arrays)
if scores is None:
    st.info("The report of this run holds no principal components; evaluate it again.", icon=":material/info:")
    st.stop()

components = list(range(1, scores.components + 1))
x_box, y_box, colour_box = st.columns([1, 1, 2])
with x_box:
    x = st.selectbox("Horizontal", components, key=STRUCTURE_X, bind="query-params", help="Principal component")
with y_box:
    y = st.selectbox(
        "Vertical", components, index=min(1, len(components) - 1), key=STRUCTURE_Y, bind="query-params",
        help="Principal component",
    )  # fmt: skip
with colour_box:
    colour = st.segmented_control(
        "Colour", ["Real or synthetic", *scores.real_labels], default="Real or synthetic", required=True,
        key=STRUCTURE_COLOUR, bind="query-params",
    )  # fmt: skip

report = chosen.candidate.report
entry = chosen.candidate.metric("pca_wasserstein")
distance, null, ceiling, explained = st.columns(4)
distance.metric(
    "Sliced Wasserstein distance",
    number(entry.get("value")),
    help="How far the synthetic cloud is from the real one over the leading components; 0 is identical. "
    f"95% interval {interval(entry.get('value'), entry.get('low'), entry.get('high'))}.",
)
null.metric("Null", number(entry.get("null")), help="The same distance for individuals without linkage.")
ceiling.metric("Ceiling", number(entry.get("ceiling")), help="The same distance between two sets of real individuals.")
explained.metric(
    "Variance explained",
    f"{scores.explained[[x - 1, y - 1]].sum() if x != y else scores.explained[x - 1]:.1%}",
    help="Share of the variance of the real individuals along the two components shown.",
)

caption = provenance(
    report,
    f"components fitted on the {reference_name(report)} individuals only",
    f"at most {POINTS // 2:,} individuals of each drawn",
)
if colour in scores.real_labels:
    figure = by_population(scores, chosen.candidate, colour, x, y, seed=int(report.get("seed") or 0), caption=caption)
    chart(figure, key="pca_population", width="content")
else:
    chart(
        overlay(scores, chosen.candidate, x, y, seed=int(report.get("seed") or 0), caption=caption), key="pca_overlay"
    )

st.subheader("Spread along each component", help="A model that lost variety lies below the real line.")
others = [item for run in runs[:SHOWN_FIRST] if (item := judged(run))]
known = [(o.candidate, s) for o in others if (s := arrays.structure(o.arrays)) and s.components == scores.components]
chart(spread(known, caption=provenance(report)), key="pca_spread")
share(DATASET, RUN, STRUCTURE_X, STRUCTURE_Y, STRUCTURE_COLOUR, place=top)
