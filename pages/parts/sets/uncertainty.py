"""How sure a latent is, given how few observations its set has."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from core.words import count, number
from pages.parts.sets.runs import OF_RUN, SetRun, open_model

_MOST = 2000  # observations that are resampled: the rest is by the 1/√m law
_ANGLES = 49
_NINETY_FIVE = 2.448  # radius that holds 95% of a two-dimensional normal distribution, in deviations


def ellipse(chosen: SetRun, name: str, places: Any) -> Any:
    """(49, 2) outline on the map of components `places` (s, ≥ 2) that holds 95% of the latents of resampled sets."""
    xy = places[:, :2]
    covariance, axes = _covariance(chosen, name), _plane(chosen.latents, xy)
    values, vectors = np.linalg.eigh(axes.T @ covariance @ axes)
    angle = np.linspace(0, 2 * np.pi, _ANGLES)
    circle = np.stack([np.cos(angle), np.sin(angle)]) * np.sqrt(np.clip(values, 0, None))[:, None] * _NINETY_FIVE
    return (vectors @ circle).T + xy[chosen.names.index(name)]


def how_sure(chosen: SetRun, name: str) -> None:
    """One sentence: the error of the latent beside the distance to its nearest neighbour."""
    i = chosen.names.index(name)
    error = float(np.sqrt(np.trace(_covariance(chosen, name))))
    gap = np.linalg.norm(chosen.latents - chosen.latents[i], axis=1)
    nearest = float(np.delete(gap, i).min())
    size = int(chosen.sets.sizes[i])
    verdict = "cannot be told apart" if error > nearest else "can be told apart"
    st.caption(
        f"Uncertainty of the latent: {number(error)} (root mean square, 32 resamplings of "
        f"{count(size, 'observation')}); the nearest set is {number(nearest)} away, so that the two {verdict}."
    )


@st.cache_resource(max_entries=64, hash_funcs=OF_RUN, show_spinner="Resampling the observations…")
def _covariance(chosen: SetRun, name: str) -> Any:
    x = chosen.observations(chosen.names.index(name))
    covariance = open_model(chosen).uncertainty(x[:_MOST])
    return covariance * min(1.0, _MOST / len(x))


def _plane(latents: Any, xy: Any) -> Any:
    """(latent, 2) directions that the map shows, by least squares."""
    axes, *_ = np.linalg.lstsq(latents - latents.mean(axis=0), xy - xy.mean(axis=0), rcond=None)
    return axes
