"""Frequencies: does every allele and genotype occur as often as it should?"""

import streamlit as st

from core.plots.figure import Figure
from core.plots.frequencies import alleles, by_frequency, genotype_table, genotypes, in_words, inbreeding
from core.reports import arrays
from core.words import number
from pages.parts.chart import chart
from pages.parts.frame import plain, share, tabs
from pages.parts.reports import SHOWN_FIRST, judged, open_one
from pages.parts.state import DATASET, FREQUENCIES_VIEW, RUN

VIEWS = ["Alleles", "Genotypes", "Error by frequency", "Rare alleles", "Spectrum"]
FREQUENCY = "Minor-allele frequency in real data"

top, runs, one = open_one("frequencies")
report = one.report
caption = report.provenance()


def metrics(*names: str) -> None:
    """A line of the chosen model's numbers, each with its ceiling."""
    for box, name in zip(st.columns(len(names)), names, strict=True):
        entry = one.metric(name)
        box.metric(
            entry.label, number(entry.value), f"ceiling {number(entry.ceiling)}",
            delta_color="off", delta_arrow="off", help=entry.help or entry.reason,
        )  # fmt: skip


def curve(name: str, y: str, titles: tuple[str, str], *, key: str, note: str = "") -> None:
    """A curve of all models over the frequency, or the reason why there is none."""
    others = [c for run in runs[:SHOWN_FIRST] if (c := judged(run)) and c.label != one.label]
    figure = by_frequency([one, *others], name, y, titles=titles)
    nothing = "These reports hold no such curve; evaluate the runs again."
    chart(figure, key=key, caption=report.provenance(note), otherwise=nothing)


def variants(figure: Figure, stored: arrays.Frequencies, *, key: str, note: str = "") -> None:
    """A chart of variants; below it the one that was clicked, in words."""
    picked = chart(figure, key=key, caption=f"{caption} {note}".strip(), select=("points",)).points
    if not picked:
        st.caption("Click a point to read its variant here.")
        return
    variant = int(picked[-1])
    st.markdown(f"**{plain(stored.identifier[variant])}** {in_words(stored, variant)}")
    st.table(genotype_table(stored, variant), hide_index=True, alt="Genotype frequencies of the variant.")


view, place = tabs(VIEWS, FREQUENCIES_VIEW)
stored = arrays.frequencies(report) if view in ("Alleles", "Genotypes") else None
with place:
    if stored and view == "Alleles":
        metrics("allele_frequency_r", "allele_frequency_rmse", "fst")
        note = "Grey line: equal frequencies; grey band: differences that sampling alone explains (±2 standard errors)."
        variants(alleles(stored, one), stored, key="alleles", note=note)
    elif stored and view == "Genotypes":
        metrics("genotype_frequency_r", "genotype_frequency_rmse", "heterozygosity_ratio", "f_is_rmse")
        variants(genotypes(stored, one), stored, key="genotypes")
        if (f_is := arrays.inbreeding(report)) is not None:
            st.subheader(
                "Departure from Hardy–Weinberg proportions",
                help="F_IS is 0 where genotypes are as frequent as random mating makes them, above 0 where "
                "heterozygotes are missing, below 0 where there are too many.",
            )
            chart(inbreeding(f_is, one), key="inbreeding", caption=caption)
    elif view == "Error by frequency":
        curve("allele_frequency_bins", "rmse", (FREQUENCY, "Frequency error (RMSE)"), key="frequency_error")
    elif view == "Rare alleles":
        metrics("matthew_slope", "rare_alleles_lost")
        st.markdown(
            "Generators tend to make common alleles more common and rare ones rarer. Below 0, minor alleles got rarer.",
            help="Called the Matthew effect: to those who have, more is given.",
        )
        change = "Change of the minor allele's frequency"
        curve("allele_frequency_bins", "bias", (FREQUENCY, change), key="matthew")
        curve("allele_frequency_bins", "lost", (FREQUENCY, "Share of minor alleles lost"), key="lost")
    elif view == "Spectrum":
        metrics("site_frequency_spectrum_distance")
        titles = ("Frequency of the minor allele", "Share of variants")
        curve("site_frequency_spectrum", "synthetic", titles, key="spectrum", note="projected to fewer chromosomes")
    else:
        st.info("The report of this run holds no frequencies; evaluate it again.", icon=":material/info:")
share(DATASET, RUN, FREQUENCIES_VIEW, place=top)
