"""Edit distance of sequences: substitutions, insertions and deletions of one letter, each of cost 1."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.modalities import kmers
from core.modalities.profiles import ended

_CELLS = 4_000_000  # of the table's row, over all pairs at once


def edit_distance(x: npt.NDArray[Any], y: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """(n,) distance of each sequence of x (n, l) from its partner in y (n, k); −1 behind the ends.

    Row by row of the table of Wagner & Fischer 1974, all pairs at once; insertions within a row are a running minimum:
    d(i, j) = j + min over k ≤ j of (d′(i, k) − k).
    """
    if len(x) != len(y):
        raise ValueError(f"pairs have as many sequences on either side, not {len(x)} and {len(y)}")
    step = max(1, _CELLS // max(np.asarray(y).shape[1] + 1, 1))
    parts = [_distances(ended(x[i : i + step]), ended(y[i : i + step])) for i in range(0, len(x), step)]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def _distances(x: npt.NDArray[np.int8], y: npt.NDArray[np.int8]) -> npt.NDArray[np.int64]:
    n, place = len(x), np.arange(y.shape[1] + 1, dtype=np.int32)
    length, last = (x >= 0).sum(axis=1), (y >= 0).sum(axis=1)
    row = np.broadcast_to(place, (n, len(place))).copy()
    distance = np.where(length == 0, last, 0).astype(np.int64)
    for i in range(int(length.max(initial=0))):
        new = np.empty_like(row)
        new[:, 0] = i + 1
        np.minimum(row[:, 1:] + 1, row[:, :-1] + (x[:, i : i + 1] != y), out=new[:, 1:])
        row = np.minimum.accumulate(new - place, axis=1) + place
        here = length == i + 1
        distance[here] = row[here, last[here]]
    return distance


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
