"""Structure: components and a UMAP fitted on real individuals, synthetic ones placed on them; how alike pairs are."""

import streamlit as st

from core.plots.structure import by_population, individuals, overlay, pairs, spread
from core.reports import arrays
from core.words import number
from pages.parts.chart import chart
from pages.parts.frame import share
from pages.parts.reports import SHOWN_FIRST, judged, open_one
from pages.parts.state import (
    DATASET,
    RUN,
    STRUCTURE_COLOUR,
    STRUCTURE_MAP,
    STRUCTURE_PAIRS,
    STRUCTURE_SOLID,
    STRUCTURE_X,
    STRUCTURE_Y,
    STRUCTURE_Z,
    choose,
)

BOTH = "Real or synthetic"
PCA, UMAP = "Principal components", "UMAP"
PAIRS = {"Kinship": "kinship", "Identity by state": "ibs"}
UMAP_NOTE = (
    "UMAP keeps neighbourhoods: who lies beside whom. Distances between groups and their sizes mean nothing; measure "
    "on the principal components."
)

top, runs, chosen = open_one("structure")
report = chosen.report
scores = arrays.structure(report)
if scores is None or scores.explained is None:
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
    view = choose("Map", [PCA, UMAP], default=PCA, key=STRUCTURE_MAP, bind="query-params", help=UMAP_NOTE)
    colour = choose("Colour", [BOTH, *scores.real_labels], default=BOTH, key=STRUCTURE_COLOUR, bind="query-params")
with st.container(horizontal=True, vertical_alignment="bottom"):
    shown = [] if view == UMAP else [component("Horizontal", STRUCTURE_X, 0), component("Vertical", STRUCTURE_Y, 1)]
    if st.toggle("3-D", key=STRUCTURE_SOLID, bind="query-params", help="A third dimension; drag to turn the cloud."):
        shown.append(3 if view == UMAP else component("Depth", STRUCTURE_Z, 2))

if view == UMAP:
    shown = [1, 2, *shown]
    drawn = arrays.umap(report, len(shown))
    st.caption(UMAP_NOTE)
    note = "UMAP of the principal components, fitted on the real individuals only"
else:
    drawn = scores
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
    note = f"components fitted on the {report.judged} individuals only"

if drawn is None:
    st.info(
        "This report holds no UMAP: it is drawn for 100 real individuals and more, when a run is evaluated.",
        icon=":material/info:",
    )
else:
    sizes = f"{len(drawn.real):,} real and {len(drawn.synthetic):,} synthetic individuals drawn"
    caption = report.provenance(note, sizes)
    if colour in drawn.real_labels:
        figure = by_population(drawn, chosen, colour, shown)
    else:
        figure = overlay(drawn, chosen, shown)
    flat = len(shown) == 2
    select = ("box", "lasso", "points") if flat else ()
    rows = chart(figure, key="structure_individuals", caption=caption, select=select).points
    if rows:
        inside = individuals(drawn, chosen, [int(row) for row in rows])
        real = sum(row < len(drawn.real) for row in rows)
        st.markdown(f"**{real:,} real** and **{len(rows) - real:,} synthetic** individuals inside.")
        st.dataframe(inside, hide_index=True, alt="The individuals inside the box and their scores.")
    elif flat:
        st.caption("Drag a box or a lasso around individuals to list them here; double-click to let them go.")

candidates = [candidate for run in runs[:SHOWN_FIRST] if (candidate := judged(run))]
if view == PCA:
    st.subheader("Spread along each component", help="A model that lost variety lies below the real line.")
    spreads = [(candidate, s) for candidate in candidates if (s := arrays.structure(candidate.report))]
    alike = [(candidate, s) for candidate, s in spreads if s.components == scores.components]
    if alike:
        chart(spread(alike), key="pca_spread", caption=report.provenance())

st.subheader(
    "How alike two individuals are",
    help="All pairs within one cohort. A hump at 0.25 is parents, children and siblings, one below 0 is pairs from "
    "populations far apart. A model that makes too few kinds of individuals lies to the right.",
)
measure = choose("Likeness", list(PAIRS), default="Kinship", key=STRUCTURE_PAIRS, bind="query-params")
nothing = "These reports do not have it: kinship needs heterozygous calls, and a report made since it is measured."
chart(pairs(candidates, PAIRS[measure]), key="pairs_chart", caption=report.provenance(), otherwise=nothing)
share(
    DATASET, RUN, STRUCTURE_MAP, STRUCTURE_X, STRUCTURE_Y, STRUCTURE_Z, STRUCTURE_SOLID, STRUCTURE_COLOUR,
    STRUCTURE_PAIRS, place=top,
)  # fmt: skip
