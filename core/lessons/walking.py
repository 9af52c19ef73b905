"""Lesson 10: three ways from one Gaussian to another, by mixture, by optimal transport, through a latent space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from core.evaluation.transport import gaussian_geodesic

Floats = npt.NDArray[np.float64]

POINTS = 300
OBSERVATIONS = 500  # of either end, from which the trained model takes its latent
GENERATED = 400  # by the trained model at t, from which density and spread are estimated
PATHS = ("Mixture", "Transport", "Latent")

# Centre and standard deviation of A, where the shipped model of Gaussians in the plane has seen many sets: it was
# trained on centres from 0 to 5 and standard deviations of some 0.4.
CENTRE, SPREAD = (1.0, 2.5), 0.35
GRID: Floats = np.linspace(-0.5, 6.5, 281)
_PROMINENT = 0.1  # dip beside a hump, as a share of the highest, below which an estimated one is chance


class Model(Protocol):
    """A trained model of sets, as far as a walk needs it."""

    def embed(self, x: npt.NDArray[Any], n: int | None = None) -> npt.NDArray[np.float32]:
        """(k, 2) observations → (latent,)."""
        ...

    def generate(self, z: npt.NDArray[Any], n: int, seed: int) -> npt.NDArray[Any]:
        """(b, latent) → (b, n, 2) observations."""
        ...


@dataclass(frozen=True)
class Path:
    """What lies at t on one of the ways.

    Attributes:
        points: (POINTS, 2) observations.
        density: (len(GRID),) of the first coordinate, along the line from A to B.
        variance: of the first coordinate.
        estimated: whether density and variance are estimates from GENERATED observations; else they are exact.
    """

    points: Floats
    density: Floats
    variance: float
    estimated: bool = False

    @property
    def spread(self) -> float:
        """Standard deviation along the line."""
        return float(np.sqrt(self.variance))

    @property
    def humps(self) -> int:
        """Local maxima of the density; of an estimated one those that rise out of their surroundings."""
        from scipy.signal import find_peaks

        prominence = (_PROMINENT if self.estimated else 1e-6) * float(self.density.max())
        return len(find_peaks(self.density, prominence=prominence)[0])


@dataclass(frozen=True)
class Moment:
    """The three ways at one t, and the two ends.

    Attributes:
        t: 0 at A, 1 at B.
        distance: of the two centres.
        ends: density of A and of B, (len(GRID),) each.
        spreads: standard deviations of A and B.
        paths: name of PATHS → what lies there.
    """

    t: float
    distance: float
    ends: tuple[Floats, Floats]
    spreads: tuple[float, float]
    paths: dict[str, Path]


def walk(t: float, distance: float, spread: float, seed: int, model: Model | None = None) -> Moment:
    """What lies at `t` between A and a round Gaussian B at `distance` to its right with standard deviation `spread`.

    Mixture: (1 − t) A + t B, as densities. Transport: the W2 geodesic (McCann 1997), each point on its straight way.
    Latent: a straight line between the latents of A and B. They are mean and covariance, which tell a Gaussian
    exactly, as the encoder `moments` has them; or those that `model` makes of OBSERVATIONS of either.
    """
    centres = np.array([CENTRE, (CENTRE[0] + distance, CENTRE[1])])
    deviations = np.array([SPREAD, spread])
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(OBSERVATIONS, 2))
    # The same noise in both: a point and its partner under optimal transport, for round Gaussians.
    x, y = (centre + deviation * noise for centre, deviation in zip(centres, deviations, strict=True))
    order = (rng.permutation(POINTS) + 0.5) / POINTS  # in which points of B take the place of points of A
    ends = [_normal(centre[0], deviation) for centre, deviation in zip(centres, deviations, strict=True)]
    mean = (1 - t) * centres[0] + t * centres[1]
    variances = (1 - t) * deviations[0] ** 2 + t * deviations[1] ** 2
    mixture = Path(
        points=np.where((order < t)[:, None], y[:POINTS], x[:POINTS]),
        density=(1 - t) * ends[0] + t * ends[1],
        variance=float(variances + t * (1 - t) * distance**2),
    )
    _, covariance = gaussian_geodesic(
        centres[0], deviations[0] ** 2 * np.eye(2), centres[1], deviations[1] ** 2 * np.eye(2), t
    )
    transport = Path(
        points=(1 - t) * x[:POINTS] + t * y[:POINTS],
        density=_normal(mean[0], float(np.sqrt(covariance[0, 0]))),
        variance=float(covariance[0, 0]),
    )
    if model is None:
        deviation = float(np.sqrt(variances))
        latent = Path(mean + deviation * noise[:POINTS], _normal(mean[0], deviation), float(variances))
    else:
        latent = _generated(model, t, x, y, seed)
    return Moment(
        t, distance, (ends[0], ends[1]), (SPREAD, spread), dict(zip(PATHS, (mixture, transport, latent), strict=True))
    )


def _generated(model: Model, t: float, x: Floats, y: Floats, seed: int) -> Path:
    """What `model` makes of the latent at t of the straight line from that of x to that of y (k, 2)."""
    first, last = (model.embed(side.astype(np.float32)) for side in (x, y))
    made = np.asarray(model.generate(((1 - t) * first + t * last)[None], GENERATED, seed)[0], dtype=np.float64)
    along = made[:, 0]
    # Silverman 1986, eq. 3.28: the bandwidth that suits a Gaussian.
    width = 1.06 * float(along.std()) * len(along) ** -0.2
    density = _normal(along[:, None], width).mean(axis=0)
    return Path(made[:POINTS], density, float(along.var()), estimated=True)


def _normal(mean: float | Floats, deviation: float) -> Floats:
    """Density at GRID of a Gaussian, or of several with means (k, 1)."""
    z = (GRID - mean) / deviation
    return np.asarray(np.exp(-z * z / 2) / (deviation * np.sqrt(2 * np.pi)), dtype=np.float64)
