"""Sequences: are the generated sequences of a set like its real ones, letter by letter?"""

import streamlit as st

from pages.parts import state
from pages.parts.frame import share, tabs
from pages.parts.sets import letters
from pages.parts.sets.letters_nearest import nearest
from pages.parts.sets.letters_places import methylated, profile
from pages.parts.sets.letters_scores import scores
from pages.parts.sets.runs import open_sets

VIEWS = {
    "Logo": letters.logos,
    "k-mers": letters.spectra,
    "Lengths and composition": letters.shape,
    "Motifs": letters.scan,
    "Mutations": None,
    "Methylation": methylated,
    "Nearest real": nearest,
    "Scores": None,
}

top, chosen = open_sets("sequences")
if chosen.sets.modality != "sequence":
    st.info(
        f"The observations of this model are {chosen.sets.modality}s. Choose a model of sequences above, or train one: "
        "`python -m core train experiment=synthetic_dna`.",
        icon=":material/info:",
    )
    st.stop()
with st.container(horizontal=True):
    picked = st.selectbox("Set", chosen.names, key=state.SET_A, bind="query-params", help="Type to search.")
    beside = st.selectbox(
        "Beside it", chosen.names, index=None, key=state.SEQUENCES_BESIDE, bind="query-params",
        placeholder="Another set", help="A second set, shown below the first.",
    )  # fmt: skip
picked = picked if picked in chosen.names else chosen.names[0]
names = [picked, *([beside] if beside in chosen.names and beside != picked else [])]
view, place = tabs(list(VIEWS), state.SEQUENCES_VIEW)
with place:
    draw = VIEWS[view]
    if view == "Scores":
        scores(chosen)
    elif draw is None:
        profile(chosen)
    else:
        draw(chosen, {name: letters.sources_of(chosen, name) for name in names})
share(
    state.SET_RUN, state.SET_A, state.SEQUENCES_BESIDE, state.SEQUENCES_VIEW, state.SEQUENCES_FIRST,
    state.SEQUENCES_BY, state.SEQUENCES_REFERENCE, place=top,
)  # fmt: skip
