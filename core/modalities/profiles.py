"""What a set of sequences is in numbers: letters at positions, their information, k-mers, lengths, composition.

Sequences are (n, l) int8 places in an alphabet; what stands behind the first −1 of one is not part of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.modalities import kmers

Array = npt.NDArray[np.float64]
Letters = npt.NDArray[Any]

_ROWS = 4_000_000  # letters that are taken at once


def ended(x: Letters) -> npt.NDArray[np.int8]:
    """The same sequences with −1 everywhere behind the first −1, so that equal ones are equal arrays."""
    x = np.asarray(x)
    return np.where(np.logical_or.accumulate(x < 0, axis=1), -1, x).astype(np.int8)


def lengths(x: Letters) -> npt.NDArray[np.int64]:
    """(n,) letters of each sequence."""
    return np.asarray((ended(x) >= 0).sum(axis=1), dtype=np.int64)


def position_counts(x: Letters, letters: int) -> npt.NDArray[np.int64]:
    """(l, letters) how often each letter stands at each position, aligned from the first letter."""
    x = ended(x)
    return np.stack([(x == letter).sum(axis=0) for letter in range(letters)], axis=1).astype(np.int64)


def position_shares(counts: npt.NDArray[np.int64]) -> Array:
    """(l, letters) shares among the sequences that reach the position; 0 where none does."""
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), dtype=np.float64)


def information(counts: npt.NDArray[np.int64]) -> Array:
    """(l,) information in bits of the letters at each position, at least 0.

    log₂ s − (H + e), with H the entropy of the shares of s letters and e = (s − 1) / (2 n ln 2) what n sequences alone
    take from the entropy. Source: Schneider et al. 1986.
    """
    n, letters = counts.sum(axis=1), counts.shape[1]
    share = position_shares(counts)
    entropy = -(share * np.log2(np.where(share > 0, share, 1.0))).sum(axis=1)
    correction = (letters - 1) / (2 * np.log(2) * np.maximum(n, 1))
    return np.where(n > 0, np.maximum(np.log2(letters) - entropy - correction, 0.0), 0.0)


def composition(x: Letters, letters: int) -> Array:
    """(letters,) mean over the sequences of the share of each letter."""
    x = ended(x)
    length = np.maximum((x >= 0).sum(axis=1), 1)
    return np.array([((x == letter).sum(axis=1) / length).mean() for letter in range(letters)])


def gc(x: Letters, alphabet: str) -> Array | None:
    """(n,) share of G and C (and of methylated C) among the letters of each sequence; None for other alphabets."""
    if not (set("ACG") <= set(alphabet) <= set("ACGTUMN")):
        return None
    x = ended(x)
    strong = [alphabet.index(letter) for letter in "GCM" if letter in alphabet]
    known = (x >= 0) & (x != alphabet.find("N")) if "N" in alphabet else x >= 0
    return np.asarray(np.isin(x, strong).sum(axis=1) / np.maximum(known.sum(axis=1), 1), dtype=np.float64)


def word_shares(x: Letters, letters: int) -> Array:
    """(words,) mean shares of k-mers over the sequences, all k together of sum 1, in the order of `kmers.names`."""
    return np.asarray(np.square(kmers.shares(x, letters).astype(np.float64)).mean(axis=0))


def hellinger(p: Array, q: Array) -> float:
    """√(½ Σ (√p − √q)²): from 0 for equal shares to 1 for shares without a common word."""
    return float(np.sqrt(0.5 * np.square(np.sqrt(p) - np.sqrt(q)).sum()))


def fingerprints(x: Letters) -> npt.NDArray[np.uint64]:
    """(n,) 64 random bits of each sequence: equal for equal ones, and by chance for others in 1 of 2⁶⁴ pairs.

    The number of a sequence does not depend on how long the array is that holds it.
    """
    width = np.asarray(x).shape[1]
    weight = np.random.default_rng(0).integers(1, 2**63, size=max(width, 1), dtype=np.int64).astype(np.uint64) * 2 + 1
    rows = max(1, _ROWS // max(width, 1))
    parts = []
    for i in range(0, len(x), rows):
        value = (ended(x[i : i + rows]).astype(np.int64) + 1).astype(np.uint64)
        parts.append((value * weight[:width]).sum(axis=1, dtype=np.uint64))
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint64)


def methylation(x: npt.NDArray[Any], alphabet: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """CpG at each place of sequences (n, l) of A, C, G, T and M, a methylated C: (l − 1,) how many, and the share of M
    among them, NaN where there is none."""
    m, c, g = (alphabet.index(letter) for letter in "MCG")
    letters = ended(x)
    site = np.isin(letters[:, :-1], [m, c]) & (letters[:, 1:] == g)
    n = site.sum(axis=0)
    share = np.where(n > 0, ((letters[:, :-1] == m) & site).sum(axis=0) / np.maximum(n, 1), np.nan)
    return n, share
