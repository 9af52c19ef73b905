"""Places of sequences: mutations over ordered sets, and methylation of CpG."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from core.data.stages import times_first
from core.evaluation.mutations import along, changes, commonest, differing, shares_along
from core.modalities import profiles
from core.plots import sequences as plots
from pages.parts.chart import chart
from pages.parts.frame import plain
from pages.parts.sets.letters import about
from pages.parts.sets.runs import SetRun
from pages.parts.state import SEQUENCES_BY, SEQUENCES_REFERENCE

_NAMED = 12  # mutations in the table
_SETS = 400  # sets in order that are drawn


def profile(chosen: SetRun) -> None:
    """Mutations against a reference over ordered sets."""
    columns = times_first(chosen.sets.covariates)
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
    reference, alphabet = commonest(real[names.index(which)]), chosen.sets.alphabet
    real, generated = ([along(x, reference, len(alphabet)) for x in part] for part in (real, generated))
    shares = {"Real": differing(real, reference), "Generated": differing(generated, reference)}
    values = chosen.sets.covariates[by]
    order = [f"{chosen.names[i]} ({by} {values[i]:g})" for i in places]
    figure = plots.mutations(shares, order, f"the commonest sequence of {which}")
    chart(
        figure,
        key="mutations",
        caption=f"{len(places)} sets by {by}; at most 300 sequences of each set, "
        "laid along the reference by the fewest edits; insertions are not shown.",
    )
    found = changes(real, reference, alphabet, _NAMED)
    if not found:
        st.caption("No position changes from set to set.")
        return
    st.markdown(
        "**What changes most**",
        help="Letter of the reference, position, new letter, as in D614G; H69del is a deletion.",
    )
    at, letters = np.array([(one.position, one.letter) for one in found]).T
    made = np.array([shares_along(x, len(alphabet))[at, letters] for x in generated])
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
    for name, sources in several.items():
        st.markdown(f"**{plain(name)}**")
        measured = {source: profiles.methylation(part, alphabet) for source, part in sources.items()}
        at = np.flatnonzero(measured["Real"][0] > 0)
        if not len(at):
            st.caption("No CpG in the real sequences.")
            continue
        counts, shares = ({source: one[i][at] for source, one in measured.items()} for i in (0, 1))
        note = "M over M and C where a G follows; the larger a point, the more sequences have the CpG."
        chart(plots.methylation(counts, shares, at + 1), key=f"methylation_{name}", caption=f"{about(sources)}; {note}")
