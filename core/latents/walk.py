"""The walk from one set to another: what the model generates on the way, beside optimal transport and plain mixture."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.loadings import Loadings
from core.data.sets import SetCollection
from core.errors import InputError
from core.evaluation.transport import pairing, sample_w2
from core.latents.lens import Latents, Lens
from core.modalities.base import Observation

Array = npt.NDArray[Any]

_ENOUGH = 10  # observations that show what a walk does
STEPS = 41  # moments of a walk, both ends counted
LONG = 400  # letters of a sequence, from which a walk has fewer moments: each is written letter by letter
LONG_STEPS = 11
GLIMPSE = 5  # moments of the walk that a report keeps, both ends counted
OBSERVATIONS = 300  # generated at each of them, and of each distribution in one W2: exact transport takes n³ operations


@dataclass(frozen=True)
class Moment:
    """Three answers to what lies at t.

    Attributes:
        t: 0 at the first set, 1 at the last; beyond them the walk extrapolates.
        latent: (latent,) on the straight line through the latents of the two sets.
        generated: (n, *shape) what the model makes of the latent, with the same noise at every t.
        transport: (k, *shape) displacement interpolation (1 − t) x + t T(x) of the real sets (McCann 1997).
        mixture: (k, *shape) a share t, cut to [0, 1], of the last set's observations, the rest of the first's.
    """

    t: float
    latent: Latents
    generated: Array
    transport: Array
    mixture: Array


@dataclass(frozen=True)
class Straying:
    """How far a walk is from the optimal-transport path, in W2.

    Attributes:
        moments: at evenly spaced t from 0 to 1.
        generated, mixture: (steps,) W2 from the transport path at each of them.
        length: sum of W2 between neighbouring generated distributions.
        distance: W2 of the generated ends.
        observations: of each side of a gap.
        space: in words, what W2 is measured in.
        observation: what one of them is.
    """

    moments: tuple[Moment, ...]
    generated: Array
    mixture: Array
    length: float
    distance: float
    observations: int
    space: str
    observation: Observation

    @property
    def t(self) -> Array:
        """(steps,) of the moments."""
        return np.array([moment.t for moment in self.moments])

    @property
    def floor(self) -> float:
        """The larger gap at the ends: the model's own error and sampling, which no walk can be below."""
        return float(max(self.generated[0], self.generated[-1]))

    @property
    def deviation(self) -> float:
        """The largest gap of the generated distributions, less the floor, as a share of the distance of the ends.

        Not of the length: where each t draws other observations, that grows with the number of moments.
        """
        return float(self.generated.max() - self.floor) / max(self.distance, 1e-12)

    def arrays(self, loadings: Loadings | None = None) -> dict[str, Array]:
        """What an export holds: the fields of the moments, one row a step, the two curves, and sequences as letters.

        With `loadings` also "genes" (steps, n, g) of what is generated, and their names "gene" (g,). Raises InputError
        where those are too many.
        """
        fields = {name: np.stack([getattr(m, name) for m in self.moments]) for name in Moment.__dataclass_fields__}
        spelled = self.observation.spelled(fields["generated"])
        genes = {} if loadings is None else {"genes": loadings.genes(fields["generated"]), "gene": loadings.gene}
        return {**fields, "generated_gap": self.generated, "mixture_gap": self.mixture, **spelled, **genes}


