"""Lesson 5: synthetic points among real ones, and the balls of precision and recall around both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.evaluation.manifold import indicators
from core.evaluation.neighbours import Neighbours, neighbours_of

Floats = npt.NDArray[np.float64]

POPULATIONS = 5  # on a circle of radius 1
EACH = 24  # points of a population
LARGEST = 60  # k: half of the cohort
_SD, _CUT = 0.15, 2.0  # of a population in each direction, and where it ends, in standard deviations


@dataclass(frozen=True)
class Neighbourhood:
    """Real and synthetic points, measured at every k from 1 to LARGEST.

    Attributes:
        real, synthetic: (n, 2).
        neighbours: of the synthetic among the real.
        precision, recall: (LARGEST,), the first at k = 1.
        ceiling: (LARGEST,), recall of a second real sample.
    """

    real: Floats
    synthetic: Floats
    neighbours: Neighbours
    precision: Floats
    recall: Floats
    ceiling: Floats

    def radius(self, k: int, *, synthetic: bool) -> Floats:
        """(n,) of the balls around either side's points."""
        squared = self._synthetic_radius if synthetic else self.neighbours.reference_radius
        return np.sqrt(squared[:, self.neighbours.column(k)].astype(np.float64))

    def inside(self, k: int, *, synthetic: bool) -> npt.NDArray[np.bool_]:
        """(n,) whether a synthetic point lies in a real ball, or a real one in a synthetic ball."""
        return indicators(self.neighbours, "precision" if synthetic else "recall", k) > 0

    @property
    def _synthetic_radius(self) -> npt.NDArray[np.float32]:
        return neighbours_of(self.synthetic, self.real, self.neighbours.ks).reference_radius


def simulate(shift: float, spread: float, missing: int, seed: int) -> Neighbourhood:
    """Five real populations on a circle, and a synthetic cohort of the same size.

    Args:
        shift: how far every synthetic population has moved to the middle, 0 (in its place) to 1 (all in one).
        spread: of the synthetic points around their population's middle, as a multiple of the real.
        missing: populations that are never generated; the others are larger instead.
        seed: of all points.
    """
    rng = np.random.default_rng(seed)
    angle = np.pi / 2 + 2 * np.pi * np.arange(POPULATIONS) / POPULATIONS
    middle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    n = POPULATIONS * EACH
    everybody = np.arange(n) % POPULATIONS
    real, again = (middle[everybody] + _SD * _cloud(rng, n) for _ in range(2))
    kept = np.arange(n) % (POPULATIONS - missing)
    synthetic = (1 - shift) * middle[kept] + spread * _SD * _cloud(rng, n)
    ks = range(1, LARGEST + 1)
    found, ceiling = (neighbours_of(real, candidate, ks) for candidate in (synthetic, again))
    return Neighbourhood(
        real=real,
        synthetic=synthetic,
        neighbours=found,
        precision=_curve(found, "precision"),
        recall=_curve(found, "recall"),
        ceiling=_curve(ceiling, "recall"),
    )


def _curve(found: Neighbours, name: str) -> Floats:
    return np.array([indicators(found, name, k).mean() for k in found.ks])


def _cloud(rng: np.random.Generator, n: int) -> Floats:
    """(n, 2) standard normal, cut at a radius of _CUT: no single outlier whose ball would cover everything."""
    angle = rng.uniform(0, 2 * np.pi, n)
    radius = np.sqrt(-2 * np.log1p(-rng.uniform(size=n) * (1 - np.exp(-(_CUT**2) / 2))))
    return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
