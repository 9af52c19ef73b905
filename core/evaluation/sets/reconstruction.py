"""Does a latent give its set back: transport error between a floor and the mean-only model, variance, cycle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.context import once
from core.evaluation.registry import Estimate, Unmeasurable, metric
from core.evaluation.sets.resampling import DRAWS, interval
from core.evaluation.sets.space import Subject, affordable
from core.evaluation.transport import sample_w2, square_root

Array = npt.NDArray[np.float64]

LEAST = 8  # observations of a set whose halves and variance mean something
SETS = 60  # held-out sets that are regenerated
MOST = 256  # observations on each side of one exact transport
SPREAD = 512  # observations, over all halvings of a set, on which its row rests
HALVINGS = 12  # at most; a few observations say little in one halving
HALVINGS_LEAST = 2
FEWEST = 3  # regenerated sets that a score and its interval rest on

_FISHMAN = "Fishman et al. 2025"


@metric(
    kind="sets",
    label="Reconstruction error (W2)",
    family="Reconstruction",
    direction="lower",
    bounds=(0.0, np.inf),
    help="Optimal-transport distance between a held-out half of a set and as many observations regenerated "
    "from the latent of its other half. Ceiling: the distance of the two real halves. Null: the half's mean with the "
    "residuals of other sets, beside it the same with the half's own variances and own covariance.",
    source=f"{_FISHMAN}, section 5, with floor and null",
)
def reconstruction_w2(subject: Subject) -> Estimate:
    """Root mean square over sets of the transport distance."""
    column = _columns(subject)
    trivial = {name: _rms(column[name]) for name in TRIVIAL}
    found = _over_sets(
        subject, lambda i: _rms(column["w2"][i]), ceiling=_rms(column["floor"]), null=trivial["mean_only"]
    )
    return replace(found, baselines=trivial)


@metric(
    kind="sets",
    label="Reconstruction error, 0 = floor, 1 = mean only",
    family="Reconstruction",
    direction="lower",
    help="Where the error lies between its sampling floor (0) and a model that knows only the mean (1).",
    source="Popscape",
)
def reconstruction_fraction(subject: Subject) -> Estimate:
    """(error − floor) / (mean-only error − floor), each a root mean square over sets."""
    column = _columns(subject)

    def fraction(index: npt.NDArray[np.int64]) -> float:
        w2, floor, null = (_rms(column[k][index]) for k in ("w2", "floor", "mean_only"))
        return (w2 - floor) / (null - floor) if null > floor else float("nan")

    return _over_sets(subject, fraction, ceiling=0.0, null=1.0)


@metric(
    kind="sets",
    label="Variance, generated / real",
    family="Reconstruction",
    target=1.0,
    bounds=(0.0, np.inf),
    help="Total variance of regenerated observations over that of the real ones, median over sets; "
    "below 1 the generator is too sure of itself.",
    source="Popscape",
)
def variance_ratio(subject: Subject) -> Estimate:
    """Median over sets of the ratio of total variances."""
    column = _columns(subject)
    return _over_sets(subject, lambda i: float(np.median(column["variance_ratio"][i])))


@metric(
    kind="sets",
    label="Cycle error",
    family="Reconstruction",
    direction="lower",
    bounds=(0.0, np.inf),
    help="Distance between a latent and the latent of what it generates, in units of the latents' spread.",
    source=f"{_FISHMAN}, appendix E (latent reconstruction)",
)
def cycle_error(subject: Subject) -> Estimate:
    """Mean over sets of ‖E(G(z)) − z‖ over the root mean square distance of latents from their centre."""
    column, spread = _columns(subject), latent_spread(subject.latents)
    return _over_sets(subject, lambda i: float(np.mean(column["cycle"][i])) / spread)


@once
def reconstructions(subject: Subject) -> list[dict[str, Any]]:
    """For each judged set with at least 8 observations, its error and what frames it.

    The latent is that of one half of the set; the error is the exact W2 between as many generated observations
    and the other half, in `subject.space`. "floor" is the W2 of the two real halves: no generator can do better
    on average. Beside it what needs no training, from the first half alone: `TRIVIAL`.

    A row is the root mean square over so many halvings that about `SPREAD` observations stand behind it; of long
    sequences over as many as are `affordable`, and two at least.
    """
    rng = subject.rng(1)
    chosen = [i for i in subject.judged if subject.sets.sizes[i] >= LEAST]
    chosen = sorted(rng.permutation(chosen)[:SETS].tolist())
    pooled = pooled_residuals(subject, rng)
    rows = []
    for i in chosen:
        n = min(int(subject.sets.sizes[i]) // 2, MOST)
        count = min(HALVINGS, -(-SPREAD // n), max(HALVINGS_LEAST, affordable(subject, n * len(chosen))))
        halvings = _halvings(subject, i, count, pooled, rng)
        column = {key: np.array([one[key] for one in halvings]) for key in halvings[0]}
        rows.append(
            {
                "set": str(subject.sets.set_id[i]),
                "n": n,
                **{key: _rms(column[key]) for key in ("w2", "floor", *TRIVIAL)},
                "variance_ratio": float(column["generated"].sum() / max(column["real"].sum(), 1e-12)),
                "cycle": float(column["cycle"].mean()),
            }
        )
    return rows


def _halvings(subject: Subject, i: int, count: int, pooled: Pooled, rng: np.random.Generator) -> list[dict[str, float]]:
    """For each of `count` halvings of set i its errors, the total variance of its second half and of what is generated
    in its place; all are generated at once, since a sequence costs its letters however many are written beside it."""
    halves = [subject.halves(i, MOST, rng) for _ in range(count)]
    latents = np.stack([subject.embed(first) for first, _ in halves])
    made = subject.generate(latents, len(halves[0][1]), int(rng.integers(2**31)))
    rows = []
    for (first, second), z, generated in zip(halves, latents, made, strict=True):
        a, b, y = (subject.space(x) for x in (first, second, generated))
        rows.append(
            {
                "w2": sample_w2(y, b),
                "floor": sample_w2(a, b),
                **{name: sample_w2(make(pooled, a, rng), b) for name, make in TRIVIAL.items()},
                "generated": _total_variance(y),
                "real": _total_variance(b),
                "cycle": float(np.linalg.norm(subject.embed(generated) - z)),
            }
        )
    return rows


@dataclass(frozen=True)
class Pooled:
    """Residuals (r, d) of training observations around the means of their sets, and their deviations and covariance."""

    residuals: Array
    deviation: Array
    covariance: Array

    def drawn(self, n: int, rng: np.random.Generator) -> Array:
        """(n, d) of the residuals."""
        return self.residuals[rng.integers(len(self.residuals), size=n)]


def pooled_residuals(subject: Subject, rng: np.random.Generator) -> Pooled:
    """Those of at most 200 training sets, inflated for the error of the means themselves."""
    parts = []
    for i in rng.permutation(subject.train)[:200]:
        x = subject.space(subject.observations(i)[:MOST])
        if len(x) > 1:
            parts.append((x - x.mean(axis=0)) * np.sqrt(len(x) / (len(x) - 1)))
    residuals = np.concatenate(parts) if parts else np.zeros((1, len(subject.space.mean)))
    return Pooled(residuals, residuals.std(axis=0), np.atleast_2d(np.cov(residuals.T, bias=True)))


def mean_only(pooled: Pooled, a: Array, rng: np.random.Generator) -> Array:
    """As many observations as in a (n, d): its mean, the residuals of other sets and so their pooled covariance."""
    return a.mean(axis=0) + pooled.drawn(len(a), rng)


def mean_variance(pooled: Pooled, a: Array, rng: np.random.Generator) -> Array:
    """As `mean_only`, each feature stretched to the deviation that it has in a."""
    stretch = a.std(axis=0, ddof=1) / np.maximum(pooled.deviation, 1e-12)
    return a.mean(axis=0) + pooled.drawn(len(a), rng) * stretch


def mean_covariance(pooled: Pooled, a: Array, rng: np.random.Generator) -> Array:
    """As `mean_only`, turned and stretched to the covariance that a has."""
    own = square_root(np.atleast_2d(np.cov(a.T)))
    values, vectors = np.linalg.eigh(pooled.covariance)
    kept = values > 1e-9 * max(float(values.max()), 1e-300)
    inverse = (vectors[:, kept] / np.sqrt(values[kept])) @ vectors[:, kept].T
    return a.mean(axis=0) + pooled.drawn(len(a), rng) @ inverse @ own


TRIVIAL = {"mean_only": mean_only, "mean_variance": mean_variance, "mean_covariance": mean_covariance}


def latent_spread(latents: npt.NDArray[Any]) -> float:
    """Root mean square distance of latents from their centre: the unit of the cycle and the invariance error."""
    return float(np.sqrt(np.square(latents - latents.mean(axis=0)).sum(axis=1).mean()))


def _total_variance(x: Array) -> float:
    return float(x.var(axis=0, ddof=1).sum()) if len(x) > 1 else 0.0


def _columns(subject: Subject) -> dict[str, Array]:
    """The rows by column, each (sets,) float64. Unmeasurable below FEWEST sets."""
    rows = reconstructions(subject)
    if len(rows) < FEWEST:
        raise Unmeasurable(
            f"{len(rows)} judged sets have {LEAST} observations or more, which two halves need; {FEWEST} are needed."
        )
    return {key: np.array([row[key] for row in rows], dtype=np.float64) for key in rows[0] if key != "set"}


def _over_sets(
    subject: Subject,
    statistic: Callable[[npt.NDArray[np.int64]], float],
    null: float | None = None,
    ceiling: float | None = None,
) -> Estimate:
    """A statistic of sets by their numbers, and its bootstrap over them."""
    sizes = _columns(subject)["n"]
    draws = list(subject.rng(7).integers(len(sizes), size=(DRAWS, len(sizes))))
    params = {"sets": len(sizes), "n": int(sizes.max()), "space": subject.space.description}
    value = statistic(np.arange(len(sizes)))
    return Estimate(value, params=params, interval=interval(statistic, draws), null=null, ceiling=ceiling)


def _rms(values: Array) -> float:
    return float(np.sqrt(np.square(values).mean()))