class Walk:
    """The walk between two sets, prepared once so that every t is cheap.

    Attributes:
        observation: what one of them is, which decides on the units of distances.
        real: (k, *shape) observations of the first and of the last set, all of them.
        pairs: (k, *shape) observations of each, paired by optimal transport: as many as are generated, and at least
            `OBSERVATIONS`, where the sets have so many.
        n: observations generated at a moment.
    """

    def __init__(
        self, lens: Lens, observation: Observation, first: Array, last: Array, *, n: int = OBSERVATIONS, seed: int = 0
    ) -> None:
        rng = np.random.default_rng(seed)
        k = min(len(first), len(last), max(n, OBSERVATIONS))
        x, y = (sample[rng.permutation(len(sample))[:k]] for sample in (first, last))
        self.observation = observation
        self.real = (first, last)
        self.pairs = _paired(observation, x, y)
        self.n, self.seed = n, seed
        self._lens = lens
        self._order = (rng.permutation(k) + 0.5) / k  # in which the mixture takes the last set's observations
        self._moments: dict[float, Moment] = {}

    @cached_property
    def latents(self) -> tuple[Latents, Latents]:
        """(latent,) of the first and of the last set, each from all its observations."""
        return self._lens.embed(self.real[0]), self._lens.embed(self.real[1])

    @property
    def steps(self) -> int:
        """The usual number of moments, both ends counted."""
        return LONG_STEPS if is_long(self.observation) else STEPS

    def at(self, t: float) -> Moment:
        """The moment t, float32; made once."""
        return self._at([t])[0]

    def moments(self, steps: int | None = None, low: float = 0.0, high: float = 1.0) -> list[Moment]:
        """The moments at `steps` (None: the usual number) evenly spaced t from `low` to `high`."""
        return self._at([round(float(t), 6) for t in np.linspace(low, high, steps or self.steps)])

    def _at(self, times: Sequence[float]) -> list[Moment]:
        """Those that were not made before are generated together: letters cost as much for many moments as for one."""
        new = [t for t in times if t not in self._moments]
        if new:
            t = np.array(new)[:, None]
            latents = ((1 - t) * self.latents[0] + t * self.latents[1]).astype(np.float32)
            made = self._lens.generate(latents, self.n, self.seed, alike=True)
            self._moments |= {t: self._moment(t, z, y) for t, z, y in zip(new, latents, made, strict=True)}
        return [self._moments[t] for t in times]

    def _moment(self, t: float, latent: Latents, generated: Array) -> Moment:
        x, y = self.pairs
        later = (self._order < t).reshape(-1, *[1] * (x.ndim - 1))
        mixture: Array = np.where(later, y, x).astype(self.observation.made)
        return Moment(t, latent, generated, self.observation.between(x, y, t), mixture)

    def straying(self, steps: int | None = None) -> Straying:
        """The distances of the moments from the transport path."""
        moments = self.moments(steps)
        deviation = _numbers(self.observation, np.concatenate(self.real)).std(axis=0)
        scale = self.observation.scale(deviation)
        generated, transport, mixture = (
            [_numbers(self.observation, part[:OBSERVATIONS]) / scale for part in parts]
            for parts in zip(*((m.generated, m.transport, m.mixture) for m in moments), strict=True)
        )
        k = min(len(generated[0]), len(transport[0]))
        return Straying(
            moments=tuple(moments),
            generated=np.array([sample_w2(p[:k], q[:k]) for p, q in zip(generated, transport, strict=True)]),
            mixture=np.array([sample_w2(p, q) for p, q in zip(mixture, transport, strict=True)]),
            length=float(sum(sample_w2(p, q) for p, q in pairwise(generated))),
            distance=sample_w2(generated[0], generated[-1]),
            observations=k,
            space=self.observation.space,
            observation=self.observation,
        )


def is_long(observation: Observation) -> bool:
    """Whether an observation is a sequence of so many letters that writing many takes minutes."""
    return observation.modality == "sequence" and observation.stored[0] >= LONG


def walk_between(
    lens: Lens, sets: SetCollection, start: str, end: str, *, n: int = OBSERVATIONS, seed: int = 0
) -> Walk:
    """The walk between the sets named `start` and `end`. Raises InputError for a name that no set has."""
    first, last = (np.asarray(sets.observations_of(place_of(sets, name))) for name in (start, end))
    return Walk(lens, sets.observation, first, last, n=n, seed=seed)


def glimpse(lens: Lens, sets: SetCollection, latents: Latents) -> dict[str, Array]:
    """What a report keeps of the walk between two sets that are far apart, to be shown without opening the model.

    Returns:
        "ends" (2,) names of the sets, "t" (GLIMPSE,), "generated" (GLIMPSE, n, *shape), uint8 for images.
    """
    start, end, _ = far_apart(sets, latents)
    moments = walk_between(lens, sets, start, end).moments(GLIMPSE)
    generated = sets.observation.generated(np.stack([moment.generated for moment in moments]))
    return {"ends": np.array([start, end]), "t": np.array([moment.t for moment in moments]), "generated": generated}


def far_apart(sets: SetCollection, latents: Latents) -> tuple[str, str, str]:
    """Sets to begin with, none of them tiny where there are larger ones: the first, the one farthest from it, and the
    nearest to that one.
    """
    able = np.flatnonzero(sets.sizes >= min(_ENOUGH, np.quantile(sets.sizes, 0.9)))
    able = able if len(able) >= 3 else np.arange(len(sets.sizes))
    z = latents[able]
    far = int(((z - z[0]) ** 2).sum(axis=1).argmax())
    near = np.argsort(((z - z[far]) ** 2).sum(axis=1), kind="stable")
    third = next((int(i) for i in near if i not in (0, far)), 0)
    first, last, beside = (str(sets.set_id[able[i]]) for i in (0, far, third))
    return first, last, beside


def _numbers(observation: Observation, x: Array) -> npt.NDArray[np.float64]:
    """(k, *stored) observations as (k, d) float64 numbers."""
    return np.asarray(observation.code(x), dtype=np.float64).reshape(len(x), -1)


def _paired(observation: Observation, x: Array, y: Array) -> tuple[Array, Array]:
    """Observations x and y (k, *stored) in an order in which those at one place are partners of optimal transport."""
    first, second = pairing(_numbers(observation, x), _numbers(observation, y))
    return x[first], y[second]


def place_of(sets: SetCollection, name: str) -> int:
    """The place of the set called `name`. Raises InputError, with names that are like it."""
    names = sets.set_id.tolist()
    if name not in names:
        near = difflib.get_close_matches(name, names, n=3) or names[:3]
        raise InputError(f"There is no set called {name!r}; sets are called such as {', '.join(map(repr, near))}.")
    return int(names.index(name))
