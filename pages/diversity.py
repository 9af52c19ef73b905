"""Diversity: is there as much variety in each part of the genome as in real individuals?"""

import streamlit as st

from core.plots.diversity import METRICS, STATISTICS, agreement, along, joint
from core.reports import arrays
from core.words import number
from pages.parts.chart import chart
from pages.parts.frame import share, tabs
from pages.parts.reports import SHOWN_FIRST, judged, open_one
from pages.parts.state import DATASET, DIVERSITY_STATISTIC, DIVERSITY_VIEW, RUN, choose

ALONG, JOINT = VIEWS = ["Along the genome", "Joint spectrum"]
ABOUT = {
    "pi": "The chance that two chromosomes differ, averaged over the variants of a window.",
    "theta": "How many variants still vary, corrected for the number of individuals: it sees rare alleles first.",
    "tajima_d": "Below 0, rare alleles are more frequent than in a population of constant size; above 0, less.",
    "haplotype_diversity": "The chance that two individuals differ within a few neighbouring variants.",
    "h12": "The frequency of the two commonest haplotypes together: high after a selective sweep.",
    "fst": "How far the populations stand apart: 0 not at all, 1 no allele in common.",
}
RELATIVE = (
    "Only the variants of the data are seen. Where sites at which nobody differs are left out, as on arrays, π and θ "
    "are relative: compare real with synthetic, not with values of other studies. Tajima's D depends on how the "
    "variants were chosen."
)
PHASE = (
    "Calls of diploids carry no phase: haplotype diversity and H12 are those of multilocus genotypes (then called "
    "G12), at the same number of real and synthetic individuals."
)

top, runs, chosen = open_one("diversity")
report = chosen.report
stored = arrays.diversity(report)
if stored is None:
    st.info("The report of this run holds no windows along the genome; evaluate it again.", icon=":material/info:")
    st.stop()
others = [c for run in runs[:SHOWN_FIRST] if (c := judged(run)) and c.label != chosen.label]
items = [(chosen, stored), *((c, d) for c in others if (d := arrays.diversity(c.report)))]


def windows() -> None:
    """One statistic of real individuals and of all models along the genome."""
    of_title = {title: name for name, title in STATISTICS.items()}
    title = choose(
        "Statistic", list(of_title), default=STATISTICS["pi"], key=DIVERSITY_STATISTIC,
        bind="query-params",
    )  # fmt: skip
    statistic = of_title.get(title or "", "pi")
    st.markdown(ABOUT[statistic])
    if statistic in ("haplotype_diversity", "h12"):
        st.caption(PHASE)
    entry = chosen.metric(METRICS[statistic])
    boxes = st.columns(3)
    boxes[0].metric(entry.label, number(entry.value), help=f"{entry.help} {entry.reason or f'95%: {entry.shown}.'}")
    boxes[1].metric("Null", number(entry.null), help="The same for individuals without linkage.")
    boxes[2].metric("Ceiling", number(entry.ceiling), help="The same for other real individuals.")
    if entry.reason:
        st.caption(entry.reason)
    notes = [f"windows of about {entry.params['variants_per_window']} variants"] if entry.value is not None else []
    if statistic == "fst" and stored.populations:
        notes.append(f"between {', '.join(stored.populations)}")
    if "block_variants" in entry.params:
        notes.append(f"{entry.params['of']} of {entry.params['block_variants']} variants")
    caption = report.provenance(*notes)
    nothing = "These reports do not have it: populations need labels on real and synthetic individuals."
    chart(along(items, statistic), key="windows", caption=f"{caption} Click other models in.", otherwise=nothing)
    if figure := agreement(chosen, stored, statistic):
        st.subheader("Window by window", help="On the line, the synthetic individuals are as diverse as the real ones.")
        chart(figure, key="agreement", caption=caption)


view, place = tabs(VIEWS, DIVERSITY_VIEW)
with place:
    if view == ALONG:
        if len(stored.low):
            windows()
        else:
            st.info("No contig has enough variants for a window.", icon=":material/info:")
    else:
        st.markdown(
            "Each variant at its frequency in real and in synthetic individuals.",
            help="The joint site-frequency spectrum: off the line frequencies drift, at the edges alleles are lost.",
        )
        nothing = "No variant is called on both sides."
        chart(joint(chosen, stored), key="joint", caption=report.provenance(), width=720, otherwise=nothing)
st.caption(RELATIVE)
share(DATASET, RUN, DIVERSITY_VIEW, DIVERSITY_STATISTIC, place=top)
