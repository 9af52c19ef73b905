"""Does the early set of a unit tell its late one: retrieval among held-out units, and mutual information."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.sets.probes import ridge
from core.evaluation.sets.space import Subject

Array = npt.NDArray[np.float64]

STAGES_MAX = 20  # a column with more values is a measurement, not a stage
DIMENSIONS = 2  # nearest-neighbour estimates of information need few dimensions
NEIGHBOURS = 3
PERMUTATIONS = 200


def early_late(subject: Subject) -> dict[str, Any]:
    """Early and late sets of the units, where the sets name a unit and a column orders them; else {"reason"}.

    A ridge regression from early to late, fitted on the units of the training split, predicts the late latent of
    held-out units; "retrieval_top1" and "retrieval_top5" are the shares of units whose true late set is the nearest,
    or among the five nearest, to the prediction among all held-out late sets, with chance beside them. "information"
    is the mutual information in bits between whitened early and late components (Kraskov et al. 2004, eq. 8) over
    all units, with the 95 % point of its permutation null; "mean_…" the same from means of the observations.
    """
    sets = subject.sets
    if not sets.unit:
        return {"reason": "The sets name no unit (such as a clone or a donor), so none can be followed."}
    column, stage = _stages(subject)
    if stage is None:
        return {"reason": "No column with 2 to 20 numeric values orders the sets of a unit."}
    pairs = _pairs(sets.labels[sets.unit], stage)
    held = np.isin(pairs[:, 0], subject.holdout)
    fit, test = pairs[~held], pairs[held]
    if len(fit) < 10 or len(test) < 5:
        return {"reason": f"{len(fit)} training and {len(test)} held-out units have two stages; 10 and 5 are needed."}
    means = np.stack([subject.space(subject.observations(i)).mean(axis=0) for i in range(sets.s)])
    out: dict[str, Any] = {"unit": sets.unit, "order": column, "n_train": len(fit), "n_holdout": len(test)}
    for name, x in (("", subject.latents.astype(np.float64)), ("mean_", means)):
        weights, intercept, _ = ridge(x[fit[:, 0]], x[fit[:, 1]])
        guess = x[test[:, 0]] @ weights + intercept
        scale = x[fit[:, 1]].std(axis=0) + 1e-9
        rank = _ranks(guess / scale, x[test[:, 1]] / scale)
        out[f"{name}retrieval_top1"] = float((rank == 0).mean())
        out[f"{name}retrieval_top5"] = float((rank < 5).mean())
        early, late = (_whitened(x, pairs[:, side]) for side in (0, 1))
        out[f"{name}information"] = information(early, late)
        rng = subject.rng(11)
        null = [information(early, late[rng.permutation(len(late))]) for _ in range(PERMUTATIONS)]
        out[f"{name}information_null"] = float(np.quantile(null, 0.95))
    return out | {"chance_top1": 1 / len(test), "chance_top5": min(1.0, 5 / len(test))}


def information(x: Array, y: Array) -> float:
    """Mutual information in bits of paired samples (n, d) and (n, e), at least 0 (Kraskov et al. 2004, estimator 1)."""
    from scipy.special import digamma

    n = len(x)
    dx, dy = (np.abs(v[:, None] - v[None]).max(axis=2) for v in (x, y))
    joint = np.maximum(dx, dy)
    np.fill_diagonal(joint, np.inf)
    radius = np.partition(joint, NEIGHBOURS - 1, axis=1)[:, NEIGHBOURS - 1]
    near = [(d < radius[:, None]).sum(axis=1) - 1 for d in (dx, dy)]  # oneself is always within
    bits = digamma(NEIGHBOURS) + digamma(n) - (digamma(near[0] + 1) + digamma(near[1] + 1)).mean()
    return float(max(bits / np.log(2), 0.0))


def _stages(subject: Subject) -> tuple[str, Array | None]:
    """The column that orders the sets of a unit: few numeric values, varying within units."""
    sets, unit = subject.sets, subject.sets.labels[subject.sets.unit]
    for name, values in {**sets.covariates, **sets.labels}.items():
        try:
            numbers = np.array([float(v) for v in values.tolist()])
        except ValueError:
            continue
        known = numbers[np.isfinite(numbers)]
        if not 2 <= len(np.unique(known)) <= STAGES_MAX:
            continue
        varying = sum(len(np.unique(numbers[unit == u])) > 1 for u in np.unique(unit)[:200])
        if varying >= 10:
            return name, numbers
    return "", None


def _pairs(unit: npt.NDArray[Any], stage: Array) -> npt.NDArray[np.int64]:
    """(u, 2) first and last set of every unit that has two stages."""
    pairs = []
    for name in np.unique(unit):
        members = np.flatnonzero((unit == name) & np.isfinite(stage))
        if len(members) and stage[members].min() < stage[members].max():
            pairs.append((members[stage[members].argmin()], members[stage[members].argmax()]))
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _ranks(guess: Array, truth: Array) -> npt.NDArray[np.int64]:
    """How many candidates lie nearer to each guess than its own truth."""
    distance = np.square(guess[:, None] - truth[None]).sum(axis=2)
    return np.asarray((distance < np.diag(distance)[:, None]).sum(axis=1), dtype=np.int64)


def _whitened(x: Array, rows: npt.NDArray[np.int64]) -> Array:
    centred = x[rows] - x[rows].mean(axis=0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    return np.asarray(u[:, : min(DIMENSIONS, len(s))] * np.sqrt(len(rows)), dtype=np.float64)
