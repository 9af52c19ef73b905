"""Linkage: do neighbouring variants stay together as they should?"""

import streamlit as st

from core.plots.linkage import DIFFERENCE_LIMIT, decay, names, squares
from core.reports import arrays
from core.words import number
from pages.parts.chart import chart
from pages.parts.frame import plain, share
from pages.parts.reports import SHOWN_FIRST, judged, open_one
from pages.parts.state import (
    DATASET,
    LINKAGE_CONTIG,
    LINKAGE_PAIR,
    LINKAGE_REGION,
    LINKAGE_VIEW,
    RUN,
    arrive,
    choose,
    go,
)

FIRST = 200  # variants shown before the reader chooses
VIEWS = {"Both": ("both", "difference"), "Real and synthetic": ("both",), "Difference": ("difference",)}

arrive()
top, runs, chosen = open_one("linkage")
report = chosen.report

windows = arrays.linkage(report)
if not windows:
    st.info("The report of this run holds no linkage; evaluate it again.", icon=":material/info:")
else:
    show, where, region, wider = st.columns([9, 3, 8, 4], vertical_alignment="bottom")
    view = choose(
        "Show", list(VIEWS), default="Both", place=show, key=LINKAGE_VIEW, bind="query-params",
        help="r² is the squared correlation of two variants: 1 always inherited together, 0 independent. Real data "
        "lie above the diagonal, synthetic ones below, so that equal halves mean equal linkage.",
    )  # fmt: skip
    contig = where.selectbox("Contig", list(windows), key=LINKAGE_CONTIG, bind="query-params")
    whole = windows.get(contig) or next(iter(windows.values()))
    start, end = int(whole.position[0]), int(whole.position[-1])
    first = int(whole.position[min(FIRST, len(whole.position)) - 1])
    low, high = region.slider(
        "Region (base pairs)" if whole.placed else "Region (variant number)", start, max(end, start + 1),
        (start, first), key=LINKAGE_REGION, bind="query-params", format="localized",
        help="Drag a box in a square to look at it more closely; double-click to zoom out again.",
    )  # fmt: skip
    if wider.button("Whole contig", type="tertiary", disabled=(low, high) == (start, end), key="whole_contig"):
        go(**{LINKAGE_REGION: (start, end)})
    shown = whole.window(low, high)
    if shown.size < 2:
        st.info("Fewer than two variants lie in this region; widen it.", icon=":material/info:")
    else:
        notes = [f"{shown.variants:,} variants from {shown.place(low)} to {shown.place(high)}"]
        notes.append(f"differences clipped at ±{DIFFERENCE_LIMIT}")
        if shown.pooled:
            notes.append(f"each cell the mean r² of about {shown.variants / shown.size:.0f} variants by as many")
        figure = squares(shown, VIEWS[view], chosen.label)
        watch = ("click", "view") if shown.pooled else ("click",)
        picked = chart(figure, key="squares", caption=report.provenance(*notes), watch=watch)
        if (
            shown.pooled
            and picked.view
            and (closer := shown.zoom(list(picked.view.values()), (low, high))) != (low, high)
        ):
            go(**{LINKAGE_REGION: closer})  # a zoom into means fetches the cells themselves
        row = {name: place for place, name in enumerate(names(shown))}
        if picked.click:
            st.session_state[LINKAGE_PAIR] = (picked.click["y"], picked.click["x"])
        pair = st.session_state.get(LINKAGE_PAIR, ())
        if len(pair) == 2 and pair[0] in row and pair[1] in row and pair[0] != pair[1]:
            known = shown.pair(row[pair[0]], row[pair[1]])
            around = "The variants that begin with " if shown.pooled else ""
            st.markdown(
                f"{around}**{plain(known['variants'][0])}** and **{plain(known['variants'][1])}**, {known['apart']} "
                f"apart: {'mean ' if shown.pooled else ''}r² {number(known['real'])} in real, "
                f"{number(known['synthetic'])} in synthetic data."
            )
        else:
            st.caption("Click a cell to keep its pair of variants here; drag a box to look closer.")

st.subheader("Decay with distance", help="Mean r² of all pairs of variants at a distance, up to a limit.")
several = [chosen, *(i for run in runs[:SHOWN_FIRST] if (i := judged(run)) and i.run != chosen.run)]
nothing = "These reports hold no decay curve: it needs variants with positions."
chart(decay(several), key="decay", caption=report.provenance(), otherwise=nothing)
share(DATASET, RUN, LINKAGE_VIEW, LINKAGE_CONTIG, LINKAGE_REGION, place=top)
