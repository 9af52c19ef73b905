"""Linkage: do neighbouring variants stay together as they should?"""

import streamlit as st

from core.plots.linkage import DIFFERENCE_LIMIT, INTERACTIVE, triangles
from core.plots.linkage_decay import decay
from core.reports import arrays
from core.words import number, provenance
from pages.parts.chart import chart
from pages.parts.frame import plain, share
from pages.parts.reports import SHOWN_FIRST, judged, open_one
from pages.parts.state import DATASET, LINKAGE_CONTIG, LINKAGE_REGION, LINKAGE_VIEW, RUN

FIRST = 50  # variants shown before the reader chooses: drawn at once, and each pair can still be made out
VIEWS = {"Real and synthetic": ("real", "synthetic"), "Difference": ("difference",)}
VIEWS |= {"All three": ("real", "synthetic", "difference")}

top, runs, chosen = open_one("linkage")
report = chosen.candidate.report

view = st.segmented_control(
    "Show", list(VIEWS), default="All three", required=True, key=LINKAGE_VIEW, bind="query-params",
    help="r² is the squared correlation of two variants: 1 always inherited together, 0 independent.",
)  # fmt: skip
windows = arrays.linkage(chosen.arrays)
if not windows:
    st.info("The report of this run holds no linkage; evaluate it again.", icon=":material/info:")
else:
    where, region_box = st.columns([1, 3])
    with where:
        contig = st.selectbox("Contig", list(windows), key=LINKAGE_CONTIG, bind="query-params")
    whole = windows.get(contig) or next(iter(windows.values()))
    start, end = int(whole.position[0]), int(whole.position[-1])
    first = int(whole.position[min(FIRST, len(whole.position)) - 1])
    with region_box:
        low, high = st.slider(
            "Region (base pairs)" if whole.placed else "Region (variant number)", start, max(end, start + 1),
            (start, first), key=LINKAGE_REGION, bind="query-params", format="localized",
            help=f"With up to {INTERACTIVE} variants, point at a pair to read it and click to keep it.",
        )  # fmt: skip
    shown = whole.window(low, high)
    if shown.size < 2:
        st.info("Fewer than two variants lie in this region; widen it.", icon=":material/info:")
    else:
        notes = [f"{shown.variants:,} variants from {shown.place(low)} to {shown.place(high)}"]
        notes.append(f"differences clipped at ±{DIFFERENCE_LIMIT}")
        if shown.pooled:
            notes.append(f"mean r² of cells of about {shown.variants / shown.size:.0f} variants")
        figure = triangles(shown, VIEWS[view], chosen.candidate.label, caption=provenance(report, *notes))
        selected = chart(figure, key="triangles", width="content", select=bool(figure.selections))
        pairs = [rows[0] for rows in selected.values() if rows]
        if pairs and max(pairs[0]["i"], pairs[0]["j"]) < shown.size:
            pair = shown.pair(int(pairs[0]["i"]), int(pairs[0]["j"]))
            st.markdown(
                f"**{plain(pair['variants'][0])}** and **{plain(pair['variants'][1])}**, "
                f"{pair['apart']} apart: r² {number(pair['real'])} in real, "
                f"{number(pair['synthetic'])} in synthetic data."
            )
        elif not figure.selections:
            st.caption(f"Narrow the region to {INTERACTIVE} variants or fewer to read single pairs.")

st.subheader("Decay with distance", help="Mean r² of all pairs of variants at a distance, up to a limit.")
several = [chosen, *(i for run in runs[:SHOWN_FIRST] if (i := judged(run)) and i.path != chosen.path)]
curve = decay([item.candidate for item in several], caption=provenance(report))
if curve is None:
    st.info("These reports hold no decay curve: it needs variants with positions.", icon=":material/info:")
else:
    chart(curve, key="decay")
share(DATASET, RUN, LINKAGE_VIEW, LINKAGE_CONTIG, LINKAGE_REGION, place=top)
