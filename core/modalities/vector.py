"""Vectors: features of cells, measurements, embeddings."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from core.errors import InputError
from core.modalities.base import Observation
from core.words import count


class Vector(Observation):
    """(d,) float32 features, each in units of its own."""

    modality = "vector"

    def matched(self, other: Observation, x: npt.NDArray[Any], own: list[str], theirs: list[str]) -> npt.NDArray[Any]:
        """The features in the own order, by name; those that only the other collection has are left out."""
        place = {name: j for j, name in enumerate(theirs)}
        missing = [name for name in own if name not in place]
        if missing:
            raise InputError(
                f"The file lacks {len(missing)} of the {len(own)} features of the training data (such as "
                f"{missing[0]!r}); give a file with the same features."
            )
        return x[:, [place[name] for name in own]]

    @property
    def words(self) -> str:
        """ "30 features"."""
        return count(self.stored[0], "feature")

    def many(self, k: int) -> str:
        """ "9,000 observations × 30 features"."""
        return f"{count(k, 'observation')} × {self.words}"
