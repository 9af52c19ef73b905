"""Home's glimpse of a model of sets: its map with two sets marked, and what it generates between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from core.errors import PopscapeError
from core.plots.map import set_map
from core.plots.samples import strip
from core.plots.walk import GENERATED, whole_way
from core.runs.store import RunStore
from core.runs.summary import RunSummary
from pages.parts.chart import chart
from pages.parts.frame import plain
from pages.parts.sections import link
from pages.parts.sets.axes import axes_of
from pages.parts.sets.runs import SetRun, open_set_run, the_map
from pages.parts.state import SET_A, SET_B, SET_RUN

_SHIPPED = "digits"  # of the shipped runs, the one whose sets everybody can read
_ROWS = 6  # images at each moment


def glimpse(runs: Sequence[RunSummary]) -> dict[str, str] | None:
    """Draw map and moments of one of the `runs` on sets; None, and nothing drawn, where no report has kept any.

    Own runs come before shipped ones. Returns the view of Interpolate that goes on from here.
    """
    for run in sorted(runs, key=lambda run: (run.embedded, run.experiment != _SHIPPED)):
        report = RunStore().open(run).report()
        walk = report.arrays("walk") if report else {}
        try:
            chosen = open_set_run(run) if walk else None
        except PopscapeError:
            continue  # its dataset is gone; Runs says so
        if chosen:
            view = {SET_RUN: chosen.name, SET_A: str(walk["ends"][0]), SET_B: str(walk["ends"][1])}
            _draw(chosen, walk, view)
            return view
    return None


def _draw(chosen: SetRun, walk: Mapping[str, Any], view: Mapping[str, str]) -> None:
    a, b = view[SET_A], view[SET_B]
    st.subheader("What lies between two sets")
    st.markdown(
        f"**{plain(chosen.name)}** sees each set of observations as one point. On the line from **{plain(a)}** to "
        f"**{plain(b)}** lie sets that nobody has measured; the model generates their observations."
    )
    # A board of images is as high as it is wide; panels of points stand in a row below the map.
    left, right = st.columns(2) if chosen.image else (st.container(), st.container())
    sets = the_map(chosen)
    ends = sets.places["pca"][[chosen.names.index(a), chosen.names.index(b)], :2]
    with left:
        figure = set_map(
            sets, "pca", next(iter(sets.columns)), marked={a: "A", b: "B"}, outline=ends,
            height=500 if chosen.image else 400,
        )  # fmt: skip
        chart(figure, key="home_map", caption=chosen.report.provenance())
    t = [float(moment) for moment in walk["t"]]
    with right:
        _moments(chosen, walk["generated"], t, f"Generated at t = {', '.join(f'{s:g}' for s in t)}, from A to B")
    with st.container(horizontal=True):
        link("interpolate", "Walk from A to B", view)
        link("atlas", "Open the map of sets", {SET_RUN: chosen.name, SET_A: a})


def _moments(chosen: SetRun, generated: Any, t: Sequence[float], words: str) -> None:
    """A column for each t: the same noise along a row of images, or along the same axes."""
    if chosen.image:
        pictures = generated[:, :_ROWS].swapaxes(0, 1).reshape(-1, *generated.shape[2:])
        scale = max(1, 400 // (generated.shape[-1] * len(t)))
        st.image(strip(pictures, len(t), scale), width="stretch", alt=f"{words}, a column each.")
        st.caption(f"{words}, a column each; the same noise along a row.")
        return
    axes = axes_of(chosen)
    first, second = [*axes.names, axes.names[0]][:2]
    parts = [np.asarray(axes.plane(moment, first, second)) for moment in generated]
    chart(whole_way({GENERATED: parts}, t), key="home_walk", caption=f"{words}, with the same noise.")
