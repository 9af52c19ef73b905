"""Duplicates and close relatives, found by blocked matrix products."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core.data.genotypes import MISSING, Calls, Genotypes
from core.data.missing import has_missing

# Kinship bounds of Manichaikul et al. 2010 (KING), table 1: 2^-2.5 and 2^-1.5 part the degrees.
FIRST_DEGREE = 0.177
DUPLICATE = 0.354
# Identity scale, for haploid and inbred data where kinship by heterozygotes is undefined.
IDENTICAL = 0.98

_LADDER = {"kinship": (FIRST_DEGREE, 0.2, 0.22, 0.25, 0.3, DUPLICATE), "identity": (IDENTICAL,)}
_CHANCE = 0.05  # share of the found pairs that chance may explain
_PAIRS_MAX = 50  # pairs for each individual, beyond which they are no families
_CROWD = 0.1  # a family of more than a tenth of the cohort is not a family
_INDIVIDUALS_MAX = 20_000  # beyond it all pairs would take too long; exact duplicates are still found
_VARIANTS_MAX = 20_000
_WORK = 5e11  # pairs × variants: seconds on two cores
_ROWS = 1024

Pairs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Relatives:
    """Pairs of individuals too much alike to stand on two sides of a split.

    Attributes:
        pairs: (p, 2) int64, first < second.
        score: (p,) float32, the kinship or identity of each pair.
        duplicate: (p,) bool, the pair is one individual (or identical twins), not a parent and child or two siblings.
        method: "kinship", "identity" or "exact".
        threshold: bound on the score.
        variants: how many variants were compared.
        notes: sentences for the user on what could not be tested.
    """

    pairs: Pairs
    score: Floats
    duplicate: npt.NDArray[np.bool_]
    method: str
    threshold: float
    variants: int
    notes: list[str] = field(default_factory=list)


def find_relatives(genotypes: Genotypes) -> Relatives:
    """Pairs of duplicates, and first-degree relatives where the variants suffice to tell them.

    Kinship is the KING-robust estimate between families (Manichaikul et al. 2010, eq. 11), which needs no allele
    frequencies and bears population structure: φ = 1/2 - Σ(x_i - x_j)² / (4 min(h_i, h_j)), over variants called in
    both, h the number of heterozygous calls. φ > 0.177 is a first-degree relative, φ > 0.354 a duplicate. For
    haplotypes and inbred lines it is replaced by identity, 1 - Σ(x_i - x_j)² / (its mean over pairs), bound 0.98.

    In a short region unrelated people share whole haplotypes, and no estimate from it can tell them from siblings. So
    the noise of a score is measured by the difference between the two halves of the variants, and a bound is used only
    where chance (a normal tail) explains at most one twentieth of the pairs found, and where they do not chain a tenth
    of the cohort together; else the next higher bound up to 0.354 is tried, and last only equal rows are sought.
    """
    if genotypes.n > _INDIVIDUALS_MAX:
        note = f"Among more than {_INDIVIDUALS_MAX:,} individuals only exact duplicates were looked for, not relatives."
        return _exact(genotypes, [note])
    calls = _chosen_variants(genotypes)
    if calls.shape[1] < 2:
        return _exact(genotypes, ["Too few variants differ between individuals to tell relatives."])
    comparison = _Comparison(calls, genotypes.ploidy)
    noise = _noise(calls, genotypes.ploidy, comparison.method)
    for bound in _LADDER[comparison.method]:
        by_chance = genotypes.n * (genotypes.n - 1) / 2 * 0.5 * math.erfc(bound / max(noise, 1e-9) / math.sqrt(2))
        if by_chance > _CHANCE * _PAIRS_MAX * genotypes.n:
            continue
        pairs, score = comparison.pairs_above(bound)
        largest = np.bincount(family_of(pairs, genotypes.n)).max()
        if by_chance > max(1.0, _CHANCE * len(pairs)) or largest > _crowd(genotypes.n):
            continue
        duplicate = score > (DUPLICATE if comparison.method == "kinship" else IDENTICAL)
        notes = [] if bound != DUPLICATE else ["Only duplicates were looked for: the variants cannot tell relatives."]
        return Relatives(pairs, score, duplicate, comparison.method, bound, calls.shape[1], notes)
    return _exact(
        genotypes, ["Only identical individuals were looked for: the variants are too few or too linked for more."]
    )


def family_of(pairs: Pairs, n: int) -> npt.NDArray[np.int64]:
    """(n,) the number of the family of each individual: those whom a chain of pairs joins, often one alone."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    joined = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return np.asarray(connected_components(joined, directed=False)[1], dtype=np.int64)


