"""Pearson correlation and root mean square difference from sums over blocks, so that blocks can be resampled."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# Contiguous blocks of variants that a bootstrap replicate draws from.
BLOCKS = 100

# Entries summed at once: a bounded float64 copy of vectors of tens of millions of pairs.
_CHUNK = 1 << 20


def moments(
    x: npt.NDArray[np.floating], y: npt.NDArray[np.floating], code: npt.NDArray[np.integer], size: int
) -> Floats:
    """(size, 6) float64: count, Σx, Σy, Σx², Σy², Σxy of the entries with each code 0..size-1.

    Entries where x or y is NaN are left out.
    """
    sums = np.zeros((size, 6))
    for start in range(0, len(x), _CHUNK):
        part = slice(start, start + _CHUNK)
        left, right = x[part].astype(np.float64), y[part].astype(np.float64)
        keep = np.isfinite(left) & np.isfinite(right)
        left, right, here = left[keep], right[keep], code[part][keep]
        terms = (None, left, right, left * left, right * right, left * right)
        sums += np.stack([np.bincount(here, weights=term, minlength=size) for term in terms], axis=-1)
    return sums


def pearson(sums: Floats) -> Floats:
    """(…,) float64: Pearson correlation from (…, 6) `moments`; NaN where either side does not vary."""
    count, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance_x, variance_y = xx / count - (x / count) ** 2, yy / count - (y / count) ** 2
        # A constant column leaves rounding dust of the size of eps times its square, not an exact zero.
        flat = (variance_x <= 1e-12 * xx / count) | (variance_y <= 1e-12 * yy / count)
        r = (xy / count - x * y / count**2) / np.sqrt(np.where(flat, np.nan, variance_x * variance_y))
    return np.clip(r, -1.0, 1.0)


def rmse(sums: Floats) -> Floats:
    """(…,) float64: √ mean (x − y)² from (…, 6) `moments`."""
    count, _, _, xx, yy, xy = np.moveaxis(sums, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.sqrt(np.maximum(xx + yy - 2 * xy, 0.0) / count)


def ratio(sums: Floats) -> Floats:
    """(…,) float64: Σy / Σx from (…, 6) `moments`."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums[..., 2] / sums[..., 1]


def mean_gap(sums: Floats) -> Floats:
    """(…,) float64: |mean y − mean x| from (…, 6) `moments`; NaN without entries."""
    return np.abs(sums[..., 2] - sums[..., 1]) / np.where(sums[..., 0] > 0, sums[..., 0], np.nan)


def mean_of_known(values: Floats, axis: int) -> Floats:
    """Mean along `axis` of the values that are numbers; NaN where none is."""
    there = np.isfinite(values)
    count = there.sum(axis=axis)
    return np.where(there, values, 0.0).sum(axis=axis) / np.where(count > 0, count, np.nan)


def pair_replicates(sums: Floats, weights: Floats) -> Floats:
    """(draws, 6) moments over pairs of entries from those by block of either, (blocks, blocks, 6), in each replicate.

    A block that stands twice in a replicate brings its own pairs twice, not pairs between its two copies.
    """
    own = np.arange(len(sums))
    between = sums.copy()
    between[own, own] = 0
    return np.einsum("da,db,abk->dk", weights, weights, between, optimize=True) + weights @ sums[own, own]


def slope(sums: Floats) -> Floats:
    """(…,) float64: slope of y on x through the origin, Σxy / Σx², from (…, 6) `moments`."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums[..., 5] / sums[..., 3]
