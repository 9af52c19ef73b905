"""Lesson 9: what the embedding of a set owes to its size and to the order of its rows, by pooling."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

CELLS = 600
SUBSETS = 200
SIZES = (4, 8, 16, 32, 64, 128, 256, 512)  # of subsets, for the curve
POOLINGS = ("By row", "Sum", "Mean", "Max")
OPERATIONS = ("Shuffle", "Double", "Halve")

_HIDDEN = 16
_NETWORK = 6  # seed of the weights that all sets go through; with these both features rise with the first coordinate
_SHARES = (0.65, 0.35)  # of the cells in each of two states


@dataclass(frozen=True)
class Embedded:
    """A set, what an operation makes of it, and the embeddings of both and of many subsets.

    Attributes:
        cells: (k, 2) of the changed set, in the order of its rows.
        whole, changed: (2,) embeddings.
        subsets: (SUBSETS, 2) embeddings of as many subsets of m cells, drawn with replacement.
        distance: pooling → (len(SIZES),), see `distances`.
    """

    cells: Floats
    whole: Floats
    changed: Floats
    subsets: Floats
    distance: dict[str, Floats]

    @property
    def moved(self) -> float:
        """How far the operation moved the embedding, as a share of the embedding's length."""
        return _relative(self.changed, self.whole)

    @property
    def off(self) -> float:
        """How far the mean embedding of the subsets is from that of the whole set, as a share of its length."""
        return _relative(self.subsets.mean(axis=0), self.whole)

    @property
    def scatter(self) -> float:
        """Root mean square distance of the subsets from their own mean, as a share of the whole set's length."""
        return _rms(self.subsets - self.subsets.mean(axis=0)) / float(np.linalg.norm(self.whole))


def embed(pooling: str, operation: str, m: int, seed: int) -> Embedded:
    """Embed the set of `seed`, the same after `operation`, and subsets of `m` of its cells."""
    cells = _cells(seed)
    row = changed_rows(operation, seed)
    features = _features(cells)
    drawn = np.random.default_rng([seed, 2, m]).integers(CELLS, size=(SUBSETS, m))
    return Embedded(
        cells=cells[row],
        whole=pool(features, pooling),
        changed=pool(features[row], pooling),
        subsets=pool(features[drawn], pooling),
        distance=distances(seed),
    )


def pool(features: Floats, pooling: str) -> Floats:
    """(…, k, f) features of the cells of sets → (…, f) embeddings.

    "By row" is what a network does that takes the list as one long vector: each row has a weight of its own, here
    falling from the first to the last and 1 on average. The others are those of Deep Sets (Zaheer et al. 2017); the
    mean is what `core.models.gde.pooled` takes.
    """
    if pooling == "By row":
        k = features.shape[-2]
        weight = 2 * (1 - (np.arange(k) + 0.5) / k)
        return np.asarray(np.einsum("...kf,k->...f", features, weight) / k, dtype=np.float64)
    if pooling == "Max":
        return np.asarray(features.max(axis=-2), dtype=np.float64)
    total = features.sum(axis=-2)
    return np.asarray(total if pooling == "Sum" else total / features.shape[-2], dtype=np.float64)


def changed_rows(operation: str, seed: int) -> npt.NDArray[np.int64]:
    """The rows of the whole set that the changed one holds, in its order."""
    if operation == "Double":
        return np.tile(np.arange(CELLS, dtype=np.int64), 2)
    order = np.random.default_rng([seed, 1]).permutation(CELLS)
    return order if operation == "Shuffle" else np.sort(order[: CELLS // 2])


@lru_cache(maxsize=64)
def distances(seed: int) -> dict[str, Floats]:
    """Pooling → (len(SIZES),) root mean square distance of subsets of each size from the whole set's embedding.

    As a share of that embedding's length; SUBSETS subsets of each size, drawn with replacement.
    """
    features = _features(_cells(seed))
    rng = np.random.default_rng([seed, 3])
    subsets = [features[rng.integers(CELLS, size=(SUBSETS, m))] for m in SIZES]
    whole = {pooling: pool(features, pooling) for pooling in POOLINGS}
    return {
        pooling: np.array([_rms(pool(x, pooling) - z) for x in subsets]) / float(np.linalg.norm(z))
        for pooling, z in whole.items()
    }


def slope(distance: Floats) -> float:
    """Slope of `distance` on size, both as logarithms; −½ is the law of the mean."""
    return float(np.polyfit(np.log(SIZES), np.log(distance), 1)[0])


def _cells(seed: int) -> Floats:
    """(CELLS, 2) cells in two states, sorted by the first coordinate as the rows of a file often are."""
    rng = np.random.default_rng([seed, 0])
    state = rng.random(CELLS) < _SHARES[1]
    cells = rng.normal(size=(CELLS, 2)) * 0.6 + np.where(state[:, None], (1.6, 1.0), (-0.8, -0.4))
    return np.asarray(cells[np.argsort(cells[:, 0])], dtype=np.float64)


def _features(cells: Floats) -> Floats:
    """(k, 2) two features that a small fixed network makes of each cell: V relu(W x + b), all of V above 0."""
    rng = np.random.default_rng(_NETWORK)
    hidden = np.maximum(cells @ rng.normal(size=(2, _HIDDEN)) + rng.normal(size=_HIDDEN), 0)
    return np.asarray(hidden @ np.abs(rng.normal(size=(_HIDDEN, 2))) / _HIDDEN, dtype=np.float64)


def _rms(gaps: Floats) -> float:
    """Root mean square length of (n, f) differences."""
    return float(np.sqrt(np.square(gaps).sum(axis=1).mean()))


def _relative(z: Floats, whole: Floats) -> float:
    return float(np.linalg.norm(z - whole) / np.linalg.norm(whole))
