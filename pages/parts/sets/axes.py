"""Along which axes observations are drawn, and as points or as densities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st

from core.plots.axes import Axes, fit_axes
from core.plots.figure import Figure
from core.plots.samples import curves
from pages.parts.sets.runs import OF_RUN, SetRun
from pages.parts.state import INTERPOLATE_POINTS, INTERPOLATE_SEED, SET_VIEW, SET_X, SET_Y, choose

VIEWS = ("Scatter", "Density map", "Densities")
_FIT = 4000  # observations behind the components
_COUNTS = [300, 500, 1000, 2000]  # observations that are generated, the first before the reader chooses
_COUNTS_LONG = [40, 100, 300]  # of long sequences
IMAGES = 24
_IMAGES_MADE = 64  # images that are generated, of which the first are drawn


@dataclass(frozen=True)
class Drawing:
    """How observations are drawn: one of VIEWS, the first two along the axes x and y, or "Images".

    n are generated with noise `seed`.
    """

    view: str = VIEWS[0]
    x: str = ""
    y: str = ""
    n: int = 0
    seed: int = 0


@st.cache_resource(max_entries=8, hash_funcs=OF_RUN, show_spinner=False)
def axes_of(chosen: SetRun) -> Axes:
    """The axes of a run's observations, fitted once to observations of all its sets."""
    rows = np.sort(np.random.default_rng(0).permutation(chosen.sets.k)[:_FIT])
    return fit_axes(np.asarray(chosen.sets.observations[rows]), chosen.sets.observation, chosen.features)


def pick_drawing(chosen: SetRun, *, generated: bool = False) -> Drawing:
    """Let the reader choose, in a row, how observations are drawn: as points or densities, and along which axes.

    Where they are `generated` on the page, also how many and with which noise.
    """
    from core.latents.walk import is_long

    drawn = Drawing("Images", n=_IMAGES_MADE)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        counts = _COUNTS_LONG if is_long(chosen.sets.observation) else _COUNTS
        if not chosen.image:
            drawn = replace(_pick_view(axes_of(chosen).names), n=counts[0])
        return _pick_noise(drawn, counts) if generated else drawn


def _pick_view(names: list[str]) -> Drawing:
    if len(names) == 1:
        return Drawing("Densities", names[0], names[0])
    view = choose(
        "Draw as", VIEWS, default=VIEWS[0], key=SET_VIEW, bind="query-params",
        help="Scatter and density map show two axes at a time, densities one curve a feature.",
    )  # fmt: skip
    if view == "Densities":
        return Drawing(view, *names[:2])
    help = "Components are the directions in which the observations of all sets vary most." if names[0] == "PC1" else ""
    x = st.selectbox("Horizontal", names, key=SET_X, bind="query-params", help=help or None, width=170)
    y = st.selectbox("Vertical", names, index=1, key=SET_Y, bind="query-params", help=help or None, width=170)
    return Drawing(view or VIEWS[0], x or names[0], y or names[1])


def _pick_noise(drawn: Drawing, counts: list[int]) -> Drawing:
    n = drawn.n if drawn.view == "Images" else choose(
        "Generated observations", counts, default=drawn.n, key=INTERPOLATE_POINTS, bind="query-params"
    ) or drawn.n  # fmt: skip
    seed = st.number_input(
        "Noise", 0, 9999, 0, key=INTERPOLATE_SEED, bind="query-params", help="Seed of the draw", width=130
    )
    return replace(drawn, n=n, seed=int(seed))


def densities(axes: Axes, samples: Mapping[str, Any]) -> Figure:
    """Densities of the features that vary most within or between the sources (name → (n, *stored))."""
    flat = {name: axes.numbers(sample) for name, sample in samples.items()}
    return curves(flat, axes.features, axes.leading(np.concatenate(list(flat.values()))))