class _Comparison:
    """All pairs of a matrix on one scale of likeness, a block of rows at a time."""

    def __init__(self, calls: Calls, ploidy: int, method: str = "") -> None:
        self.called = (calls != MISSING).astype(np.float32) if has_missing(calls) else None
        self.x = np.where(calls == MISSING, 0, calls).astype(np.float32)  # a missing call adds nothing to a product
        self.heterozygous = (self.x == (1 if ploidy == 2 else -1)).astype(np.float32)
        p = self.x.mean(axis=0) / ploidy
        outbred = float(self.heterozygous.mean()) > 0.3 * float((2 * p * (1 - p)).mean())
        self.method = method or ("kinship" if outbred else "identity")
        some = spread_out(len(self.x), 500)
        self.typical = np.float32(max(float(self._distance(some, some).mean()), 1e-9))

    def score(self, rows: Pairs, columns: Pairs) -> Floats:
        """(rows, columns) kinship or identity."""
        distance = self._distance(rows, columns)
        score: Floats
        if self.method == "identity":
            score = 1 - distance / self.typical
        else:
            score = np.float32(0.5) - distance / (4 * np.maximum(self._smaller_heterozygote_count(rows, columns), 1))
        return score

    def pairs_above(self, bound: float) -> tuple[Pairs, Floats]:
        """Pairs whose score passes `bound`; cut short once they are so many that they cannot be families."""
        n = len(self.x)
        pairs: list[Pairs] = []
        scores: list[Floats] = []
        for start in range(0, n, _ROWS):
            rows, columns = np.arange(start, min(start + _ROWS, n)), np.arange(start, n)
            score = self.score(rows, columns)
            first, second = np.nonzero(np.triu(score > bound, 1))
            pairs.append(np.stack([rows[first], columns[second]], axis=1))
            scores.append(score[first, second])
            if sum(map(len, pairs)) > _PAIRS_MAX * n:
                break
        return np.concatenate(pairs), np.concatenate(scores)

    def _distance(self, rows: Pairs, columns: Pairs) -> Floats:
        """Σ(x_i - x_j)² over the variants called in both; for identity scaled up to all variants."""
        a, b = self.x[rows], self.x[columns]
        squared: Floats
        if self.called is None:
            squared = (a * a).sum(1)[:, None] + (b * b).sum(1)[None, :] - 2 * (a @ b.T)
            return squared
        called_a, called_b = self.called[rows], self.called[columns]
        squared = (a * a) @ called_b.T + called_a @ (b * b).T - 2 * (a @ b.T)
        if self.method == "identity":
            squared = squared * (a.shape[1] / np.maximum(called_a @ called_b.T, 1))
        return squared

    def _smaller_heterozygote_count(self, rows: Pairs, columns: Pairs) -> Floats:
        a, b = self.heterozygous[rows], self.heterozygous[columns]
        smaller: Floats
        if self.called is None:
            smaller = np.minimum(a.sum(1)[:, None], b.sum(1)[None, :])
        else:
            smaller = np.minimum(a @ self.called[columns].T, self.called[rows] @ b.T)
        return smaller


def spread_out(length: int, at_most: int) -> Pairs:
    """Evenly spaced indices of an axis, at most so many."""
    return np.unique(np.linspace(0, length - 1, min(length, at_most)).astype(np.int64))


def _noise(calls: Calls, ploidy: int, method: str) -> float:
    """Standard error of the score: half the spread of its difference between the two halves of the variants.

    Kinship is the same in both halves and cancels; what single variants and shared haplotypes add by chance does not.
    """
    some = spread_out(calls.shape[0], 1000)
    middle = calls.shape[1] // 2
    halves = [_Comparison(part, ploidy, method) for part in (calls[some, :middle], calls[some, middle:])]
    everyone = np.arange(len(some))
    upper = np.triu_indices(len(some), 1)
    first, second = (half.score(everyone, everyone)[upper] for half in halves)
    return float(np.std(first - second)) / 2


def _chosen_variants(genotypes: Genotypes) -> Calls:
    """Evenly spaced variants that vary, as many as the budget of pairs × variants allows."""
    limit = int(min(_VARIANTS_MAX, max(1000, _WORK / genotypes.n**2)))
    calls = np.asarray(genotypes.calls[:, spread_out(genotypes.m, 2 * limit)])
    varies = calls.max(axis=0) != np.where(calls == MISSING, genotypes.ploidy, calls).min(axis=0)
    kept = np.flatnonzero(varies)
    return np.ascontiguousarray(calls[:, kept[spread_out(len(kept), limit)]]) if len(kept) else calls[:, :0]


def _exact(genotypes: Genotypes, notes: list[str]) -> Relatives:
    """Pairs of rows equal in every call, by hashing; left alone when so many are equal that it means nothing."""
    first: dict[bytes, int] = {}
    found = []
    for i in range(genotypes.n):
        row = np.ascontiguousarray(genotypes.calls[i])
        digest = hashlib.blake2b(row.data, digest_size=16).digest()  # rows together may be larger than memory
        if (j := first.setdefault(digest, i)) != i:
            found.append((j, i))
    pairs = np.array(found, dtype=np.int64).reshape(-1, 2)
    if len(np.unique(pairs)) > _crowd(genotypes.n):
        pairs = pairs[:0]
        notes = [*notes, "Many individuals are identical, so the split does not keep them together."]
    ones = np.ones(len(pairs), dtype=np.float32)
    return Relatives(pairs, ones, ones.astype(bool), "exact", 1.0, genotypes.m, notes)


def _crowd(n: int) -> float:
    return max(3.0, _CROWD * n)
