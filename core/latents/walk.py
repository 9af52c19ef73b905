"""One walk between two sets, prepared once so that any moment t of it is cheap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.sets import SetCollection
from core.evaluation.sets.space import coded
from core.evaluation.transport import sample_w2
from core.latents.interpolation import MATCHED, Flat, Path, between, find
from core.latents.lens import Latents, path_between

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Walk:
    """The ends of a walk and the pairing of their observations.

    Attributes:
        ends: (2, latent) latents of the two sets.
        real: the observations of the two sets, (k, *shape) each, sequences one-hot.
        first, second: (k, *shape) observations of the ends, paired by optimal transport.
        rank: (k,) order in which the plain mixture takes an observation of the second set for one of the first.
    """

    ends: Latents
    real: tuple[Array, Array]
    first: Array
    second: Array
    rank: Array

    def latent(self, t: float) -> Latents:
        """(latent,) on the straight line through the ends; beyond them for t outside [0, 1]."""
        return np.asarray(path_between(self.ends[0], self.ends[1], np.array([t]))[0], dtype=np.float32)

    def transport(self, t: float) -> Array:
        """(k, *shape) displacement interpolation, (1 − t) x + t T(x); outside [0, 1] points go straight on."""
        return np.asarray((1 - t) * self.first + t * self.second)

    def mixture(self, t: float) -> Array:
        """(k, *shape) a share t, cut to [0, 1], of the second set's observations, the rest of the first's."""
        taken = (self.rank + 0.5) / len(self.rank) < t
        return np.asarray(np.where(taken.reshape(-1, *[1] * (self.first.ndim - 1)), self.second, self.first))


def walk_between(sets: SetCollection, latents: Latents, start: str, end: str, seed: int = 0) -> Walk:
    """The walk between the sets named `start` and `end`, given the latents (s, latent) of all sets. Raises InputError.

    At most `MATCHED` observations of each end are paired.
    """
    i, j = find(sets, start), find(sets, end)
    a, b = (coded(sets, np.asarray(sets.observations_of(place))) for place in (i, j))
    moved, _ = between(a, b, np.array([0.0, 1.0]), seed)
    rank = np.random.default_rng([seed, 1]).permutation(len(moved[0]))
    return Walk(np.stack([latents[i], latents[j]]), (a, b), moved[0], moved[1], rank)


def straying(path: Path, a: Array, b: Array) -> tuple[Array, Array]:
    """W2 at each step of `path` from the transport path: of the generated distribution and of the plain mixture."""
    flat = Flat(a, b)
    gaps = []
    for part in (path.generated, path.mixture):
        k = min(part.shape[1], path.transport.shape[1], MATCHED)
        gaps.append([sample_w2(flat(p)[:k], flat(q)[:k]) for p, q in zip(part, path.transport, strict=True)])
    return np.array(gaps[0]), np.array(gaps[1])
