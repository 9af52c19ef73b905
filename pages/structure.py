"""Structure: principal components fitted on real individuals, synthetic ones projected onto them."""

import streamlit as st

from core.plots.structure import by_population, individuals, overlay, spread
from core.reports import arrays
from core.words import number
from pages.parts.chart import chart
from pages.parts.frame import share
from pages.parts.reports import SHOWN_FIRST, judged, open_one
from pages.parts.state import DATASET, RUN, STRUCTURE_COLOUR, STRUCTURE_SOLID, STRUCTURE_X, STRUCTURE_Y, STRUCTURE_Z

BOTH = "Real or synthetic"

top, runs, chosen = open_one("structure")
report = chosen.report
scores = arrays.structure(report)
if scores is None:
    st.info("The report of this run holds no principal components; evaluate it again.", icon=":material/info:")
    st.stop()


def component(label: str, key: str, first: int) -> int:
    """Let the reader choose a principal component, beginning with the one at place `first`."""
    options = list(range(1, scores.components + 1))
    return st.selectbox(
        label, options, index=min(first, len(options) - 1), key=key, bind="query-params", width=110,
        help="Principal component, counted from the one along which real individuals differ most.",
    )  # fmt: skip


with st.container(horizontal=True, vertical_alignment="bottom"):
    colour = st.segmented_control(
        "Colour", [BOTH, *scores.real_labels], default=BOTH, required=True, key=STRUCTURE_COLOUR, bind="query-params"
    )
    shown = [component("Horizontal", STRUCTURE_X, 0), component("Vertical", STRUCTURE_Y, 1)]
    if st.toggle("3-D", key=STRUCTURE_SOLID, bind="query-params", help="A third component; drag to turn the cloud."):
        shown.append(component("Depth", STRUCTURE_Z, 2))

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
        f"{scores.explained[[c - 1 for c in set(shown)]].sum():.1%}",
        help="Share of the variance of the real individuals along the components shown.",
    )

caption = report.provenance(f"components fitted on the {report.judged} individuals only")
if colour in scores.real_labels:
    figure = by_population(scores, chosen, colour, shown)
else:
    figure = overlay(scores, chosen, shown)
flat = len(shown) == 2
select = ("box", "lasso", "points") if flat else ()
rows = chart(figure, key="structure_individuals", caption=caption, select=select).points
if rows:
    inside = individuals(scores, chosen, [int(row) for row in rows])
    real = sum(row < len(scores.real) for row in rows)
    st.markdown(f"**{real:,} real** and **{len(rows) - real:,} synthetic** individuals inside.")
    st.dataframe(inside, hide_index=True, alt="The individuals inside the box and their scores.")
elif flat:
    st.caption("Drag a box or a lasso around individuals to list them here; double-click to let them go.")

st.subheader("Spread along each component", help="A model that lost variety lies below the real line.")
candidates = [candidate for run in runs[:SHOWN_FIRST] if (candidate := judged(run))]
spreads = [(candidate, s) for candidate in candidates if (s := arrays.structure(candidate.report))]
alike = [(candidate, s) for candidate, s in spreads if s.components == scores.components]
if alike:
    chart(spread(alike), key="pca_spread", caption=report.provenance())
share(DATASET, RUN, STRUCTURE_X, STRUCTURE_Y, STRUCTURE_Z, STRUCTURE_SOLID, STRUCTURE_COLOUR, place=top)
