"""Does a latent give its set back: transport error between a floor and the mean-only model, variance, cycle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.context import once
from core.evaluation.registry import Estimate, Unmeasurable, metric
from core.evaluation.sets.resampling import DRAWS, interval
from core.evaluation.sets.space import Subject
from core.evaluation.transport import sample_w2

Array = npt.NDArray[np.float64]

LEAST = 8  # observations of a set whose halves and variance mean something
SETS = 60  # held-out sets that are regenerated
MOST = 256  # observations on each side of one exact transport
SPREAD = 512  # observations, over all halvings of a set, on which its variance ratio rests
HALVINGS = 12  # at most; the variance of a few observations says little about one halving
FEWEST = 3  # regenerated sets that a score and its interval rest on

_FISHMAN = "Fishman et al. 2025"


@metric(
    kind="sets",
    label="Reconstruction error (W2)",
    family="Reconstruction",
    direction="lower",
    bounds=(0.0, np.inf),
    help="Optimal-transport distance between a held-out half of a set and as many observations regenerated "
    "from the latent of its other half. Ceiling: the distance of the two real halves. Null: the mean alone.",
    source=f"{_FISHMAN}, section 5, with floor and null",
)
def reconstruction_w2(subject: Subject) -> Estimate:
    """Root mean square over sets of the transport distance."""
    column = _columns(subject)
    floor, null = _rms(column["floor"]), _rms(column["mean_only"])
    return _over_sets(subject, lambda i: _rms(column["w2"][i]), ceiling=floor, null=null)


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
    on average. "mean_only" moves residuals of other sets to the first half's mean: what knowing the mean alone gives.
    "variance_ratio" is over so many halvings that about `SPREAD` observations stand behind it.
    """
    rng = subject.rng(1)
    chosen = [i for i in subject.judged if subject.sets.sizes[i] >= LEAST]
    chosen = sorted(rng.permutation(chosen)[:SETS].tolist())
    residuals = _residuals(subject, rng)
    rows = []
    for i in chosen:
        first, second = subject.halves(i, MOST, rng)
        z = subject.embed(first)
        generated = subject.generate(z[None], len(second), int(rng.integers(2**31)))[0]
        a, b, y = (subject.space(x) for x in (first, second, generated))
        moved = residuals[rng.integers(len(residuals), size=len(b))] + a.mean(axis=0)
        again = subject.embed(generated)
        rows.append(
            {
                "set": str(subject.sets.set_id[i]),
                "n": len(b),
                "w2": sample_w2(y, b),
                "floor": sample_w2(a, b),
                "mean_only": sample_w2(moved, b),
                "variance_ratio": _variance_ratio(subject, i, (_total_variance(y), _total_variance(b)), len(b), rng),
                "cycle": float(np.linalg.norm(again - z)),
            }
        )
    return rows


def latent_spread(latents: npt.NDArray[Any]) -> float:
    """Root mean square distance of latents from their centre: the unit of the cycle and the invariance error."""
    return float(np.sqrt(np.square(latents - latents.mean(axis=0)).sum(axis=1).mean()))


def _variance_ratio(subject: Subject, i: int, first: tuple[float, float], n: int, rng: np.random.Generator) -> float:
    """Generated over real variance of set i, summed over halvings; `first` is what one halving into n and n gave."""
    generated, real = first
    for _ in range(min(HALVINGS, -(-SPREAD // n)) - 1):
        context, other = subject.halves(i, MOST, rng)
        made = subject.generate(subject.embed(context)[None], n, int(rng.integers(2**31)))[0]
        generated, real = generated + _total_variance(subject.space(made)), real + _total_variance(subject.space(other))
    return generated / max(real, 1e-12)


def _total_variance(x: Array) -> float:
    return float(x.var(axis=0, ddof=1).sum()) if len(x) > 1 else 0.0


def _residuals(subject: Subject, rng: np.random.Generator) -> Array:
    """Deviations of training observations from their own set's mean, inflated for the mean's own error."""
    parts = []
    for i in rng.permutation(subject.train)[:200]:
        x = subject.space(subject.observations(i)[:MOST])
        if len(x) > 1:
            parts.append((x - x.mean(axis=0)) * np.sqrt(len(x) / (len(x) - 1)))
    return np.concatenate(parts) if parts else np.zeros((1, len(subject.space.mean)))


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
