"""The walk from one set to another: generated distributions beside optimal transport and the plain mixture."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.sets import SetCollection
from core.errors import InputError
from core.evaluation.sets.space import coded
from core.evaluation.transport import displacement, sample_w2
from core.latents.lens import Lens, names_to_indices, path_between

Array = npt.NDArray[Any]

MATCHED = 400  # observations of each end that exact transport pairs


@dataclass(frozen=True)
class Path:
    """Distributions at `t` (steps,) between two sets.

    Attributes:
        t: (steps,) from 0 to 1.
        latent: (steps, latent) on the straight line.
        generated: (steps, n, *shape) what the model makes of each latent, with the same noise at each step.
        transport: (steps, k, *shape) displacement interpolation of the real ends, (1 − t) x + t T(x).
        mixture: (steps, k, *shape) the plain mixture: a share t of the second set's observations.
        length: sum of W2 between neighbouring generated distributions.
        distance: W2 of the generated ends.
        deviation: largest W2 from a generated distribution to the transport path, less the sampling floor at the
            ends, over `length`.
        space: in words, what W2 was measured in.
    """

    t: Array
    latent: Array
    generated: Array
    transport: Array
    mixture: Array
    length: float
    distance: float
    deviation: float
    space: str

    def arrays(self) -> dict[str, Array]:
        """What an export holds."""
        return {k: getattr(self, k) for k in ("t", "latent", "generated", "transport", "mixture")}


def interpolate(lens: Lens, sets: SetCollection, start: str, end: str, *, steps: int, n: int, seed: int = 0) -> Path:
    """The path between the sets named `start` and `end`. Raises InputError for a name that no set has."""
    a, b = (coded(sets, np.asarray(sets.observations_of(find(sets, name)))) for name in (start, end))
    t = np.linspace(0.0, 1.0, steps)
    latent = path_between(lens.embed(a), lens.embed(b), t)
    generated = np.stack([lens.generate(z[None], n, seed)[0] for z in latent])
    transport, mixture = between(a, b, t, seed)
    flat = Flat(a, b)
    points = [flat(g)[:MATCHED] for g in generated]
    length = float(sum(sample_w2(p, q) for p, q in pairwise(points)))
    gaps = [_gap(p, flat(x)) for p, x in zip(points, transport, strict=True)]
    # The ends are off the path by the model's own error and by sampling: only what is more than that is straying.
    floor = max(gaps[0], gaps[-1])
    distance = sample_w2(*(p[: min(map(len, points))] for p in (points[0], points[-1])))
    deviation = max(max(gaps) - floor, 0.0) / max(length, 1e-12)
    return Path(t, latent, generated, transport, mixture, length, distance, deviation, flat.words)


def between(a: Array, b: Array, t: Array, seed: int) -> tuple[Array, Array]:
    """Displacement interpolation and plain mixture of two samples (k, *shape) at times t, float32.

    Both use the same at most `MATCHED` observations of each end.
    """
    rng = np.random.default_rng(seed)
    k = min(len(a), len(b), MATCHED)
    x, y = (s[rng.permutation(len(s))[:k]].astype(np.float64) for s in (a, b))
    shape = x.shape[1:]
    first, second = displacement(x.reshape(k, -1), y.reshape(k, -1))
    moved = np.stack([(1 - s) * first + s * second for s in t]).reshape(len(t), k, *shape)
    from_second = (rng.permutation(k) + 0.5) / k
    mixed = np.stack([np.where((from_second < s).reshape(k, *[1] * len(shape)), y, x) for s in t])
    return moved.astype(np.float32), mixed.astype(np.float32)


def find(sets: SetCollection, name: str) -> int:
    """The place of the set called `name`. Raises InputError with the nearest names."""
    places = names_to_indices(sets)
    if name not in places:
        near = difflib.get_close_matches(name, places, n=3) or list(places)[:3]
        raise InputError(f"There is no set called {name!r}; sets are called such as {', '.join(map(repr, near))}.")
    return places[name]


class Flat:
    """Observations as vectors in which W2 is measured: features over their pooled deviation, pixels from 0 to 1."""

    def __init__(self, a: Array, b: Array) -> None:
        both = np.concatenate([a, b]).reshape(len(a) + len(b), -1).astype(np.float64)
        self.image = a.ndim > 2
        deviation = both.std(axis=0)
        self.scale = np.full_like(deviation, 255.0) if self.image else np.where(deviation > 1e-9, deviation, 1.0)
        self.words = "pixel values from 0 to 1" if self.image else "standardised features"

    def __call__(self, x: Array) -> npt.NDArray[np.float64]:
        return np.asarray(x, dtype=np.float64).reshape(len(x), -1) / self.scale


def _gap(p: npt.NDArray[np.float64], q: npt.NDArray[np.float64]) -> float:
    k = min(len(p), len(q))
    return sample_w2(p[:k], q[:k])
