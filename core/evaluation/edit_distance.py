"""Edit distance of sequences: substitutions, insertions and deletions of one letter, each of cost 1."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.modalities import kmers
from core.modalities.profiles import ended


def edit_distance(x: npt.NDArray[Any], y: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """(n,) distance of each sequence of x (n, l) from its partner in y (n, k); −1 behind the ends."""
    from rapidfuzz.distance import Levenshtein
    from rapidfuzz.process import cpdist

    if len(x) != len(y):
        raise ValueError(f"pairs have as many sequences on either side, not {len(x)} and {len(y)}")
    return np.asarray(cpdist(as_bytes(x), as_bytes(y), scorer=Levenshtein.distance), dtype=np.int64)


def as_bytes(x: npt.NDArray[Any]) -> list[bytes]:
    """Each sequence of x (n, l) up to its end, a byte a letter."""
    return [row[row >= 0].astype(np.uint8).tobytes() for row in ended(x)]


def nearest_by_words(
    x: npt.NDArray[Any], real: npt.NDArray[Any], letters: int, candidates: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int64]]:
    """For each of x (n, l) the place in `real` (k, l) of the least edit distance, and that distance.

    Sought among the `candidates` real ones whose k-mers are most alike, so that another one can lie nearer.
    """
    alike = kmers.shares(x, letters) @ kmers.shares(real, letters).T
    places = np.argsort(-alike, axis=1, kind="stable")[:, :candidates]
    width = places.shape[1]
    distance = edit_distance(np.repeat(x, width, axis=0), real[places.ravel()]).reshape(-1, width)
    rows, best = np.arange(len(x)), distance.argmin(axis=1)
    return places[rows, best], np.asarray(distance[rows, best], dtype=np.int64)
