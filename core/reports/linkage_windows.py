"""Windows of a contig: the part of a report's r² that a reader looks at, exact where it is small, pooled where not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.reports.linkage_bands import square
from core.words import position as base_pairs

Matrix = npt.NDArray[np.floating[Any]]

LARGEST = 500
"""Variants of a window up to which every pair has a cell of its own; more would be a message of megabytes."""


@dataclass(frozen=True)
class Window:
    """r² between the rows of a window.

    Attributes:
        real, synthetic: (w, w) in 0–1; NaN where a variant does not vary or the pair was not kept.
        position: (w,) base pairs; ranks where the data have no positions.
        identifier: (w,) variant ids; of a pooled row, its first variant.
        contig: name. variants: how many variants the window spans.
        placed: whether `position` are base pairs.
    """

    real: Matrix
    synthetic: Matrix
    position: npt.NDArray[np.int64]
    identifier: npt.NDArray[Any]
    contig: str
    variants: int
    placed: bool = True

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(self.position)

    @property
    def pooled(self) -> bool:
        """Whether a row stands for several neighbouring variants."""
        return self.variants > self.size

    def place(self, value: float) -> str:
        """A position as it is written on an axis."""
        return base_pairs(value) if self.placed else f"variant {value + 1:.0f}"

    def pair(self, i: int, j: int) -> dict[str, Any]:
        """What is known of the pair of the rows i and j."""
        apart = int(abs(self.position[j] - self.position[i]))
        return {
            "variants": (str(self.identifier[i]), str(self.identifier[j])),
            "apart": base_pairs(apart) if self.placed else f"{apart} variants",
            "real": float(self.real[i, j]),
            "synthetic": float(self.synthetic[i, j]),
        }

    def zoom(self, ranges: Sequence[Sequence[float]], whole: tuple[int, int]) -> tuple[int, int]:
        """Positions of what lies inside `ranges` of row numbers (one an axis); `whole` are those of the window."""
        first = max(0, round(min(min(r) for r in ranges)))
        last = min(self.size - 1, round(max(max(r) for r in ranges)))
        low = whole[0] if first == 0 else int(self.position[first])
        high = whole[1] if last == self.size - 1 else int(self.position[last + 1]) - 1
        return low, high


@dataclass(frozen=True)
class Contig:
    """What a report keeps of one contig, as bands of neighbours and a coarse picture; see `linkage_bands`."""

    name: str
    position: npt.NDArray[np.int64]
    identifier: npt.NDArray[Any]
    bands: Mapping[str, npt.NDArray[np.uint8]]
    overviews: Mapping[str, Matrix]
    edges: npt.NDArray[np.int64] | None
    placed: bool

    @property
    def exact(self) -> int:
        """Variants that a window may have while every pair in it is known."""
        return int(self.bands["real"].shape[1]) + 1

    def window(self, low: float, high: float) -> Window:
        """The variants with positions in [low, high]; pooled where they are more than `exact` or LARGEST."""
        start = int(np.searchsorted(self.position, low, side="left"))
        stop = int(np.searchsorted(self.position, high, side="right"))
        if stop - start <= min(self.exact, LARGEST) or self.edges is None:
            stop = min(stop, start + self.exact)
            rows = np.arange(start, stop)
            real, synthetic = (square(self.bands[name], start, stop) for name in ("real", "synthetic"))
        else:
            cells = np.flatnonzero((self.edges[1:] > start) & (self.edges[:-1] < stop))
            rows = self.edges[cells]
            real, synthetic = (
                self.overviews[n][np.ix_(cells, cells)].astype(np.float32) for n in ("real", "synthetic")
            )
        return Window(
            real, synthetic, self.position[rows], self.identifier[rows], self.name, max(0, stop - start), self.placed
        )


def contigs(stored: Mapping[str, npt.NDArray[Any]]) -> dict[str, Contig]:
    """The contigs of a report's `linkage.npz`, by name."""
    found = {}
    for c, name in enumerate(stored["contig"].tolist()):
        position = stored[f"position_{c}"]
        placed = bool(len(position) and position[-1] > 0)
        overview = f"overview_edges_{c}" in stored
        found[str(name)] = Contig(
            name=str(name),
            position=position if placed else np.arange(len(position)),
            identifier=stored[f"id_{c}"],
            bands={k: stored[f"{k}_{c}"] for k in ("real", "synthetic")},
            overviews={k: stored[f"overview_{k}_{c}"] for k in ("real", "synthetic")} if overview else {},
            edges=stored[f"overview_edges_{c}"] if overview else None,
            placed=placed,
        )
    return found
