"""What every reader of observations is given and gives back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.intake.collection_options import SetImportOptions
from core.data.intake.formats.base import Head
from core.errors import InputError
from core.registry import Registry

Column = npt.NDArray[np.str_] | npt.NDArray[np.float64]

# Entries of the observation array: float32 four bytes each, within the child's address space.
ENTRIES_MAX = 600_000_000


@dataclass(frozen=True)
class SetSource:
    """The file of one import, the child's scratch folder, and the user's choices."""

    main: Head
    folder: Path
    options: SetImportOptions


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
    feature: npt.NDArray[np.str_] = field(default_factory=lambda: np.array([], dtype=np.str_))
    modality: str = "vector"
    alphabet: str = ""
    layers: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)

    def rows(self, keep: npt.NDArray[Any]) -> None:
        """Keep the observations at `keep`, in place."""
        self.observations = self.observations[keep]
        self.columns = {name: column[keep] for name, column in self.columns.items()}


class SetFormat(ABC):
    """A reader of observations."""

    @staticmethod
    @abstractmethod
    def matches(head: Head) -> bool:
        """Whether the file is of this format, judged by its first bytes and then by its name's ending."""

    @staticmethod
    @abstractmethod
    def read(source: SetSource) -> ObservationTable:
        """The whole file; raises InputError with one sentence on anything that cannot be read as observations."""


set_formats: Registry[type[SetFormat]] = Registry("set format", "core.data.intake.formats")


def check_entries(count: int, name: str) -> None:
    """Refuse an array that is larger than a dataset may be, before it is allocated."""
    if count > ENTRIES_MAX:
        raise InputError(
            f"{name} declares {count:,} numbers; at most {ENTRIES_MAX:,} are read at once: choose features, "
            "an embedding (layer=obsm:X_pca) or fewer observations."
        )


def typed(values: list[str]) -> Column:
    """A text column as numbers where every entry is one or missing, else as strings."""
    blank = {"", "NA", "NaN", "nan", "null", "None", "."}
    try:
        numbers = np.array([np.nan if v in blank else float(v) for v in values], dtype=np.float64)
    except ValueError:
        return np.array(["" if v in blank else v for v in values], dtype=np.str_)
    return numbers
