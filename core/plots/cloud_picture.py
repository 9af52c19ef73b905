"""A cloud of many pale points as a picture: what lies behind the points that a reader looks at."""

from __future__ import annotations

import base64
import io

import numpy as np
import numpy.typing as npt

_SHARP = 2  # pixels of the picture a pixel of the page, for screens that show both
_RADIUS = 1.6  # of a point, in pixels of the page


def cloud_picture(
    points: npt.NDArray[np.floating], sides: tuple[list[float], list[float]], side: int, *, colour: str, opacity: float
) -> str:
    """Points (n, 2) between the limits `sides` on a square of `side` pixels, as a PNG data URI.

    Where points overlap they darken as drawn ones do: k of them let (1 − opacity)^k of the page through.
    """
    from PIL import Image

    size = side * _SHARP
    low, high = np.array(sides, dtype=np.float64).T
    place = np.rint((points - low) / (high - low) * size - 0.5)
    place = place[np.isfinite(place).all(axis=1)].astype(np.int64)
    reach = int(_RADIUS * _SHARP)
    steps = np.argwhere(np.ones((2 * reach + 1, 2 * reach + 1))) - reach
    disc = steps[(steps**2).sum(axis=1) <= (_RADIUS * _SHARP) ** 2]
    x, y = (place[:, None] + disc[None]).reshape(-1, 2).T
    inside = (x >= 0) & (x < size) & (y >= 0) & (y < size)
    count = np.bincount((size - 1 - y[inside]) * size + x[inside], minlength=size * size).reshape(size, size)
    rgba = np.empty((size, size, 4), dtype=np.uint8)
    rgba[..., :3] = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    rgba[..., 3] = np.rint(255 * (1 - (1 - opacity) ** count))
    stream = io.BytesIO()
    Image.fromarray(rgba).save(stream, format="png")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
