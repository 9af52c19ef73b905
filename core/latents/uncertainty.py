"""How far a latent would move with other observations of its set, as an outline on a map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from core.latents.lens import Lens

_MOST = 2000  # observations that are resampled; for a larger set the 1/m law of the covariance does the rest
_ANGLES = 49
_RADIUS = 2.448  # of the circle that holds 95% of a two-dimensional standard normal distribution


def covariance(lens: Lens, x: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """(latent, latent) covariance of the latent of a set of observations x (k, *shape) under resampling."""
    return np.asarray(lens.uncertainty(x[:_MOST]), dtype=np.float64) * min(1.0, _MOST / len(x))


def ellipse(spread: npt.NDArray[Any], latents: npt.NDArray[Any], places: npt.NDArray[Any], i: int) -> Any:
    """(49, 2) outline that holds 95% of what latent i could have been.

    spread: (latent, latent) covariance of latent i; latents: (s, latent); places: (s, 2) where a linear map, such as
    principal components, shows them.
    """
    axes, *_ = np.linalg.lstsq(latents - latents.mean(axis=0), places - places.mean(axis=0), rcond=None)
    values, vectors = np.linalg.eigh(axes.T @ spread @ axes)
    angle = np.linspace(0, 2 * np.pi, _ANGLES)
    circle = np.stack([np.cos(angle), np.sin(angle)]) * np.sqrt(np.clip(values, 0, None))[:, None] * _RADIUS
    return (vectors @ circle).T + places[i]
