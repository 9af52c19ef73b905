"""Bootstrap: which individuals or variants each replicate holds, and the interval that replicates give."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def multinomial_weights(n: int, draws: int, generator: np.random.Generator) -> npt.NDArray[np.float32]:
    """(draws, n) float32: how often each of n individuals stands in each replicate; every row sums to n.

    A replicate of any mean over individuals is then one matrix product, e.g. `weights @ calls / n`.
    """
    return generator.multinomial(n, np.full(n, 1.0 / n), size=draws).astype(np.float32)


def resampled_means(values: npt.ArrayLike, draws: int, generator: np.random.Generator) -> Floats:
    """(draws, …) float64: means over the first axis of `values` (n, …) in `draws` replicates of its rows."""
    array = np.asarray(values, dtype=np.float64)
    n = len(array)
    weights = multinomial_weights(n, draws, generator).astype(np.float64)
    means = weights @ array.reshape(n, -1) / n
    return means.reshape(draws, *array.shape[1:])


def contiguous_blocks(m: int, count: int) -> npt.NDArray[np.int64]:
    """(m,) int64: the block 0..count-1 of each variant; blocks are runs of neighbours of equal length (±1).

    Neighbouring variants are correlated, so statistics over variants are resampled by whole blocks
    (Künsch 1989), never variant by variant.
    """
    return np.arange(m, dtype=np.int64) * min(count, m) // max(1, m)


def block_weights(m: int, count: int, draws: int, generator: np.random.Generator) -> Floats:
    """(draws, blocks) float64: how often each contiguous block of variants stands in each replicate; (0, 1) of one."""
    return multinomial_weights(min(count, m), draws if m > 1 else 0, generator).astype(np.float64)


def interval(
    value: float, draws: Floats | None, confidence: float, bounds: tuple[float, float] = (-np.inf, np.inf)
) -> tuple[float, float] | None:
    """(low, high): percentiles of the replicates after moving their mean onto `value`, within `bounds`.

    A replicate holds repeated individuals and so is noisier than the data: distances come out larger and
    correlations smaller in all of them. Moving the replicates onto the value removes that shift and keeps
    their spread (the bias-corrected percentile interval, Efron & Tibshirani 1993, 10.6). None without at least 20
    finite replicates.
    """
    if draws is None:
        return None
    finite = draws[np.isfinite(draws)]
    if len(finite) < 20:
        return None
    tail = (1 - confidence) / 2
    low, high = np.quantile(finite - finite.mean() + value, [tail, 1 - tail])
    return float(np.clip(low, *bounds)), float(np.clip(high, *bounds))
