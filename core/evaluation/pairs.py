"""Which pairs of variants linkage is measured on, and the correlation of calls over those pairs, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.data.genotypes import MISSING, Calls, Genotypes

Floats = npt.NDArray[np.float32]
Index = npt.NDArray[np.int32]

# Up to this many variants every pair is measured; above, all pairs within WINDOW variants of each other on
# one contig, and all pairs among SAMPLED random variants for what lies further apart.
ALL_PAIRS = 2000
WINDOW = 100
SAMPLED = 800

# Distance bins a decade, and the pairs that a bin needs to be kept.
_PER_DECADE = 4
_LEAST = 30

# Variants a tile of the window: wider tiles compute more pairs beyond it, narrower ones waste the matrix product.
_TILE = 128


@dataclass(frozen=True)
class Pairs:
    """The pairs (left < right) that every cohort of a report is measured on.

    Attributes:
        m: variants. left, right: (P,) int32 variant numbers.
        edges: (bins + 1,) float64 distances in base pairs, empty where positions are unknown.
        bin: (P,) int16 distance bin, -1 for other contigs, unknown positions and bins with too few pairs.
        far: (P,) bool, on different contigs or more than half a contig apart.
        tiles: blocks (rows, columns) of variants that hold the pairs. described: how they were chosen, for `params`.
    """

    m: int
    left: Index
    right: Index
    edges: npt.NDArray[np.float64]
    bin: npt.NDArray[np.int16]
    far: npt.NDArray[np.bool_]
    tiles: tuple[tuple[Index, Index, npt.NDArray[np.bool_]], ...]
    described: str

    @property
    def bins(self) -> int:
        """Number of distance bins; 0 without positions."""
        return max(0, len(self.edges) - 1)


def choose(genotypes: Genotypes, seed: int) -> Pairs:
    """The pairs for a cohort's variants: the same for the same variants and seed, whatever the calls."""
    m = genotypes.m
    contig = np.unique(genotypes.variant_contig, return_inverse=True)[1].ravel()
    tiles = tuple(_all_tiles(m) if m <= ALL_PAIRS else [*_window_tiles(contig), *_sampled_tiles(contig, seed)])
    left = np.concatenate([np.broadcast_to(r[:, None], keep.shape)[keep] for r, _, keep in tiles])
    right = np.concatenate([np.broadcast_to(c[None, :], keep.shape)[keep] for _, c, keep in tiles])
    position = genotypes.variant_position if genotypes.has_positions else None
    edges, bins = _distance_bins(left, right, contig, position)
    described = "all"
    if m > ALL_PAIRS:
        described = f"within {WINDOW} variants, and among {min(SAMPLED, m)} random variants (seed {seed})"
    return Pairs(m, left, right, edges, bins, _far(left, right, contig, position), tiles, described)


def pair_r(calls: Calls, pairs: Pairs) -> Floats:
    """(P,) float32 Pearson correlation of the calls of each pair; NaN where one of the two does not vary.

    Missing calls are left out pair by pair, as in Rogers & Huff 2009. Peak memory beside the result: float32
    copies of the calls of one tile of variants.
    """
    parts = []
    for rows, columns, keep in pairs.tiles:
        right = columns_of(calls, columns)
        if np.array_equal(rows, columns):
            left = right  # the same object: half the product
        elif rows[0] == columns[0]:
            left = right[:, : len(rows)]
        else:
            left = columns_of(calls, rows)
        parts.append(correlate(left, right)[keep])
    return np.concatenate(parts)


def columns_of(calls: Calls, index: npt.NDArray[np.integer]) -> Calls:
    """(n, w) int8 columns of (n, m) calls, contiguous in memory; a run of neighbours is copied as one."""
    if len(index) and index[-1] - index[0] == len(index) - 1 and (np.diff(index) == 1).all():
        return np.ascontiguousarray(calls[:, int(index[0]) : int(index[-1]) + 1])
    return np.ascontiguousarray(calls[:, index])


def correlate(left: Calls, right: Calls) -> Floats:
    """(a, b) float32 Pearson correlations between the columns of (n, a) and (n, b) int8 calls.

    NaN where a column does not vary (among the individuals called at both). Complete calls take one matrix product;
    with missing calls six give the pairwise-complete value. All products are integers below 2^24 and so exact in
    float32; only what follows is rounded, in float64.
    """
    same = left is right
    if (left == MISSING).any() or (not same and (right == MISSING).any()):
        return _correlate_called(left, right)
    a = left.astype(np.float32)
    b = a if same else right.astype(np.float32)
    sum_a, scale_a = _moments(a)
    sum_b, scale_b = (sum_a, scale_a) if same else _moments(b)
    r = (a.T @ b).astype(np.float64)
    r -= np.multiply.outer(sum_a / max(1, len(a)), sum_b)
    r *= scale_a[:, None]
    r *= scale_b
    return np.asarray(r, dtype=np.float32)


