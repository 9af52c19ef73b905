"""A triangle of pairs as a picture, for windows with more pairs than a browser draws one by one."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from core.plots.colormaps import colour_table


def picture(
    values: npt.NDArray[Any],
    width: int,
    height: int,
    *,
    limits: tuple[float, float],
    stops: Sequence[str],
    down: bool = False,
) -> str:
    """The upper triangle of the (w, w) matrix `values` as a PNG data URI; `down` hangs it from its base.

    Colours run over `stops` from one limit to the other; outside the triangle the picture is transparent.
    """
    from PIL import Image

    rows = turned(values, width, height)
    rows = rows[::-1] if down else rows
    low, high = limits
    level = np.clip((np.nan_to_num(rows) - low) / (high - low), 0, 1) * 255
    rgba = np.empty((*rows.shape, 4), dtype=np.uint8)
    rgba[..., :3] = colour_table(tuple(stops))[level.astype(np.uint8)]
    rgba[..., 3] = np.where(np.isnan(rows), 0, 255)
    stream = io.BytesIO()
    Image.fromarray(rgba).save(stream, format="png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


def turned(values: npt.NDArray[Any], width: int, height: int) -> npt.NDArray[np.float64]:
    """(height, width) the upper triangle turned by 45°, row 0 the farthest pairs; NaN outside the triangle."""
    size = len(values)
    x = (np.arange(width) + 0.5) / width * size - 0.5
    y = (1 - (np.arange(height) + 0.5) / height) * size
    i = np.rint(x[None, :] - y[:, None] / 2).astype(int)
    j = np.rint(x[None, :] + y[:, None] / 2).astype(int)
    inside = (i >= 0) & (j < size) & (i < j)
    # Summed-area table of the block under a pixel: a pixel shows the mean of its pairs, not one of them.
    half = max(0, int(size / width / 2))
    filled = np.nan_to_num(values.astype(np.float64))
    area = np.pad(filled, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    i0, i1 = np.clip(i - half, 0, size), np.clip(i + half + 1, 0, size)
    j0, j1 = np.clip(j - half, 0, size), np.clip(j + half + 1, 0, size)
    total = area[i1, j1] - area[i0, j1] - area[i1, j0] + area[i0, j0]
    cells = np.maximum((i1 - i0) * (j1 - j0), 1)
    return np.where(inside, total / cells, np.nan)
