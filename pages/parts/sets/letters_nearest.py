"""The nearest real sequence of each generated one, and which are copies."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from core.evaluation.edit_distance import nearest_by_words
from core.modalities import profiles
from core.modalities.sequence import spell
from pages.parts.frame import heavy, plain
from pages.parts.sets.letters import sources_of
from pages.parts.sets.runs import OF_RUN, SetRun

_NEAREST = 60  # generated sequences whose nearest real one is sought
_CANDIDATES = 3  # real ones, by their k-mers, among which it is sought


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
            column_config={"Edit distance": st.column_config.NumberColumn(width="small"),
                           "Copy": st.column_config.TextColumn(width="small")},
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
@heavy()
def _nearest(chosen: SetRun, name: str) -> tuple[dict[str, Any], int]:
    generated = sources_of(chosen, name)["Generated"][:_NEAREST]
    alphabet = chosen.sets.alphabet
    real = np.unique(profiles.ended(chosen.observations(chosen.names.index(name))), axis=0)
    places, distance = nearest_by_words(generated, real, len(alphabet), _CANDIDATES)
    mine = profiles.fingerprints(generated)
    copied = np.isin(mine, _fingerprints(chosen))
    table = {
        "Edit distance": distance.tolist(),
        "Copy": ["copy" if one else "" for one in copied],
        "Generated": spell(generated, alphabet),
        "Nearest real": spell(real[places], alphabet),
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
