"""Images: pixels that share a unit, from black to white."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.errors import InputError
from core.modalities.base import Array, Observation


class Image(Observation):
    """(channels, height, width) uint8 pixels."""

    modality = "image"
    bounds = (0.0, 255.0)
    space = "pixels in units of their common deviation"
    plain = 0  # neighbouring pixels are nearly the same: always rotated

    def matched(self, other: Observation, x: npt.NDArray[Any], own: list[str], theirs: list[str]) -> npt.NDArray[Any]:
        if other.stored != self.stored:
            raise InputError(
                f"The images are {other.stored} (channels, height, width); this model takes {self.stored}."
            )
        return x

    def generated(self, y: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.clip(np.round(y), *self.bounds).astype(np.uint8)

    def scale(self, deviation: Array) -> Array:
        """One unit for all pixels keeps the background from counting as much as the stroke."""
        return np.full_like(deviation, max(float(np.sqrt(np.square(deviation).mean())), 1e-8))

    @property
    def words(self) -> str:
        """ "32 × 32 pixels in colour"."""
        channels, height, width = self.stored
        return f"{width} × {height} pixels" + (" in colour" if channels == 3 else "")
