"""One level up: what the sets of a unit together tell of the unit, by their latents and by their observations."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.sets.probes import CLASSES, PENALTIES
from core.evaluation.sets.resampling import DRAWS, framed
from core.evaluation.sets.space import Subject

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]

UNITS_MIN = 10  # with two sets or more, below which leaving one out says nothing
HELD_MIN = 5  # held-out units that a score of their own rests on
PERMUTATIONS = 200


def units(subject: Subject) -> dict[str, Any]:
    """Labels and covariates of units, predicted from their sets, {"rows": […], …} or {"reason"}.

    A unit is described by mean and standard deviation of the latents of its sets ("latent"), or by the mean of all its
    observations ("mean"). Each unit in turn is left out of a ridge regression (`left_out`). Scores: R² = 1 − SSE/SST,
    or accuracy of class indicators; "difference": latent less mean; "null": the 95 % point when targets are permuted
    over units; "chance": the share of the commonest class, 0 for R². Intervals: bootstrap over units. The encoder has
    seen the sets of training units: "latent_held" is the score of the units alone whose sets were held out.
    """
    sets = subject.sets
    if not sets.unit:
        return {"reason": "The sets name no unit (such as a donor), so there is no level above them."}
    names, group = np.unique(sets.labels[sets.unit], return_inverse=True)
    members = [np.flatnonzero(group == g) for g in range(len(names))]
    members = [one for one in members if len(one) >= 2]
    if len(members) < UNITS_MIN:
        return {"reason": f"{len(members)} units ({sets.unit}) have two sets or more; {UNITS_MIN} are needed."}
    z = subject.latents.astype(np.float64)
    inputs = {
        "latent": np.stack([np.concatenate([z[one].mean(axis=0), z[one].std(axis=0)]) for one in members]),
        "mean": np.stack([_mean_of(subject, one) for one in members]),
    }
    first = np.array([one[0] for one in members])
    held = np.isin(first, subject.holdout)
    rows = []
    for name, covariate in sets.covariates.items():
        if all(np.isfinite(covariate[one]).all() and np.ptp(covariate[one]) == 0 for one in members):
            rows.append(
                {"target": name, "kind": "regression", **_row(subject, inputs, covariate[first][:, None], held)}
            )
    for name, label in sets.labels.items():
        values, counts = np.unique(label[first], return_counts=True)
        constant = all(len(set(label[one].tolist())) == 1 for one in members) and "" not in values
        if name != sets.unit and constant and 2 <= len(values) <= CLASSES and counts.max() < len(first):
            target = (label[first][:, None] == values).astype(np.float64)
            rows.append({"target": name, "kind": "classification", **_row(subject, inputs, target, held)})
    if not rows:
        return {"reason": f"No label or covariate is the same in all sets of a {sets.unit} and differs between them."}
    return {
        "unit": sets.unit,
        "n_units": len(members),
        "n_holdout": int(held.sum()),
        "dropped": len(names) - len(members),
        "rows": rows,
    }


def left_out(x: Array, y: Array) -> Array:
    """(n, q) predictions of y (n, q), each by ridge regression on standardised x (n, p) without that row.

    In closed form (Hastie et al. 2009, eq. 7.64); the penalty of a row minimises the left-out error of the other rows.
    """
    n = len(x)
    centred = (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-12)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    shares = s**2 / (s**2 + PENALTIES[:, None] + 1e-12)  # (penalties, k)
    residual = y - y.mean(axis=0)
    fitted = np.einsum("nk,lk,kq->lnq", u, shares, u.T @ residual)
    leverage = 1 / n + np.einsum("nk,lk->ln", u**2, shares)
    error = (residual - fitted) / np.maximum(1 - leverage, 1e-9)[:, :, None]
    squared = np.square(error).sum(axis=2)
    best = (squared.sum(axis=1, keepdims=True) - squared).argmin(axis=0)
    return np.asarray(y - error[best, np.arange(n)])


def _row(subject: Subject, inputs: dict[str, Array], target: Array, held: npt.NDArray[np.bool_]) -> dict[str, Any]:
    if target.std(axis=0).max() == 0:
        return {"reason": "The value does not vary among these units."}
    n = len(target)
    guess = {name: left_out(x, target) for name, x in inputs.items()}
    draws = list(subject.rng(51).integers(n, size=(DRAWS, n)))
    row: dict[str, Any] = {}
    for name in inputs:
        row |= framed(name, partial(_score, target, guess[name]), n, draws)
    row |= framed(
        "difference", lambda d: _score(target, guess["latent"], d) - _score(target, guess["mean"], d), n, draws
    )
    rng = subject.rng(52)
    everyone = np.arange(n)
    for name, x in inputs.items():
        orders = [rng.permutation(n) for _ in range(PERMUTATIONS)]
        nulls = [_score(target[order], left_out(x, target[order]), everyone) for order in orders]
        row["null" if name == "latent" else f"{name}_null"] = float(np.quantile(nulls, 0.95))
    row["chance"] = float(target.mean(axis=0).max()) if target.shape[1] > 1 else 0.0
    if held.sum() >= HELD_MIN:
        row["latent_held"] = _score(target, guess["latent"], np.flatnonzero(held))
        row["mean_held"] = _score(target, guess["mean"], np.flatnonzero(held))
    return row


def _score(target: Array, guess: Array, d: Index) -> float:
    """Accuracy of indicators (n, classes), R² of one number (n, 1), over the rows d."""
    if target.shape[1] > 1:
        return float((target[d].argmax(axis=1) == guess[d].argmax(axis=1)).mean())
    total = np.square(target[d] - target[d].mean()).sum()
    return float(1 - np.square(target[d] - guess[d]).sum() / total) if total > 0 else float("nan")


def _mean_of(subject: Subject, members: Index) -> Array:
    return np.concatenate([subject.space(subject.observations(int(i))) for i in members]).mean(axis=0)
