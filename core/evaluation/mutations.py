"""Mutations of ordered sets against a reference sequence, by position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.edit_distance import as_bytes
from core.modalities.profiles import ended, lengths

Array = npt.NDArray[np.float64]

GAP = "–"
APART = 0.3  # of the reference's letters that may be edited in what is still a variant of it


def commonest(x: npt.NDArray[Any]) -> npt.NDArray[np.int8]:
    """(l,) the sequence that occurs most often in x (n, l), the first of several."""
    values, first, count = np.unique(ended(x), axis=0, return_index=True, return_counts=True)
    return np.asarray(values[np.lexsort((first, -count))[0]], dtype=np.int8)


@dataclass(frozen=True)
class Change:
    """A mutation of ordered sets.

    Attributes:
        name: as in D614G (from, position from 1, to) or H69del.
        position: from 0. letter: the new one, `len(alphabet)` where it is deleted.
        share: (sets,) of the sequences of each set.
    """

    name: str
    position: int
    letter: int
    share: Array


def along(x: npt.NDArray[Any], reference: npt.NDArray[Any], letters: int) -> npt.NDArray[np.int8]:
    """(n, l) the letter of each sequence of x (n, k) at each position of the reference (l,), by the fewest edits.

    `letters`, one more than the last letter, where the sequence lacks the position; −1 behind its end. What a sequence
    has more than the reference is left out. A sequence that shares too few letters (`APART`) is no variant of the
    reference: its letters stand at their own positions.

    Example: ACGT along ACCGT, where a C is missing, is A, missing, C, G, T or A, C, missing, G, T.
    """
    from rapidfuzz.distance import Levenshtein

    (origin,) = as_bytes(reference[None])
    variants, inverse = np.unique(ended(x), axis=0, return_inverse=True)
    rows = np.full((len(variants), len(reference)), -1, dtype=np.int8)
    for row, own, word in zip(rows, variants, as_bytes(variants), strict=True):
        edits = Levenshtein.opcodes(origin, word)
        kept = sum(e.src_end - e.src_start for e in edits if e.tag == "equal")
        if kept < (1 - APART) * min(len(origin), len(word)):
            n = min(len(own), len(origin))
            row[:n] = own[:n]
            continue
        for e in edits:
            if e.tag == "delete":
                row[e.src_start : e.src_end] = -1 if e.src_end == len(origin) else letters
            elif e.tag != "insert":
                row[e.src_start : e.src_end] = own[e.dest_start : e.dest_end]
    return rows[inverse.ravel()]


def laid(sources: Mapping[str, npt.NDArray[Any]], alphabet: str) -> tuple[dict[str, npt.NDArray[Any]], str]:
    """The sequences of the sources `along` the commonest one of the first, and the alphabet with `GAP` for what lacks.

    As they are, where all are equally long, or where most of the first are no variants of its commonest one: then
    positions count from the first letter.
    """
    first = next(iter(sources.values()))
    reference, letters = commonest(first), len(alphabet)
    rows = along(first, reference, letters)
    alike = ((rows == reference) & (reference >= 0)).sum(axis=1) / max(int((reference >= 0).sum()), 1)
    if len({int(n) for x in sources.values() for n in lengths(x)}) == 1 or np.median(alike) < 1 - APART:
        return dict(sources), alphabet
    return {name: along(x, reference, letters) for name, x in sources.items()}, alphabet + GAP


def differing(sets: Sequence[npt.NDArray[Any]], reference: npt.NDArray[Any]) -> Array:
    """(sets, l) share of the sequences of each set, `along` the reference, whose letter differs from it or is missing;
    NaN where no sequence of a set reaches the position, or the reference does not."""
    reference = ended(reference[None])[0]
    rows = []
    for x in sets:
        there = (x >= 0) & (reference >= 0)
        n = there.sum(axis=0)
        rows.append(np.where(n > 0, ((x != reference) & there).sum(axis=0) / np.maximum(n, 1), np.nan))
    return np.array(rows, dtype=np.float64)


def shares_along(x: npt.NDArray[Any], letters: int) -> Array:
    """(l, letters + 1) share of each letter, and of none, among the sequences of x `along` a reference that reach a
    position."""
    counts = np.stack([(x == letter).sum(axis=0) for letter in range(letters + 1)], axis=1)
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), dtype=np.float64)


def changes(sets: Sequence[npt.NDArray[Any]], reference: npt.NDArray[Any], alphabet: str, most: int) -> list[Change]:
    """The mutations whose share changes most from set to set (each `along` the reference), the largest range first."""
    reference = ended(reference[None])[0]
    share = np.stack([shares_along(x, len(alphabet)) for x in sets])
    place = np.flatnonzero(reference >= 0)
    share[:, place, reference[place]] = 0
    share[:, reference < 0] = 0
    spread = share.max(axis=0) - share.min(axis=0)
    order = np.argsort(-spread, axis=None, kind="stable")[:most]
    pairs = zip(*np.unravel_index(order, spread.shape), strict=True)
    words = [*alphabet, "del"]
    return [
        Change(f"{alphabet[reference[t]]}{t + 1}{words[letter]}", int(t), int(letter), share[:, t, letter])
        for t, letter in pairs
        if spread[t, letter] > 0
    ]
