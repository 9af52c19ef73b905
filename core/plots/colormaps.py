"""The two colour scales of matrices, the same in charts that the browser draws and in pictures that we draw."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

# viridis (van der Walt & Smith 2015) and PuOr (Brewer 2002): ordered in lightness, safe for the colour-blind.
_VIRIDIS = (
    "440154 481a6c 472f7d 414487 39568c 31688e 2a788e 23888e 1f988b 22a884 35b779 54c568 7ad151 a5db36 d2e21b fde725"
)
_PURPLE_ORANGE = "2d004b 542788 8073ac b2abd2 d8daeb f7f7f7 fee0b6 fdb863 e08214 b35806 7f3b08"

SEQUENTIAL = [f"#{stop}" for stop in _VIRIDIS.split()]
DIVERGING = [f"#{stop}" for stop in _PURPLE_ORANGE.split()]


@cache
def colour_table(stops: tuple[str, ...]) -> npt.NDArray[np.uint8]:
    """(256, 3) uint8 red, green, blue from the first to the last of `stops` (#rrggbb)."""
    known = np.array([[int(stop[k : k + 2], 16) for k in (1, 3, 5)] for stop in stops])
    at = np.linspace(0, len(known) - 1, 256)
    return np.stack([np.interp(at, np.arange(len(known)), known[:, c]) for c in range(3)], axis=1).astype(np.uint8)
