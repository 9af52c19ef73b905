"""Views of a set of sequences: what is real, what is generated, and how they differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from core.errors import PopscapeError
from core.evaluation import motifs
from core.evaluation.edit_distance import edit_distance
from core.evaluation.mutations import changes, commonest, differing
from core.modalities import kmers, profiles
from core.modalities.sequence import spell
from core.plots import sequences as plots
from core.words import count
from pages.parts.chart import chart
from pages.parts.frame import plain
from pages.parts.sets.runs import OF_RUN, SetRun
from pages.parts.sets.samples import real_and_generated
from pages.parts.state import SEQUENCES_BY, SEQUENCES_FIRST, SEQUENCES_P, SEQUENCES_REFERENCE

WINDOW = 40  # positions of a logo: a letter still can be read
_NEAREST = 60  # generated sequences whose nearest real one is sought
_CANDIDATES = 3  # real ones, by their k-mers, among which it is sought
_NAMED = 12
_TATA = motifs.of_consensus("TATA box (as planted in the demo)", "TATAAAAG", 0.88)
_BUILT_IN = (_TATA, motifs.of_consensus("GCN4 (as planted in the demo)", "TGACTCA", 0.88))
_SETS = 400  # sets in order that are drawn


def sources_of(chosen: SetRun, name: str) -> dict[str, Any]:
    """Real and generated sequences of a set."""
    real, generated = real_and_generated(chosen, name)
    return {"Real": real, "Generated": generated}


def about(sources: dict[str, Any]) -> str:
    """How many sequences of each source are shown."""
    return f"{count(len(sources['Real']), 'real sequence')}, {len(sources['Generated']):,} generated"


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
        figure = plots.logo(sources, chosen.sets.alphabet, first - 1, WINDOW)
        note = "aligned by position from the first letter, corrected for small samples (Schneider et al. 1986)."
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
    file = st.file_uploader(
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
        background = motifs.background_of(sources["Real"], chosen.sets.alphabet)
        null = motifs.shuffled(sources["Real"], np.random.default_rng(0))
        rows = []
        for motif in wanted[:20]:
            least = motifs.threshold(motif, background, p)
            row: dict[str, Any] = {"motif": motif.name, "threshold": least}
            for key, x in (("real", sources["Real"]), ("generated", sources["Generated"]), ("shuffled", null)):
                scores = motifs.best_scores(x, chosen.sets.alphabet, motif, background)
                row[key] = 1000 * float((scores >= least).mean())
            rows.append(row)
        out = [row["motif"] for row in rows if not np.isfinite(row["threshold"])]
        if out:
            st.caption(f"Too short to be a site at this threshold, so never counted: {plain(', '.join(out))}.")
        note = f"sequences with a site at p ≤ {p:g}, both strands; null: the real letters in random order."
        chart(plots.counts(rows), key=f"motifs_{name}", caption=f"{about(sources)}; {note}")


def profile(chosen: SetRun) -> None:
    """Mutations against a reference over ordered sets."""
    columns = list(chosen.sets.covariates)
    if not columns:
        st.info(
            "Mutations are shown over sets in order, by a number such as the month; these sets have none.",
            icon=":material/info:",
        )
        return
    with st.container(horizontal=True):
        by = st.selectbox("Order of the sets", columns, key=SEQUENCES_BY, bind="query-params") or columns[0]
        places, real, generated = _ordered(chosen, by)
        names = [chosen.names[i] for i in places]
        which = st.selectbox(
            "Reference: commonest sequence of", names, key=SEQUENCES_REFERENCE, bind="query-params",
            help="By default the first set in order.",
        )  # fmt: skip
    if len(places) < 2:
        st.info("Fewer than two sets have a value and kept sequences.", icon=":material/info:")
        return
    which = which if which in names else names[0]
    reference = commonest(real[names.index(which)])
    shares = {"Real": differing(real, reference), "Generated": differing(generated, reference)}
    values = chosen.sets.covariates[by]
    order = [f"{chosen.names[i]} ({by} {values[i]:g})" for i in places]
    figure = plots.mutations(shares, order, f"the commonest sequence of {which}")
    chart(figure, key="mutations", caption=f"{len(places)} sets by {by}; at most 300 sequences of each set.")
    found = changes(real, reference, chosen.sets.alphabet, _NAMED)
    if not found:
        st.caption("No position changes from set to set.")
        return
    st.markdown("**What changes most**", help="Letter of the reference, position, new letter, as in D614G.")
    letters = np.array([chosen.sets.alphabet.index(one.name[-1]) for one in found])
    at = np.array([one.position for one in found])
    made = np.array(
        [
            profiles.position_shares(profiles.position_counts(x, len(chosen.sets.alphabet)))[at, letters]
            for x in generated
        ]
    )
    truth = np.array([one.share for one in found]).T
    st.dataframe(
        {
            "Mutation": [one.name for one in found],
            "Lowest, real": truth.min(axis=0), "Highest, real": truth.max(axis=0),
            "Lowest, generated": made.min(axis=0), "Highest, generated": made.max(axis=0),
            "Mean error over sets": np.abs(made - truth).mean(axis=0),
        },
        hide_index=True,
        column_config={
            name: st.column_config.NumberColumn(format="percent")
            for name in ("Lowest, real", "Highest, real", "Lowest, generated", "Highest, generated",
                         "Mean error over sets")
        },
        alt=f"The {len(found)} mutations whose share changes most over the sets, {found[0].name} first.",
    )  # fmt: skip


def _ordered(chosen: SetRun, by: str) -> tuple[list[int], list[Any], list[Any]]:
    """Places of the sets that have a value, in its order, with their kept real and generated sequences."""
    stored, values = chosen.report.arrays("samples"), chosen.sets.covariates[by]
    offsets = stored["offsets"]
    part = {int(i): slice(int(offsets[k]), int(offsets[k + 1])) for k, i in enumerate(stored["set"])}
    places = sorted((i for i in part if np.isfinite(values[i])), key=lambda i: (values[i], i))[:_SETS]
    return places, [stored["real"][part[i]] for i in places], [stored["generated"][part[i]] for i in places]


def methylated(chosen: SetRun, several: dict[str, dict[str, Any]]) -> None:
    """Methylated share at each CpG place."""
    alphabet = chosen.sets.alphabet
    if "M" not in alphabet or not set("ACG") <= set(alphabet) <= set("ACGTMN"):
        st.info("These sequences do not tell methylated C (M) from others.", icon=":material/info:")
        return
    m, c, g = (alphabet.index(letter) for letter in "MCG")
    for name, sources in several.items():
        st.markdown(f"**{plain(name)}**")
        shares, seen = {}, []
        for source, part in sources.items():
            x = profiles.ended(part)
            site = np.isin(x[:, :-1], [m, c]) & (x[:, 1:] == g)
            n = site.sum(axis=0)
            seen.append(n)
            shares[source] = np.where(n > 0, ((x[:, :-1] == m) & site).sum(axis=0) / np.maximum(n, 1), np.nan)
        at = np.flatnonzero(seen[0] > 0)
        if not len(at):
            st.caption("No CpG in the real sequences.")
            continue
        kept = {source: values[at] for source, values in shares.items()}
        note = "M over M and C where a G follows; positions without a generated CpG are left out of its line."
        chart(plots.methylation(kept, at + 1), key=f"methylation_{name}", caption=f"{about(sources)}; {note}")


def nearest(chosen: SetRun, several: dict[str, dict[str, Any]]) -> None:
    """The nearest real sequence of each generated one, copies flagged."""
    for name in several:
        st.markdown(f"**{plain(name)}**")
        table, copies = _nearest(chosen, name)
        n = len(table["Generated"])
        real = _copied(chosen, name)
        words = f"{copies} of {n} generated sequences equal a sequence of the dataset. "
        words += f"Of the real sequences of this set {real:.0%} occur more than once in the dataset"
        st.markdown(words + (": copies are to be expected." if real > 0.1 else "."))
        st.dataframe(
            table, hide_index=True, height=420,
            alt=f"{n} generated sequences of {name} with their nearest real one; {copies} are copies.",
        )  # fmt: skip
        lines = [",".join(table)]
        lines += [",".join(str(value) for value in row) for row in zip(*table.values(), strict=True)]
        st.download_button(
            "Nearest real sequences (CSV)", "\n".join(lines), f"nearest_{name}.csv", "text/csv", key=f"nearest_{name}",
            icon=":material/download:", type="tertiary", on_click="ignore",
        )  # fmt: skip
        st.caption(
            f"Edit distance to the {_CANDIDATES} real sequences of the set whose k-mers are most alike, the smallest: "
            "another real one can lie nearer. Copies are sought in the whole dataset."
        )


@st.cache_data(max_entries=16, hash_funcs=OF_RUN, show_spinner="Comparing sequences…")
def _nearest(chosen: SetRun, name: str) -> tuple[dict[str, Any], int]:
    generated = sources_of(chosen, name)["Generated"][:_NEAREST]
    alphabet = chosen.sets.alphabet
    real = np.unique(profiles.ended(chosen.observations(chosen.names.index(name))), axis=0)
    alike = kmers.shares(generated, len(alphabet)) @ kmers.shares(real, len(alphabet)).T
    candidates = np.argsort(-alike, axis=1, kind="stable")[:, :_CANDIDATES]
    width = candidates.shape[1]
    distance = edit_distance(np.repeat(generated, width, axis=0), real[candidates.ravel()]).reshape(-1, width)
    best = distance.argmin(axis=1)
    rows = np.arange(len(generated))
    mine = profiles.fingerprints(generated)
    copied = np.isin(mine, _fingerprints(chosen))
    table = {
        "Generated": spell(generated, alphabet),
        "Nearest real": spell(real[candidates[rows, best]], alphabet),
        "Edit distance": distance[rows, best].tolist(),
        "Copy": ["copy" if one else "" for one in copied],
    }
    return table, int(copied.sum())


def _copied(chosen: SetRun, name: str) -> float:
    """The share of the real sequences of a set that occur more than once in the dataset."""
    known, times = np.unique(_fingerprints(chosen), return_counts=True)
    own = profiles.fingerprints(chosen.observations(chosen.names.index(name)))
    return float((times[np.searchsorted(known, own)] > 1).mean())


@st.cache_resource(max_entries=2, hash_funcs=OF_RUN, show_spinner=False)
def _fingerprints(chosen: SetRun) -> Any:
    step = 100_000
    sets = chosen.sets
    return np.concatenate([profiles.fingerprints(sets.observations[i : i + step]) for i in range(0, sets.k, step)])
