"""Along which axes observations are drawn, and as points or as densities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from core.plots.figure import Figure
from core.plots.sets_axes import Axes, fit_axes
from core.plots.sets_samples import density
from pages.parts.set_runs import SetRun
from pages.parts.state import SET_VIEW, SET_X, SET_Y

_FIT = 4000  # observations behind the components
_DENSITIES = 8


@dataclass(frozen=True)
class Drawing:
    """How observations are drawn: "Scatter" along the axes x and y, or "Densities"; n generated with noise `seed`."""

    view: str = "Scatter"
    x: str = ""
    y: str = ""
    n: int = 0
    seed: int = 0


def axes_of(chosen: SetRun) -> Axes:
    """The axes of a run's observations, fitted once to observations of all its sets."""
    return _axes(str(chosen.run.path), chosen)


def pick_view(axes: Axes, n: int = 0, seed: int = 0) -> Drawing:
    """Let the reader choose scatter or densities, and the two axes of the scatter."""
    names = axes.names
    view_box, left, right = st.columns([2, 2, 2])
    with view_box:
        view = st.segmented_control(
            "View", ["Scatter", "Densities"], default="Scatter", required=True, key=SET_VIEW, bind="query-params"
        )
    if view == "Densities" or len(names) < 2:
        return Drawing("Densities", names[0], names[min(1, len(names) - 1)], n, seed)
    help = "Components are the directions in which the observations of all sets vary most." if names[0] == "PC1" else ""
    with left:
        x = st.selectbox("Horizontal", names, key=SET_X, bind="query-params", help=help or None)
    with right:
        y = st.selectbox("Vertical", names, index=1, key=SET_Y, bind="query-params", help=help or None)
    return Drawing("Scatter", x if x in names else names[0], y if y in names else names[1], n, seed)


def densities(axes: Axes, samples: Mapping[str, Any], caption: str) -> Figure:
    """Densities of the features that vary most within or between the sources (name → (n, *shape))."""
    flat = {name: np.asarray(sample).reshape(len(sample), -1) for name, sample in samples.items()}
    spread = np.concatenate(list(flat.values())).std(axis=0) / axes.scale
    shown = sorted(int(j) for j in np.argsort(-spread, kind="stable")[:_DENSITIES])
    return density(flat, axes.features, shown, caption=caption)


@st.cache_resource(max_entries=8, show_spinner=False)
def _axes(path: str, _chosen: SetRun) -> Axes:
    rows = np.random.default_rng(0).permutation(_chosen.sets.k)[:_FIT]
    from core.evaluation.sets.space import coded

    observations = coded(_chosen.sets, np.asarray(_chosen.sets.observations[np.sort(rows)]))
    return fit_axes(observations, _chosen.features)