def tile_sums(
    values: npt.NDArray[np.generic], rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Sums of a matrix over the cells that begin at the rows and columns given."""
    return np.add.reduceat(np.add.reduceat(values, rows, axis=0, dtype=np.float64), columns, axis=1)


def r_squared(calls: Calls) -> Floats:
    """(m, m) float32 r² between all columns of (n, m) calls, for few variants; NaN where a variant does not vary."""
    return np.square(correlate(calls, calls))


def _moments(columns: Floats) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(sums of the columns, 1 / √ of their sums of squares about the mean); NaN where a column does not vary."""
    total = columns.sum(axis=0).astype(np.float64)
    square = np.einsum("ij,ij->j", columns, columns).astype(np.float64) - total**2 / max(1, len(columns))
    # A column of integers that varies at all has a sum of squares of at least 1 − 1/n.
    return total, 1 / np.sqrt(np.where(square > 0.1, square, np.nan))


def _correlate_called(left: Calls, right: Calls) -> Floats:
    here, there = ((x != MISSING).astype(np.float32) for x in (left, right))
    a, b = left * here, right * there
    n = (here.T @ there).astype(np.float64)
    sum_a, sum_b = a.T @ there, here.T @ b
    with np.errstate(invalid="ignore", divide="ignore"):
        # Every product is an exact integer in float32; the differences of them are taken in float64.
        covariance = n * (a.T @ b) - sum_a.astype(np.float64) * sum_b
        variance_a = n * ((a * a).T @ there) - np.square(sum_a, dtype=np.float64)
        variance_b = n * (here.T @ (b * b)) - np.square(sum_b, dtype=np.float64)
        r = covariance / np.sqrt(variance_a * variance_b)
    r[(variance_a <= 0) | (variance_b <= 0)] = np.nan
    return np.asarray(r, dtype=np.float32)


def _all_tiles(m: int) -> Iterator[tuple[Index, Index, npt.NDArray[np.bool_]]]:
    everyone = np.arange(m, dtype=np.int32)
    starts = range(0, m, ALL_PAIRS // 2)
    for a in starts:
        for b in starts:
            if b >= a:
                rows, columns = everyone[a : a + ALL_PAIRS // 2], everyone[b : b + ALL_PAIRS // 2]
                yield rows, columns, columns[None, :] > rows[:, None]


def _window_tiles(contig: npt.NDArray[np.int64]) -> Iterator[tuple[Index, Index, npt.NDArray[np.bool_]]]:
    everyone = np.arange(len(contig), dtype=np.int32)
    for start in range(0, len(contig), _TILE):
        rows, columns = everyone[start : start + _TILE], everyone[start : start + _TILE + WINDOW]
        yield rows, columns, _within_window(rows, columns, contig)


def _sampled_tiles(contig: npt.NDArray[np.int64], seed: int) -> Iterator[tuple[Index, Index, npt.NDArray[np.bool_]]]:
    m = len(contig)
    chosen = np.sort(np.random.default_rng([seed, 31]).choice(m, min(SAMPLED, m), replace=False)).astype(np.int32)
    yield chosen, chosen, (chosen[None, :] > chosen[:, None]) & ~_within_window(chosen, chosen, contig)


def _within_window(rows: Index, columns: Index, contig: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    apart = columns[None, :] - rows[:, None]
    return (apart > 0) & (apart <= WINDOW) & (contig[columns][None, :] == contig[rows][:, None])


def _distance_bins(
    left: Index, right: Index, contig: npt.NDArray[np.int64], position: npt.NDArray[np.int64] | None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int16]]:
    """Logarithmic edges over the distances that occur, and the bin of each pair."""
    bins = np.full(len(left), -1, dtype=np.int16)
    if position is None or not len(left):
        return np.empty(0), bins
    distance = np.abs(position[right] - position[left])
    known = (contig[left] == contig[right]) & (position[left] > 0) & (position[right] > 0) & (distance > 0)
    if not known.any():
        return np.empty(0), bins
    low, high = np.log10(distance[known].min()), np.log10(distance[known].max() + 1)
    first, last = int(np.floor(low * _PER_DECADE)), int(np.ceil(high * _PER_DECADE))
    edges = np.power(10.0, np.arange(first, max(last, first + 1) + 1) / _PER_DECADE)
    bins[known] = np.searchsorted(edges, distance[known], side="right") - 1
    count = np.bincount(bins[known], minlength=len(edges) - 1)
    bins[known & (count[bins] < min(_LEAST, count.max()))] = -1
    return edges, bins


def _far(
    left: Index, right: Index, contig: npt.NDArray[np.int64], position: npt.NDArray[np.int64] | None
) -> npt.NDArray[np.bool_]:
    """Different contigs, or further apart than half the contig (in base pairs; in variants without positions)."""
    place = np.arange(len(contig), dtype=np.int64) if position is None else position
    contigs = int(contig.max(initial=0)) + 1
    least, most = np.full(contigs, np.iinfo(np.int64).max), np.full(contigs, -1)
    np.minimum.at(least, contig, place)
    np.maximum.at(most, contig, place)
    half = (most - least) / 2
    return (contig[left] != contig[right]) | (np.abs(place[right] - place[left]) > half[contig[left]])
