"""Motifs: position frequency matrices from JASPAR and MEME files, and their log-odds scan of sequences."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.errors import InputError
from core.modalities.profiles import ended

Array = npt.NDArray[np.float64]

BASES = "ACGT"
PSEUDO = 0.8  # of a letter's count, by its background: what JASPAR's own tools add
_GRAIN = 0.01  # bits: scores are rounded to it for their exact distribution


@dataclass(frozen=True)
class Motif:
    """A motif of DNA: `counts` (w, 4) of A, C, G and T at each of its places."""

    name: str
    counts: Array

    def log_odds(self, background: Array) -> Array:
        """(w, 4) log₂ of the smoothed share of each letter over its background (4,), in bits."""
        smoothed = self.counts + PSEUDO * background
        return np.asarray(np.log2(smoothed / smoothed.sum(axis=1, keepdims=True) / background), dtype=np.float64)


def of_consensus(name: str, word: str, sure: float) -> Motif:
    """The motif whose letters are those of `word` with probability `sure`, else one of the others; of 100 sites."""
    rows = [[100 * sure if base == letter else 100 * (1 - sure) / 3 for base in BASES] for letter in word]
    return Motif(name, np.array(rows))


def read_motifs(text: str) -> list[Motif]:
    """The motifs of a JASPAR or MEME file of DNA.

    Raises InputError where there is none, or where a matrix has not four numbers of 0 or more for each place.
    """
    motifs = _meme(text) if "letter-probability matrix" in text else _jaspar(text)
    if not motifs:
        raise InputError(
            "No motif was found. Expected a JASPAR file (> name, then rows A [ 1 2 3 ], C, G, T) or a MEME file with "
            "letter-probability matrices."
        )
    for motif in motifs:
        if motif.counts.ndim != 2 or motif.counts.shape[1] != 4 or not len(motif.counts):
            raise InputError(f"The matrix of motif {motif.name} does not have four numbers for each of its places.")
        if not np.isfinite(motif.counts).all() or (motif.counts < 0).any() or (motif.counts.sum(axis=1) <= 0).any():
            raise InputError(f"The matrix of motif {motif.name} has places without counts, or negative ones.")
    return motifs


def _numbers(line: str) -> list[float]:
    return [float(part) for part in re.findall(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", line)]


def _jaspar(text: str) -> list[Motif]:
    motifs = []
    for part in re.split(r"^>", text, flags=re.MULTILINE)[1:]:
        name, *lines = part.strip().splitlines()
        rows = [_numbers(re.sub(r"^\s*[ACGTacgt]\s*", "", line)) for line in lines if line.strip()]
        if len(rows) != 4 or len({len(row) for row in rows}) != 1:
            raise InputError(f"Motif {name.strip()} has no four rows (A, C, G, T) of as many numbers each.")
        motifs.append(Motif(" ".join(name.split()), np.array(rows).T))
    return motifs


def _meme(text: str) -> list[Motif]:
    motifs, lines = [], text.splitlines()
    name = ""
    for i, line in enumerate(lines):
        if line.startswith("MOTIF"):
            name = " ".join(line.split()[1:])
        elif line.startswith("letter-probability matrix"):
            width, sites = re.search(r"w=\s*(\d+)", line), re.search(r"nsites=\s*(\d+)", line)
            below = [row for row in lines[i + 1 :] if row.strip()]
            rows = [_numbers(row) for row in below[: int(width.group(1)) if width else 0]]
            if not rows or {len(row) for row in rows} != {4}:
                raise InputError(f"The matrix of motif {name} does not have w rows of four probabilities.")
            motifs.append(Motif(name, np.array(rows) * (float(sites.group(1)) if sites else 20.0)))
    return motifs


def best_scores(x: npt.NDArray[Any], alphabet: str, motif: Motif, background: Array) -> Array:
    """(n,) highest log-odds score in bits of the motif in each sequence x (n, l), on either strand.

    −∞ where a sequence is shorter than the motif. Letters other than A, C, G and T (U) score as the worst of a place;
    M (methylated C) is a C.
    """
    weight = motif.log_odds(background)
    codes = _bases(x, alphabet)
    return np.maximum(_best(codes, weight), _best(codes, weight[::-1, ::-1]))


def _bases(x: npt.NDArray[Any], alphabet: str) -> npt.NDArray[np.int64]:
    """Places in BASES, 4 for any other letter, −1 behind the end."""
    table = np.array([BASES.find({"U": "T", "M": "C"}.get(letter, letter)) for letter in alphabet])
    table = np.where(table < 0, 4, table)
    x = ended(x)
    return np.where(x < 0, -1, table[np.maximum(x, 0)])


def _best(codes: npt.NDArray[np.int64], weight: Array) -> Array:
    width, places = len(weight), codes.shape[1] - len(weight) + 1
    if places < 1:
        return np.full(len(codes), -np.inf)
    full = np.concatenate([weight, weight.min(axis=1, keepdims=True), np.full((width, 1), -np.inf)], axis=1)
    score = sum(full[j][codes[:, j : j + places]] for j in range(width))  # −1 is the last column: behind the end
    return np.asarray(score).max(axis=1)


def threshold(motif: Motif, background: Array, p: float) -> float:
    """The lowest score in bits that a random word of the background reaches with probability `p` or less; ∞ if none.

    Exact for scores rounded to a hundredth of a bit (Staden 1989).
    """
    steps = np.rint(motif.log_odds(background) / _GRAIN).astype(np.int64)
    low = int(steps.min(axis=1).sum())
    chance = np.ones(1)
    for row in steps:
        base = int(row.min())
        grown = np.zeros(len(chance) + int(row.max()) - base)
        for letter, share in zip(row - base, background, strict=True):
            grown[letter : letter + len(chance)] += share * chance
        chance = grown
    above = chance[::-1].cumsum()[::-1]
    reached = np.flatnonzero((above <= p * (1 + 1e-9)) & (chance > 0))
    # Half a hundredth of a bit for each place may have been rounded away.
    return float((low + int(reached[0])) * _GRAIN - _GRAIN * len(steps) / 2) if len(reached) else float("inf")


def shuffled(x: npt.NDArray[Any], rng: np.random.Generator) -> npt.NDArray[np.int8]:
    """The letters of each sequence in a random order: the same composition and length, no motif but by chance."""
    x = ended(x)
    order = np.where(x < 0, 2.0, rng.random(x.shape)).argsort(axis=1)
    return np.take_along_axis(x, order, axis=1)


def background_of(x: npt.NDArray[Any], alphabet: str) -> Array:
    """(4,) shares of A, C, G and T of both strands of sequences x (n, l), none of them 0."""
    codes = _bases(x, alphabet)
    counts = np.array([(codes == base).sum() for base in range(4)], dtype=np.float64) + 1
    counts = counts + counts[::-1]
    return counts / counts.sum()


def carried(wanted: list[Motif], sources: dict[str, npt.NDArray[Any]], alphabet: str, p: float) -> list[dict[str, Any]]:
    """For each motif {"motif", "threshold", and by source the sequences in 1,000 with a site}.

    A word is a site where a random word of the composition of the first source scores as high with probability p.
    """
    background = background_of(next(iter(sources.values())), alphabet)
    rows = []
    for motif in wanted:
        least = threshold(motif, background, p)
        row: dict[str, Any] = {"motif": motif.name, "threshold": least}
        for name, x in sources.items():
            row[name] = 1000 * float((best_scores(x, alphabet, motif, background) >= least).mean())
        rows.append(row)
    return rows
