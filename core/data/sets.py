"""Sets of observations, stored flat: each set is a distribution seen through its samples."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.loadings import Loadings
from core.errors import InputError
from core.modalities import observation
from core.modalities.base import Observation

Observations = npt.NDArray[np.float32] | npt.NDArray[np.uint8] | npt.NDArray[np.int8]
Strings = npt.NDArray[np.str_]


@dataclass(frozen=True)
class SetCollection:
    """s sets of observations of one modality, one behind the other in one array.

    Attributes:
        observations: (k, d) float32 vectors, (k, c, h, w) uint8 images, or (k, l) int8 sequences
            (index into `alphabet`, -1 behind the end); may be a read-only memory map.
        offsets: (s + 1,) int64; set i is `observations[offsets[i]:offsets[i + 1]]`.
        set_id: (s,) str, unique.
        labels: label column → (s,) str, "" missing.
        covariates: covariate → (s,) float64, NaN missing.
        feature: (d,) str, names of the coordinates of a vector; empty for other modalities.
        modality: "vector", "image" or "sequence".
        alphabet: the letters of a sequence, "" otherwise.
        unit: name of the label column whose sets must stay on one side of the split (donor, clone), or "".
        loadings: the way from the features back to genes, where they are components of an embedding.
        truth: what a simulator knows and a user cannot (family, parameters), JSON types and arrays.
    """

    observations: Observations
    offsets: npt.NDArray[np.int64]
    set_id: Strings
    labels: dict[str, Strings] = field(default_factory=dict)
    covariates: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    feature: Strings = field(default_factory=lambda: np.array([], dtype=np.str_))
    modality: str = "vector"
    alphabet: str = ""
    unit: str = ""
    loadings: Loadings | None = None
    truth: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        observation(self.modality, self.shape, self.alphabet)
        if len(self.offsets) != self.s + 1 or self.offsets[0] != 0 or self.offsets[-1] != len(self.observations):
            raise InputError(f"The offsets do not divide the {len(self.observations)} observations into {self.s} sets.")
        if (np.diff(self.offsets) < 1).any():
            raise InputError("A set has no observations; give each set at least one.")
        for name, column in {**self.labels, **self.covariates}.items():
            if len(column) != self.s:
                raise InputError(f"The column {name!r} has {len(column)} entries; there are {self.s} sets.")

    @property
    def s(self) -> int:
        """Number of sets."""
        return len(self.set_id)

    @property
    def k(self) -> int:
        """Number of observations, all sets together."""
        return len(self.observations)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one observation: (d,), (c, h, w) or (l,)."""
        return tuple(self.observations.shape[1:])

    @property
    def observation(self) -> Observation:
        """What one observation is."""
        return observation(self.modality, self.shape, self.alphabet)

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """(s,) observations per set."""
        return np.diff(self.offsets)

    def observations_of(self, i: int) -> Observations:
        """(size_i, …) the observations of set `i`, a view."""
        return self.observations[self.offsets[i] : self.offsets[i + 1]]

    def sets(self, index: npt.NDArray[Any]) -> SetCollection:
        """The sets at `index` (integers or a Boolean mask), copied."""
        chosen = np.flatnonzero(index) if index.dtype == bool else np.asarray(index, dtype=np.int64)
        rows = [np.arange(self.offsets[i], self.offsets[i + 1]) for i in chosen]
        flat = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)
        per_set = {k: v[chosen] for k, v in self.truth.items() if isinstance(v, np.ndarray) and len(v) == self.s}
        return replace(
            self,
            observations=np.ascontiguousarray(self.observations[flat]),
            offsets=np.concatenate([[0], np.cumsum(self.sizes[chosen])]).astype(np.int64),
            set_id=self.set_id[chosen],
            labels={k: v[chosen] for k, v in self.labels.items()},
            covariates={k: v[chosen] for k, v in self.covariates.items()},
            truth={**self.truth, **per_set},
        )
