"""Vectors: features of cells, measurements, embeddings."""

from __future__ import annotations

from core.modalities.base import Observation
from core.words import count


class Vector(Observation):
    """(d,) float32 features, each in units of its own."""

    modality = "vector"

    @property
    def words(self) -> str:
        """ "30 features"."""
        return count(self.stored[0], "feature")
