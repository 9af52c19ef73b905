"""Does the early set of a unit tell its late one: retrieval among held-out units, and mutual information."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.stages import stages
from core.evaluation.sets.probes import ridge
from core.evaluation.sets.resampling import framed, resamples
from core.evaluation.sets.space import Subject

Array = npt.NDArray[np.float64]

TOPS = {"top1": 1, "top5": 5}
DIMENSIONS = 2  # nearest-neighbour estimates of information need few dimensions
PERMUTATIONS = 200
NEIGHBOURS = 3  # behind an estimate of information
BLOCKS = 20  # of pairs that its jackknife leaves out


def early_late(subject: Subject) -> dict[str, Any]:
    """Early and late sets of the units, where the sets name a unit and a column orders them; else {"reason"}.

    A ridge regression from early to late, fitted on the units of the training split, predicts the late latent of
    held-out units; "retrieval_top1" and "retrieval_top5" are the shares of units whose true late set is the nearest,
    or among the five nearest, to the prediction among all held-out late sets, with chance beside them, intervals
    from a bootstrap over held-out units, "…_null" (95 % point when the training pairs are permuted) and
    "…_ceiling": one half of the late set looks for its other half. "information" is the mutual information in bits
    between whitened early and late components (Kraskov et al. 2004, eq. 8) over all units, with a jackknife
    interval and the 95 % point of its permutation null; "mean_…" the same from means of the observations.
    """
    sets = subject.sets
    if not sets.unit:
        return {"reason": "The sets name no unit (such as a clone or a donor), so none can be followed."}
    column, stage = stages(sets)
    if stage is None:
        return {"reason": "No column with 2 to 20 numeric values orders the sets of ten units or more."}
    pairs = _pairs(sets.labels[sets.unit], stage)
    held = np.isin(pairs[:, 0], subject.holdout)
    fit, test = pairs[~held], pairs[held]
    if len(fit) < 10 or len(test) < 5:
        return {"reason": f"{len(fit)} training and {len(test)} held-out units have two stages; 10 and 5 are needed."}
    means = np.stack([subject.space(subject.observations(i)).mean(axis=0) for i in range(sets.s)])
    out: dict[str, Any] = {"unit": sets.unit, "order": column, "n_train": len(fit), "n_holdout": len(test)}
    # In one order for both inputs, so that their numbers differ by the input alone.
    shuffles = [subject.rng(14 + i).permutation(len(fit)) for i in range(PERMUTATIONS // 4)]
    draws, _ = resamples(np.arange(len(test)), subject.rng(15))
    ranks = {}
    for name, x in (("", subject.latents.astype(np.float64)), ("mean_", means)):
        ranks[name] = rank = _retrieved(x, fit, test, np.arange(len(fit)))
        nulls = np.stack([_retrieved(x, fit, test, order) for order in shuffles])
        for key, most in TOPS.items():
            found = f"{name}retrieval_{key}"
            out |= framed(found, partial(_share, rank < most), len(test), draws)
            out[f"{found}_null"] = float(np.quantile((nulls < most).mean(axis=1), 0.95))
        early, late = (_whitened(x, pairs[:, side]) for side in (0, 1))
        out[f"{name}information"] = information(early, late)
        out[f"{name}information_low"], out[f"{name}information_high"] = jackknife(early, late, subject.rng(16))
        rng = subject.rng(11)
        null = [information(early, late[rng.permutation(len(late))]) for _ in range(PERMUTATIONS)]
        out[f"{name}information_null"] = float(np.quantile(null, 0.95))
    for key, most in TOPS.items():
        gap = (ranks[""] < most).astype(float) - (ranks["mean_"] < most)
        out |= framed(f"difference_{key}", partial(_share, gap), len(test), draws)
    return out | _ceiling(subject, test) | {"chance_top1": 1 / len(test), "chance_top5": min(1.0, 5 / len(test))}


def _retrieved(
    x: Array, fit: npt.NDArray[np.int64], test: npt.NDArray[np.int64], order: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Rank of the true late set of each held-out unit; `order` permutes the late sets of the training units."""
    scale = x[fit[:, 1]].std(axis=0) + 1e-9
    return _ranks(ridge(x[fit[:, 0]], x[fit[order, 1]], x[test[:, 0]]) / scale, x[test[:, 1]] / scale)


def _share(values: npt.NDArray[Any], d: npt.NDArray[np.int64]) -> float:
    return float(values[d].mean())


def _ceiling(subject: Subject, test: npt.NDArray[np.int64]) -> dict[str, Any]:
    """How often one half of a late set finds its other half: what a perfect forecast could reach."""
    small = int((subject.sets.sizes[test[:, 1]] < 2).sum())
    if small:
        return {"ceiling_reason": f"{small} of {len(test)} held-out late sets have one observation, so no two halves."}
    rng = subject.rng(17)
    halves = [subject.halves(i, 10_000, rng) for i in test[:, 1]]
    first, second = (np.stack([subject.embed(h[side]) for h in halves]).astype(np.float64) for side in (0, 1))
    scale = subject.latents.std(axis=0).astype(np.float64) + 1e-9
    rank = _ranks(first / scale, second / scale)
    return {f"retrieval_{key}_ceiling": float((rank < most).mean()) for key, most in TOPS.items()}


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
    return u[:, : min(DIMENSIONS, len(s))] * np.sqrt(len(rows))


def information(x: Array, y: Array) -> float:
    """Mutual information in bits of paired samples (n, d) and (n, e), at least 0 (Kraskov et al. 2004, estimator 1)."""
    return max(_bits(x, y), 0.0)


def jackknife(x: Array, y: Array, rng: np.random.Generator) -> tuple[float, float]:
    """95 % interval of `information` from leaving out each of 20 random blocks of pairs (Efron & Stein 1981).

    A bootstrap would repeat pairs, and a pair at distance zero from its copy is infinitely informative.
    """
    n = len(x)
    blocks = np.array_split(rng.permutation(n), min(BLOCKS, n // 5))
    keep = np.ones((len(blocks), n), dtype=bool)
    for row, block in zip(keep, blocks, strict=True):
        row[block] = False
    values = np.array([_bits(x[k], y[k]) for k in keep])
    error = np.sqrt((len(values) - 1) * values.var()) if len(values) > 1 else float("nan")
    value = _bits(x, y)
    return max(float(value - 1.96 * error), 0.0), max(float(value + 1.96 * error), 0.0)


def _bits(x: Array, y: Array) -> float:
    from scipy.special import digamma

    n = len(x)
    dx, dy = (np.abs(v[:, None] - v[None]).max(axis=2) for v in (x, y))
    joint = np.maximum(dx, dy)
    np.fill_diagonal(joint, np.inf)
    radius = np.partition(joint, NEIGHBOURS - 1, axis=1)[:, NEIGHBOURS - 1]
    near = [(d < radius[:, None]).sum(axis=1) - 1 for d in (dx, dy)]  # oneself is always within
    bits = digamma(NEIGHBOURS) + digamma(n) - (digamma(near[0] + 1) + digamma(near[1] + 1)).mean()
    return float(bits / np.log(2))
