"""Views of a set of sequences: what is real, what is generated, and how they differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from core.errors import PopscapeError
from core.evaluation import motifs
from core.evaluation.mutations import GAP, laid
from core.modalities import profiles
from core.plots import sequences as plots
from core.words import count
from pages.parts.chart import chart
from pages.parts.frame import plain, refused_here
from pages.parts.sets.runs import SetRun
from pages.parts.sets.samples import real_and_generated
from pages.parts.state import SEQUENCES_FIRST, SEQUENCES_P

WINDOW = 40  # positions of a logo: a letter still can be read
_TATA = motifs.of_consensus("TATA box (as planted in the demo)", "TATAAAAG", 0.88)
_BUILT_IN = (_TATA, motifs.of_consensus("GCN4 (as planted in the demo)", "TGACTCA", 0.88))


def sources_of(chosen: SetRun, name: str) -> dict[str, Any]:
    """Real and generated sequences of a set."""
    real, generated = real_and_generated(chosen, name)
    return {"Real": real, "Generated": generated}


def about(sources: dict[str, Any]) -> str:
    """How many sequences of each source are shown."""
    real = count(len(sources["Real"]), "real sequence")
    return f"{real}, {len(sources['Generated']):,} generated from the set's own latent"


def placed(*, along: bool) -> str:
    """Where the letters of a logo stand."""
    if along:
        return f"laid along the commonest real sequence by the fewest edits, {GAP} where a letter is missing"
    return "aligned by position from the first letter"


def logos(chosen: SetRun, several: dict[str, dict[str, Any]]) -> None:
    """Logo of real and generated and their difference, in a window that a slider moves."""
    length = chosen.sets.observation.stored[0]
    first = 1
    if length > WINDOW:
        first = st.slider(
            "First position", 1, length - WINDOW + 1, 1, key=SEQUENCES_FIRST, bind="query-params",
            help=f"The logos show {WINDOW} positions from here.",
        )  # fmt: skip
    for name, sources in several.items():
        st.markdown(f"**{plain(name)}**")
        placed_along, alphabet = laid(sources, chosen.sets.alphabet)
        figure = plots.logo(placed_along, alphabet, first - 1, WINDOW)
        note = f"{placed(along=alphabet != chosen.sets.alphabet)}; corrected for small samples (Schneider et al. 1986)."
        chart(figure, key=f"logo_{name}", caption=f"{about(sources)}; {note}")


def spectra(chosen: SetRun, several: dict[str, dict[str, Any]]) -> None:
    """Shares of k-mers, generated against real."""
    for name, sources in several.items():
        st.markdown(f"**{plain(name)}**")
        figure = plots.spectrum(sources, chosen.sets.alphabet)
        chart(figure, key=f"kmers_{name}", caption=f"{about(sources)}.", width="content")


def shape(chosen: SetRun, several: dict[str, dict[str, Any]]) -> None:
    """Lengths, and shares of letters with the GC share of DNA."""
    for name, sources in several.items():
        st.markdown(f"**{plain(name)}**")
        left, right = st.columns(2)
        with left:
            chart(plots.lengths(sources), key=f"lengths_{name}", caption=f"{about(sources)}.")
        with right:
            figure = plots.composition(sources, chosen.sets.alphabet)
            strong = {k: profiles.gc(x, chosen.sets.alphabet) for k, x in sources.items()}
            words = [f"GC {k.lower()} {v.mean():.1%}" for k, v in strong.items() if v is not None]
            chart(figure, key=f"composition_{name}", caption=f"{', '.join(words)}." if words else "")


def scan(chosen: SetRun, several: dict[str, dict[str, Any]]) -> None:
    """Motifs of a file or of the demo, counted in real, generated and shuffled sequences."""
    if not set("ACG") <= set(chosen.sets.alphabet) <= set("ACGTUMN"):
        st.info("Motifs are scanned in DNA and RNA; these sequences have other letters.", icon=":material/info:")
        return
    file = None if refused_here() else st.file_uploader(
        "Motifs (JASPAR or MEME)", type=["jaspar", "pfm", "meme", "txt"], key="motif_file",
        help="Position frequency matrices; without a file two motifs are scanned that the demo plants.",
    )  # fmt: skip
    try:
        wanted = list(_BUILT_IN) if file is None else motifs.read_motifs(file.getvalue().decode("utf-8", "replace"))
    except PopscapeError as error:
        st.error(plain(error), icon=":material/error:")
        return
    p = st.select_slider(
        "Threshold: chance of a random word", [1e-3, 5e-4, 1e-4, 5e-5, 1e-5], value=1e-4, key=SEQUENCES_P,
        help="A word counts as a site where a random word of the same base composition scores as high with this "
        "probability or less. Sites on both strands count.",
    )  # fmt: skip
    if len(wanted) > 20:
        st.caption(f"The first 20 of {len(wanted)} motifs are scanned.")
    for name, sources in several.items():
        st.markdown(f"**{plain(name)}**")
        null = motifs.shuffled(sources["Real"], np.random.default_rng(0))
        compared = {"real": sources["Real"], "generated": sources["Generated"], "shuffled": null}
        rows = motifs.carried(wanted[:20], compared, chosen.sets.alphabet, p)
        out = [row["motif"] for row in rows if not np.isfinite(row["threshold"])]
        if out:
            st.caption(f"Too short to be a site at this threshold, so never counted: {plain(', '.join(out))}.")
        note = f"sequences with a site at p ≤ {p:g}, both strands; null: the real letters in random order."
        chart(plots.counts(rows), key=f"motifs_{name}", caption=f"{about(sources)}; {note}")
