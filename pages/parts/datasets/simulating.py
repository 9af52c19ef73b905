"""Data with known truth: cohorts from the coalescent, sets of families, clones, digits and sequences."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.commands.child import ask, options
from core.config.schema import describe
from core.data.selection import COHORT, SIMULATORS
from core.errors import PopscapeError
from core.words import count
from pages.parts.frame import plain, refused_here
from pages.parts.settings_form import settings_form
from pages.parts.state import DATASET, DATASETS_SAID, DATASETS_SIMULATOR, DATASETS_VIEW, choose, go

_TITLES = {
    COHORT: "Genotypes of a cohort",
    "family": "Sets of a family of distributions",
    "clones": "Differentiating clones",
    "digits": "Handwritten digits",
    "dna_multinomial": "Random DNA",
    "synthetic_dna": "DNA with motifs",
    "synthetic_protein": "Evolving proteins",
    "synthetic_methylation": "Methylated reads",
    "synthetic_receptors": "Receptors",
    "synthetic_text": "Documents",
}
_WORDS = {
    COHORT: "A cohort drawn from the coalescent with recombination (msprime), with known truth. The settings below "
    "take a few seconds.",
    "family": "Each set is a sample of one distribution of the family, whose parameters are drawn and kept: the true "
    "distances between sets are known.",
    "clones": "Cells of barcoded clones on days 2, 4 and 6 of a differentiation into four fates, which are known.",
    "digits": "Sets of handwritten digits of 8 × 8 pixels (from scikit-learn): one digit, or two in a known share.",
    "dna_multinomial": "Sets of DNA whose letters are independent draws; each set has its own shares of the bases.",
    "synthetic_dna": "Sets of DNA in which a share of the sequences carries a TATA-like motif, and another share a "
    "site of GCN4; both shares and the position weights are known.",
    "synthetic_protein": "Proteins of several places over months: lineages with new mutations arise and sweep; the "
    "mutations and their months are known.",
    "synthetic_methylation": "Reads of several regions with each methylated C marked, in sets by donor and tissue: the "
    "level of each region in each tissue is known.",
    "synthetic_receptors": "CDR3 of T-cell receptors in sets by donor; cases share a motif, in known shares of their "
    "receptors.",
    "synthetic_text": "Short documents in sets that mix four topics in known shares.",
}


def simulate_view(back: str) -> None:
    """Choose a simulator and its settings, simulate; then show the view `back`."""
    simulator = choose(
        "What is simulated", list(_TITLES), format_func=_TITLES.__getitem__, default=COHORT,
        key=DATASETS_SIMULATOR, bind="query-params",
    )  # fmt: skip
    st.caption(_WORDS[simulator])
    if refused_here():
        return
    name = st.text_input("Name (optional)", key="simulate_name", max_chars=80, placeholder="simulated")
    settings = describe(SIMULATORS[simulator][0])
    chosen = settings_form(settings, "simulate" if simulator == COHORT else f"simulate_{simulator}")
    if not st.button("Simulate", type="primary", icon=":material/play_arrow:", key="simulate_start"):
        return
    usual = {one["name"]: one["default"] for one in settings}
    different = {key: value for key, value in chosen.items() if value != usual[key]}
    words = [f"--simulator={simulator}", *([f"--name={name}"] if name else []), *options(different)]
    try:
        with st.spinner("Simulating…", show_time=True):
            made = ask("simulate", *words)
    except PopscapeError as error:
        st.error(plain(error))
        return
    st.session_state[DATASETS_SAID] = f"{plain(made['name'])} simulated: {_size(made)}."
    go(**{DATASET: made["name"], DATASETS_VIEW: back})


def _size(made: dict[str, Any]) -> str:
    if "sets" in made:
        return f"{count(made['sets'], 'set')}, {count(made['observations'], 'observation')}"
    return f"{count(made['individuals'], 'individual')} × {count(made['variants'], 'variant')}"
