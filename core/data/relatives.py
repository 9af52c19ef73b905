"""Duplicates and close relatives, found by blocked matrix products."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core.data.genotypes import MISSING, Calls, Genotypes
from core.data.missing import has_missing

# Kinship bounds of Manichaikul et al. 2010 (KING), table 1: powers 2^-(k + 1/2) between the degrees.
DUPLICATE = 0.354
FIRST_DEGREE = 0.177
# Identity scale, for haploid and inbred data where kinship by heterozygotes is undefined.
IDENTICAL = 0.98

_INDIVIDUALS_MAX = 20_000  # beyond it all pairs would take too long; exact duplicates are still found
_VARIANTS_MAX = 20_000
_WORK = 5e11  # pairs × variants: seconds on two cores
_ROWS = 1024
_SPREADS = 6.0  # how far a bound must lie above the typical pair before passing it means anything
_CROWD = 0.1  # a family of more than a tenth of the cohort is not a family

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

    A bound is used only where it lies six spreads (84th percentile - median) above the typical pair of one population:
    in a short region unrelated people share whole haplotypes, and no estimate from it can tell them from siblings.
    """
    if genotypes.n > _INDIVIDUALS_MAX:
        note = (
            f"Relatives were not looked for among {genotypes.n:,} individuals (limit {_INDIVIDUALS_MAX:,}); "
            "only exact duplicates were."
        )
        return _exact(genotypes, [note])
    calls = _chosen_variants(genotypes)
    if calls.shape[1] == 0:
        return _exact(genotypes, ["No variant differs between individuals, so relatives cannot be told."])
    compare = _Comparison(calls, genotypes)
    notes: list[str] = []
    for bound in compare.bounds:
        if bound < compare.centre + _SPREADS * compare.spread:
            continue
        found = compare.pairs_above(bound)
        if found is not None and largest_group(found[0], genotypes.n) <= max(2, _CROWD * genotypes.n):
            pairs, score = found
            if compare.method == "kinship" and bound == DUPLICATE:
                notes.append(
                    "The variants are too few or too linked to tell relatives; only duplicates were looked for."
                )
            return Relatives(
                pairs, score, score > compare.duplicate_bound, compare.method, bound, calls.shape[1], notes
            )
    notes.append(
        "The variants are too few or too linked to tell relatives; only identical individuals were looked for."
    )
    return _exact(genotypes, notes)


def groups(pairs: Pairs, n: int) -> npt.NDArray[np.int64]:
    """(n,) the group of each individual: the smallest index among those that a chain of pairs joins to it."""
    root = np.arange(n, dtype=np.int64)
    while len(pairs):
        low = np.minimum(root[pairs[:, 0]], root[pairs[:, 1]])
        before = root.copy()
        np.minimum.at(root, pairs[:, 0], low)
        np.minimum.at(root, pairs[:, 1], low)
        root = root[root]
        if np.array_equal(before, root):
            break
    return root


def largest_group(pairs: Pairs, n: int) -> int:
    """Size of the largest group that `pairs` join."""
    return int(np.bincount(groups(pairs, n)).max())


