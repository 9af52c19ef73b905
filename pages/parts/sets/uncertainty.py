"""How sure a latent is, given how few observations its set has."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from core.latents import uncertainty
from core.latents.lens import nearest
from core.words import count, number
from pages.parts.frame import heavy
from pages.parts.sets.runs import OF_RUN, SetRun, open_model


def ellipse(chosen: SetRun, name: str, places: Any) -> Any:
    """Outline on the map of components `places` (s, ≥ 2) that holds 95% of the latents of resampled sets."""
    return uncertainty.ellipse(_covariance(chosen, name), chosen.latents, places[:, :2], chosen.names.index(name))


def how_sure(chosen: SetRun, name: str) -> None:
    """One sentence: the error of the latent beside the distance to its nearest neighbour."""
    i = chosen.names.index(name)
    error = float(np.sqrt(np.trace(_covariance(chosen, name))))
    order, distance = nearest(chosen.latents[i], chosen.latents)
    gap = float(distance[order[order != i][0]])
    verdict = "cannot be told apart" if error > gap else "can be told apart"
    st.caption(
        f"Uncertainty of the latent: {number(error)} (root mean square, 32 resamplings of "
        f"{count(int(chosen.sets.sizes[i]), 'observation')}); the nearest set is {number(gap)} away, so that the two "
        f"{verdict}."
    )


@st.cache_resource(max_entries=64, hash_funcs=OF_RUN, show_spinner="Resampling the observations…")
@heavy()
def _covariance(chosen: SetRun, name: str) -> Any:
    return uncertainty.covariance(open_model(chosen), chosen.observations(chosen.names.index(name)))
