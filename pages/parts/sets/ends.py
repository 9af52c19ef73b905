"""Which sets a page is about: chosen by name or by a click on the map of sets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import streamlit as st

from core.latents.walk import far_apart
from core.plots.map import set_map
from core.words import count, number
from pages.parts.chart import chart
from pages.parts.frame import plain
from pages.parts.sets.runs import SetRun, the_map
from pages.parts.state import SET_A, SET_B, SET_RUN, choose, go

MOVES = "interpolate_moves"  # which letter the next click on the map moves
_FEW = 5  # observations that do not


def pick_ends(chosen: SetRun, letters: dict[str, str]) -> dict[str, str]:
    """Let the reader choose a set for each letter (letter → key), by name or by a click on the map."""
    names = chosen.names
    defaults = far_apart(chosen.sets, chosen.latents)
    sets = the_map(chosen)
    left, right = st.columns([2, 3])
    with left:
        ends = {}
        for i, (letter, key) in enumerate(letters.items()):
            found = st.selectbox(
                f"Set {letter}", names, index=names.index(defaults[i]), key=key, bind="query-params",
                help="Type to search, or click a point on the map.",
            )  # fmt: skip
            ends[letter] = found if found in names else defaults[i]
        moves = choose("A click on the map moves", list(letters), default="A", key=MOVES)
    with right:
        marked = {name: "/".join(k for k, v in ends.items() if v == name) for name in ends.values()}
        colour = next(iter(sets.columns))
        figure = set_map(sets, "pca", colour, marked=marked, height=270)
        picked = chart(figure, key="ends_map", caption=chosen.report.provenance(), select=("points",)).points
        clicked = [names[i] for i in picked]
    if clicked and clicked[0] not in ends.values():
        order = list(letters)
        after = order[(order.index(moves or "A") + 1) % len(order)]
        go(**{letters[moves or "A"]: clicked[0], MOVES: after})
    return ends


def warn_of_few(chosen: SetRun, names: Iterable[str]) -> None:
    """Say which of the sets have too few observations to show a distribution."""
    sizes = {name: int(chosen.sets.sizes[chosen.names.index(name)]) for name in dict.fromkeys(names)}
    few = [f"{plain(name)} has {count(size, 'observation')}" for name, size in sizes.items() if size < _FEW]
    if few:
        st.warning(
            f"{' and '.join(few)}: too few to know a distribution by. Transport and mixture show no more than these, "
            "and what the model generates is a guess; choose larger sets to judge it.",
            icon=":material/warning:",
        )


def warn_outside(chosen: SetRun, what: str, z: Any) -> None:
    """Say so where the latent `z` lies farther out than any known set."""
    from core.latents.lens import outside

    far = outside(z, chosen.latents)
    if far > 1:
        st.warning(
            f"{what} is {number(far)} times as far from the nearest known set as any known set is from its own "
            "neighbour: the model has seen nothing like it.",
            icon=":material/warning:",
        )


def walk_link(chosen: SetRun, picked: str, other: str | None) -> None:
    """A link to the walk between the two sets looked at last."""
    ends = {SET_A: picked, SET_B: other} if other else {SET_A: picked}
    st.page_link(
        "pages/interpolate.py",
        label=f"Walk between A and B: {other}" if other else "Walk from here",
        icon=":material/conversion_path:", query_params={SET_RUN: chosen.name, **ends},
        help="Interpolate between the two sets you looked at last; click another set to choose B.",
    )  # fmt: skip