class _Comparison:
    """All pairs of a matrix on one scale of likeness, a block of rows at a time."""

    def __init__(self, calls: Calls, genotypes: Genotypes) -> None:
        self.complete = not has_missing(calls)
        self.called = None if self.complete else (calls != MISSING).astype(np.float32)
        self.x = np.where(calls == MISSING, 0, calls).astype(np.float32)
        self.heterozygous = (self.x == 1).astype(np.float32) if genotypes.ploidy == 2 else None
        p = self.x.mean(axis=0) / genotypes.ploidy
        expected = float((2 * p * (1 - p)).mean())
        observed = 0.0 if self.heterozygous is None else float(self.heterozygous.mean())
        self.method = "kinship" if observed > 0.3 * expected else "identity"
        self.bounds = (FIRST_DEGREE, DUPLICATE) if self.method == "kinship" else (IDENTICAL,)
        self.duplicate_bound = DUPLICATE if self.method == "kinship" else IDENTICAL
        self.typical = 1.0
        self._measure_typical_pairs(genotypes)

    def _measure_typical_pairs(self, genotypes: Genotypes) -> None:
        """Centre and spread of the score over pairs of one population, from at most 1,000 individuals."""
        some = np.unique(np.linspace(0, len(self.x) - 1, min(len(self.x), 1000)).astype(np.int64))
        if self.method == "identity":
            self.typical = max(float(self._distance(some, some).mean()), 1e-9)
        score = self._score(some, some)
        same = np.triu(np.ones(score.shape, dtype=bool), 1)
        if genotypes.population is not None:
            population = genotypes.population[some]
            within = same & (population[:, None] == population[None, :])
            same = within if within.any() else same
        low, high = np.percentile(score[same], [50, 84]) if same.any() else (0.0, 0.0)
        self.centre, self.spread = float(low), float(high - low)

    def pairs_above(self, bound: float) -> tuple[Pairs, Floats] | None:
        """Pairs whose score passes `bound`; None when they are so many that they cannot be families."""
        n = len(self.x)
        pairs: list[Pairs] = []
        scores: list[Floats] = []
        for start in range(0, n, _ROWS):
            rows = np.arange(start, min(start + _ROWS, n))
            columns = np.arange(start, n)
            score = self._score(rows, columns)
            first, second = np.nonzero(np.triu(score > bound, 1))
            pairs.append(np.stack([rows[first], columns[second]], axis=1))
            scores.append(score[first, second])
            if sum(map(len, pairs)) > 20 * n:
                return None
        return np.concatenate(pairs), np.concatenate(scores)

    def _score(self, rows: Pairs, columns: Pairs) -> Floats:
        distance = self._distance(rows, columns)
        score: Floats
        if self.method == "identity":
            score = 1 - distance / np.float32(self.typical)
        else:
            heterozygotes = self._smaller_heterozygote_count(rows, columns)
            score = np.float32(0.5) - distance / (4 * np.maximum(heterozygotes, 1))
        return score

    def _distance(self, rows: Pairs, columns: Pairs) -> Floats:
        """Σ(x_i - x_j)² over variants called in both; a mean over them when some are missing, rescaled to all."""
        a, b = self.x[rows], self.x[columns]
        if self.called is None:
            squared: Floats = (a * a).sum(1)[:, None] + (b * b).sum(1)[None, :] - 2 * (a @ b.T)
            return squared
        ca, cb = self.called[rows], self.called[columns]
        squared = (a * a) @ cb.T + ca @ (b * b).T - 2 * (a @ b.T)
        if self.method == "identity":
            squared = squared * (a.shape[1] / np.maximum(ca @ cb.T, 1))
        return squared

    def _smaller_heterozygote_count(self, rows: Pairs, columns: Pairs) -> Floats:
        assert self.heterozygous is not None
        a, b = self.heterozygous[rows], self.heterozygous[columns]
        smaller: Floats
        if self.called is None:
            smaller = np.minimum(a.sum(1)[:, None], b.sum(1)[None, :])
        else:  # a missing call was set to 0, so it is not among the heterozygotes
            smaller = np.minimum(a @ self.called[columns].T, self.called[rows] @ b.T)
        return smaller


def _chosen_variants(genotypes: Genotypes) -> Calls:
    """Evenly spaced variants that vary, as many as the budget of pairs × variants allows."""
    limit = int(min(_VARIANTS_MAX, max(1000, _WORK / genotypes.n**2)))
    index = np.unique(np.linspace(0, genotypes.m - 1, min(genotypes.m, 2 * limit)).astype(np.int64))
    calls = np.asarray(genotypes.calls[:, index])
    varies = calls.max(axis=0) != np.where(calls == MISSING, genotypes.ploidy, calls).min(axis=0)
    kept = np.flatnonzero(varies)
    if len(kept) > limit:
        kept = kept[np.linspace(0, len(kept) - 1, limit).astype(np.int64)]
    return np.ascontiguousarray(calls[:, kept])


def _exact(genotypes: Genotypes, notes: list[str]) -> Relatives:
    """Pairs of rows equal in every call, by hashing; a crowd of equal rows is no sign of anything and is left alone."""
    first: dict[bytes, int] = {}
    found = []
    for i in range(genotypes.n):
        j = first.setdefault(genotypes.calls[i].tobytes(), i)
        if j != i:
            found.append((j, i))
    pairs = np.array(found, dtype=np.int64).reshape(-1, 2)
    if len(pairs) and largest_group(pairs, genotypes.n) > max(2, _CROWD * genotypes.n):
        pairs = pairs[:0]
        notes = [*notes, "Many individuals are identical, so the split does not keep them together."]
    ones = np.ones(len(pairs), dtype=np.float32)
    return Relatives(pairs, ones, ones.astype(bool), "exact", 1.0, genotypes.m, notes)
