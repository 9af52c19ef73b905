"""Along which axes observations are drawn, and as points or as densities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st

from core.plots.sets_axes import Axes, fit_axes
from core.plots.sets_samples import density
from core.plots.vega import Figure
from pages.parts.frame import drawer
from pages.parts.sets.runs import SetRun
from pages.parts.state import INTERPOLATE_POINTS, INTERPOLATE_SEED, SET_VIEW, SET_X, SET_Y

_FIT = 4000  # observations behind the components
_DENSITIES = 8
_COUNTS = [300, 500, 1000, 2000]  # observations that are generated, the first before the reader chooses
IMAGES = 24
_IMAGES_MADE = 64  # images that are generated, of which the first are drawn


@dataclass(frozen=True)
class Drawing:
    """How observations are drawn: "Scatter" along the axes x and y, "Densities" or "Images".

    n are generated with noise `seed`.
    """

    view: str = "Scatter"
    x: str = ""
    y: str = ""
    n: int = 0
    seed: int = 0


def axes_of(chosen: SetRun) -> Axes:
    """The axes of a run's observations, fitted once to observations of all its sets."""
    return _axes(str(chosen.run.path), chosen)


def pick_drawing(chosen: SetRun, *, generated: bool = False) -> Drawing:
    """Let the reader choose, in a menu, how observations are drawn: scatter or densities, and the axes of the scatter.

    Where they are `generated` on the page, also how many and with which noise.
    """
    drawn = Drawing("Images", n=_IMAGES_MADE)
    if not chosen.image:
        first, second = [*axes_of(chosen).names, ""][:2]
        drawn = Drawing("Scatter" if second else "Densities", first, second or first, _COUNTS[0])
    keys = (SET_VIEW, SET_X, SET_Y, *((INTERPOLATE_POINTS, INTERPOLATE_SEED) if generated else ()))
    menu, wanted = drawer("Drawing", *keys, key="set_drawing")
    if wanted:
        with menu:
            drawn = _pick_noise(drawn) if generated else drawn
            drawn = _pick_view(drawn, axes_of(chosen).names) if drawn.view == "Scatter" else drawn
    return drawn


def _pick_noise(drawn: Drawing) -> Drawing:
    n = drawn.n if drawn.view == "Images" else st.segmented_control(
        "Generated observations", _COUNTS, default=drawn.n, required=True, key=INTERPOLATE_POINTS, bind="query-params"
    ) or drawn.n  # fmt: skip
    seed = st.number_input("Noise", 0, 9999, 0, key=INTERPOLATE_SEED, bind="query-params", help="Seed of the draw")
    return replace(drawn, n=n, seed=int(seed))


def _pick_view(drawn: Drawing, names: list[str]) -> Drawing:
    view = st.segmented_control(
        "View", ["Scatter", "Densities"], default="Scatter", required=True, key=SET_VIEW, bind="query-params"
    )
    if view == "Densities":
        return replace(drawn, view=view)
    help = "Components are the directions in which the observations of all sets vary most." if names[0] == "PC1" else ""
    x = st.selectbox("Horizontal", names, key=SET_X, bind="query-params", help=help or None)
    y = st.selectbox("Vertical", names, index=1, key=SET_Y, bind="query-params", help=help or None)
    return replace(drawn, x=x if x in names else drawn.x, y=y if y in names else drawn.y)


def densities(axes: Axes, samples: Mapping[str, Any], caption: str, framed: Sequence[Any] = ()) -> Figure:
    """Densities of the features that vary most within or between the sources (name → (n, *shape)).

    Where samples are `framed`, theirs decide on features and axes: pictures of a walk keep both.
    """
    flat = {name: np.asarray(sample).reshape(len(sample), -1) for name, sample in samples.items()}
    over = np.concatenate([np.asarray(sample).reshape(len(sample), -1) for sample in framed or flat.values()])
    shown = sorted(int(j) for j in np.argsort(-over.std(axis=0) / axes.scale, kind="stable")[:_DENSITIES])
    return density(flat, axes.features, shown, framed=over, caption=caption)


@st.cache_resource(max_entries=8, show_spinner=False)
def _axes(path: str, _chosen: SetRun) -> Axes:
    rows = np.sort(np.random.default_rng(0).permutation(_chosen.sets.k)[:_FIT])
    observations = _chosen.sets.observation.code(np.asarray(_chosen.sets.observations[rows]))
    return fit_axes(observations, _chosen.features)
