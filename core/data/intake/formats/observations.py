"""Observations before they are grouped, within the limits of memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Strings
from core.errors import InputError

# Entries of the observation array: float32 four bytes each, within the child's address space.
ENTRIES_MAX = 600_000_000

Column = npt.NDArray[np.str_] | npt.NDArray[np.float64]


@dataclass
class ObservationTable:
    """Observations before they are grouped.

    Attributes:
        observations: (k, d) float32, (k, c, h, w) uint8 or (k, l) int8.
        columns: name → (k,) strings ("" missing) or float64 (NaN missing).
        feature: (d,) names, empty for images and sequences.
        modality, alphabet: as in SetCollection.
        layers: what else of the file could be the observations, as the setting `layer` names it.
        notes: what was done, in sentences. dropped: reason → count of observations.
    """

    observations: npt.NDArray[Any]
    columns: dict[str, Column]
    feature: Strings = field(default_factory=lambda: np.array([], dtype=np.str_))
    modality: str = "vector"
    alphabet: str = ""
    layers: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)

    def rows(self, keep: npt.NDArray[Any]) -> None:
        """Keep the observations at `keep`, in place."""
        self.observations = self.observations[keep]
        self.columns = {name: column[keep] for name, column in self.columns.items()}


def check_entries(count: int, name: str) -> None:
    """Refuse an array of observations that is larger than a dataset may be, before it is allocated."""
    if count > ENTRIES_MAX:
        raise InputError(
            f"{name} declares {count:,} numbers; at most {ENTRIES_MAX:,} are read at once: choose features, "
            "an embedding (layer=obsm:X_pca) or fewer observations."
        )
