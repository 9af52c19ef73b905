"""k-mers: the short words of a sequence, by whose shares sequences of any length are compared."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

MOST = 512  # words that are counted
_BLOCK = 4_000_000  # letters that are counted at once


def orders(letters: int) -> int:
    """The largest k such that all words of 1 to k of so many letters are at most `MOST`; at least 1."""
    k, words = 1, letters
    while words + letters ** (k + 1) <= MOST:
        k += 1
        words += letters**k
    return k


def names(alphabet: str) -> list[str]:
    """The words that `counts` counts, in its order: the letters, then pairs, …"""
    return ["".join(word) for k in range(1, orders(len(alphabet)) + 1) for word in product(alphabet, repeat=k)]


def shares(x: npt.NDArray[Any], letters: int) -> npt.NDArray[np.float32]:
    """Square roots of the shares of the words in each sequence: (n, l) places in the alphabet, −1 behind the end.

    Returns (n, words) float32: for each k the roots of the shares of all words of k letters, in blocks of sum of
    squares 1 (0 where a sequence is shorter than k), over the root of the number of blocks, so that a sequence has
    length 1 at most. Half the squared distance of two is their mean squared Hellinger distance.
    """
    x = np.asarray(x)
    top = orders(letters)
    rows = max(1, _BLOCK // max(x.shape[1], 1))
    return np.concatenate([_shares(x[i : i + rows], letters, top) for i in range(0, max(len(x), 1), rows)])


def _shares(x: npt.NDArray[Any], letters: int, top: int) -> npt.NDArray[np.float32]:
    n, length = x.shape
    word, whole = np.zeros((n, length), dtype=np.int64), np.ones((n, length), dtype=bool)
    blocks = []
    for k in range(1, top + 1):
        words = letters**k
        if k > length:
            blocks.append(np.zeros((n, words), dtype=np.float32))
            continue
        # Places that begin a word of k letters: the word of k − 1 there, and one letter more.
        last = x[:, k - 1 :]
        word = word[:, : length - k + 1] * letters + np.maximum(last, 0)
        whole = whole[:, : length - k + 1] & (last >= 0)
        rows = np.broadcast_to(np.arange(n)[:, None], word.shape)[whole]
        counts = np.bincount(rows * words + word[whole], minlength=n * words).reshape(n, words)
        blocks.append(np.sqrt(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)).astype(np.float32))
    return np.asarray(np.concatenate(blocks, axis=1) / np.sqrt(top), dtype=np.float32)
