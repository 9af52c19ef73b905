"""r² of neighbouring variants as bytes: one row a variant, one column a step to the right."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

UNDEFINED = 255
_STEPS = 254


def pack(r2: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """r² in 0–1 as bytes 0..254; NaN becomes 255. Rounding moves a value by at most 0.002."""
    scaled = np.nan_to_num(np.clip(r2, 0, 1) * _STEPS + 0.5, nan=UNDEFINED)
    return np.asarray(scaled, dtype=np.uint8)


def unpack(packed: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """The inverse of `pack`: float32, NaN where undefined."""
    return np.where(packed == UNDEFINED, np.float32(np.nan), packed / np.float32(_STEPS)).astype(np.float32)


def square(band: npt.NDArray[np.uint8], start: int, stop: int) -> npt.NDArray[np.float32]:
    """(w, w) float32 symmetric r² of the variants start..stop-1 of a contig from its (m, width) `band`.

    `band[i, d]` belongs to the variants i and i + 1 + d. The diagonal is 1; pairs further apart than the band is
    wide, and pairs with a variant that does not vary, are NaN.
    """
    size = stop - start
    whole = np.full((size, size), np.nan, dtype=np.float32)
    np.fill_diagonal(whole, 1.0)
    values = unpack(band[start:stop, : max(0, size - 1)])
    for step in range(values.shape[1]):
        left = np.arange(size - 1 - step)
        whole[left, left + 1 + step] = whole[left + 1 + step, left] = values[: size - 1 - step, step]
    return whole
