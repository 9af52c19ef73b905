"""Mutations of ordered sets against a reference sequence, by position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.modalities.profiles import ended, position_counts, position_shares

Array = npt.NDArray[np.float64]


def commonest(x: npt.NDArray[Any]) -> npt.NDArray[np.int8]:
    """(l,) the sequence that occurs most often in x (n, l), the first of several."""
    values, first, count = np.unique(ended(x), axis=0, return_index=True, return_counts=True)
    return np.asarray(values[np.lexsort((first, -count))[0]], dtype=np.int8)


@dataclass(frozen=True)
class Change:
    """A mutation: `name` as in D614G (from, position from 1, to), and its share (sets,) in each set."""

    name: str
    position: int
    share: Array


def differing(sets: Sequence[npt.NDArray[Any]], reference: npt.NDArray[Any]) -> Array:
    """(sets, l) share of the sequences of each set whose letter differs from the reference, aligned from the first
    letter; NaN where no sequence of a set reaches the position, or the reference does not."""
    reference = ended(reference[None])[0]
    rows = []
    for x in map(ended, sets):
        there = (x >= 0) & (reference >= 0)
        n = there.sum(axis=0)
        rows.append(np.where(n > 0, ((x != reference) & there).sum(axis=0) / np.maximum(n, 1), np.nan))
    return np.array(rows, dtype=np.float64)


def changes(sets: Sequence[npt.NDArray[Any]], reference: npt.NDArray[Any], alphabet: str, most: int) -> list[Change]:
    """The mutations whose share changes most from set to set, the largest range first."""
    reference = ended(reference[None])[0]
    share = np.stack([position_shares(position_counts(x, len(alphabet))) for x in sets])
    place = np.flatnonzero(reference >= 0)
    share[:, place, reference[place]] = 0
    share[:, reference < 0] = 0
    spread = share.max(axis=0) - share.min(axis=0)
    order = np.argsort(-spread, axis=None, kind="stable")[:most]
    pairs = zip(*np.unravel_index(order, spread.shape), strict=True)
    return [
        Change(f"{alphabet[reference[t]]}{t + 1}{alphabet[letter]}", int(t), share[:, t, letter])
        for t, letter in pairs
        if spread[t, letter] > 0
    ]
