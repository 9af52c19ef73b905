"""The space in which distances between sets are measured: standardised features, or their first components."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.sets import SetCollection
from core.evaluation.context import Shared
from core.modalities.base import Observation

Array = npt.NDArray[np.float64]
Latents = npt.NDArray[np.float32]

# Exact transport needs samples that fill their space: beyond this many features the first components stand in.
COMPONENTS = 24
FIT_ROWS = 20_000
# What one part of a report writes: long sequences, letter by letter, take minutes.
LETTERS = 4_000_000


@dataclass(frozen=True)
class Space:
    """x ↦ (c(x) − mean) / scale, then onto `axes` where there are more numbers than COMPONENTS.

    c(x) are the numbers of an `observation`: features, pixels, shares of k-mers. Fitted on training observations alone.
    `description` says in words what was done.
    """

    observation: Observation
    mean: Array
    scale: Array
    axes: Array | None
    description: str

    def __call__(self, x: npt.NDArray[Any]) -> Array:
        """(n, *stored) observations → (n, d) float64 coordinates."""
        numbers = np.asarray(self.observation.code(np.asarray(x)), dtype=np.float64).reshape(len(x), len(self.mean))
        flat = (numbers - self.mean) / self.scale
        return flat if self.axes is None else flat @ self.axes


def fit_space(sets: SetCollection, train: npt.NDArray[np.int64], seed: int) -> Space:
    """The space of the training observations, from at most 20,000 of them."""
    rows = np.concatenate([np.arange(sets.offsets[i], sets.offsets[i + 1]) for i in train])
    if len(rows) > FIT_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, FIT_ROWS, replace=False))
    flat = sets.observation.code(sets.observations[rows]).reshape(len(rows), -1).astype(np.float64)
    mean, deviation = flat.mean(axis=0), flat.std(axis=0)
    observation = sets.observation
    scale = observation.scale(deviation)
    if flat.shape[1] <= COMPONENTS:
        return Space(observation, mean, scale, None, f"{flat.shape[1]} {observation.space}")
    _, _, axes = np.linalg.svd((flat - mean)[:5000] / scale, full_matrices=False)
    what = "features" if observation.modality == "vector" else observation.space
    return Space(
        observation, mean, scale, axes[:COMPONENTS].T, f"first {COMPONENTS} components of {flat.shape[1]} {what}"
    )


@dataclass(frozen=True)
class Subject(Shared):
    """What is judged: the sets, their split, and the model as two functions.

    Attributes:
        sets: s sets.
        train, holdout: (.,) int64 indices of sets.
        embed: (k, *shape) observations of one set → (L,) latent; any k. Where observations are repeated, a second
            argument says how many were seen.
        generate: (b, L) latents, n, seed → (b, n, *shape) observations in the data's units.
        seed: of every draw below.
        control: the label value from which shifts are measured; empty: found by its name.
        likelihood: (k, *shape) observations, (L,) latent → (k,) log-likelihoods in nats, None where there are none.
        fit_transport: learns the flow from a set to its next one (core/models/gde/conditioned_transport.py).
    """

    sets: SetCollection
    train: npt.NDArray[np.int64]
    holdout: npt.NDArray[np.int64]
    embed: Callable[..., Latents]
    generate: Callable[[Latents, int, int], npt.NDArray[Any]]
    seed: int = 0
    control: str = ""
    likelihood: Callable[[npt.NDArray[Any], Latents], npt.NDArray[np.float64] | None] | None = None
    fit_transport: Callable[..., Callable[[Array, Array, Array], Array]] | None = None

    @cached_property
    def space(self) -> Space:
        """Fitted on the training sets."""
        return fit_space(self.sets, self.train, self.seed)

    @cached_property
    def latents(self) -> Latents:
        """(s, L) latents of all sets, each from all its observations."""
        return np.stack([self.embed(self.observations(i)) for i in range(self.sets.s)]).astype(np.float32)

    @property
    def judged(self) -> npt.NDArray[np.int64]:
        """The held-out sets; the training ones where there are fewer than two held out."""
        return self.holdout if len(self.holdout) >= 2 else self.train

    @property
    def groups(self) -> npt.NDArray[np.int64]:
        """(s,) which sets belong together: those of one unit; without a unit each set stands for itself."""
        if not self.sets.unit:
            return np.arange(self.sets.s)
        return np.asarray(np.unique(self.sets.labels[self.sets.unit], return_inverse=True)[1], dtype=np.int64)

    def rng(self, stream: int) -> np.random.Generator:
        """A generator of its own for each use."""
        return np.random.default_rng([self.seed, stream])

    def observations(self, i: int) -> npt.NDArray[Any]:
        """(size_i, *stored) observations of set i."""
        return np.asarray(self.sets.observations_of(int(i)))

    def halves(self, i: int, most: int, rng: np.random.Generator) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Two disjoint random parts of set i, of equal size and at most `most` observations each."""
        x = self.observations(i)
        order = rng.permutation(len(x))
        k = min(len(x) // 2, most)
        return x[order[:k]], x[order[k : 2 * k]]


def affordable(subject: Subject, sequences: int) -> int:
    """How many times a part of a report can write so many sequences; as often as it likes where observations are other
    than sequences."""
    if subject.sets.modality != "sequence":
        return LETTERS
    return LETTERS // max(sequences * subject.sets.observation.stored[0], 1)
