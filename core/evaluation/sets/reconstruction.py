"""Does a latent give its set back: transport error between a floor and the mean-only model, variance, cycle."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.sets.space import Subject
from core.evaluation.transport import sample_w2

Array = npt.NDArray[np.float64]

LEAST = 8  # observations of a set whose halves and variance mean something
SETS = 60  # held-out sets that are regenerated
MOST = 256  # observations on each side of one exact transport
SPREAD = 512  # observations, over all halvings of a set, on which its variance ratio rests
HALVINGS = 12  # at most; the variance of a few observations says little about one halving


def reconstruct(subject: Subject) -> list[dict[str, Any]]:
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
