"""What latents predict of labels and covariates on held-out sets, beside what the mean of the observations predicts."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.sets.resampling import interval, resamples
from core.evaluation.sets.space import Subject

Array = npt.NDArray[np.float64]

PENALTIES = np.logspace(-3, 4, 15)
CLASSES = 30  # a label with more values is a name, not a class
PERMUTATIONS = 40


def probes(subject: Subject) -> list[dict[str, Any]]:
    """One row per covariate and label column: held-out score of the latent, of the mean, of mean and variance.

    Regression: ridge, R² = 1 − SSE/SST. Classification: ridge on class indicators, accuracy, with the share of the
    commonest class as chance. The penalty is chosen by leave-one-out on the training sets. Intervals: percentile
    bootstrap over held-out units, over held-out sets where there are fewer than five units. "difference": score of the
    latent less that of the mean, on the same resamples. "null": 95 % point of the latent's score when the training
    targets are permuted.
    """
    inputs = {
        "latent": subject.latents.astype(np.float64),
        "mean": np.stack([subject.space(subject.observations(i)).mean(axis=0) for i in range(subject.sets.s)]),
        "mean_variance": np.stack([_moments(subject, i) for i in range(subject.sets.s)]),
    }
    rows = []
    for name, covariate in subject.sets.covariates.items():
        known = np.isfinite(covariate)
        target = np.nan_to_num(covariate)[:, None]
        rows.append({"target": name, **_row(subject, "regression", inputs, known, target)})
    for name, label in subject.sets.labels.items():
        values = sorted(set(label[subject.train].tolist()) - {""})
        if not 2 <= len(values) <= CLASSES:
            continue
        known = np.isin(label, values)
        indicators = (label[:, None] == np.array(values)).astype(np.float64)
        row = _row(subject, "classification", inputs, known, indicators)
        rows.append({"target": name, "classes": values, **row})
    return rows


def ridge(x: Array, y: Array) -> tuple[Array, Array, Array]:
    """Ridge regression of y (n, q) on standardised x (n, p): weights (p, q) for raw x, intercept (q,), penalty (1,).

    The penalty minimises the leave-one-out error in closed form (Hastie et al. 2009, eq. 7.64).
    """
    centre, scale = x.mean(axis=0), np.where(x.std(axis=0) > 1e-12, x.std(axis=0), 1.0)
    a, target = (x - centre) / scale, y - y.mean(axis=0)
    u, s, v = np.linalg.svd(a, full_matrices=False)
    projected = u.T @ target
    best: tuple[float, Array, float] | None = None
    for penalty in PENALTIES:
        shrink = s**2 / (s**2 + penalty)
        leverage = np.square(u) @ shrink + 1 / len(x)
        error = np.square(
            (target - u @ (shrink[:, None] * projected)) / np.clip(1 - leverage, 1e-6, None)[:, None]
        ).mean()
        if best is None or error < best[0]:
            best = (float(error), v.T @ ((s / (s**2 + penalty))[:, None] * projected), float(penalty))
    assert best is not None
    weights = best[1] / scale[:, None]
    return weights, y.mean(axis=0) - centre @ weights, np.array([best[2]])


def _row(
    subject: Subject, kind: str, inputs: dict[str, Array], known: npt.NDArray[np.bool_], target: Array
) -> dict[str, Any]:
    row: dict[str, Any] = {"kind": kind}
    train, test = subject.train[known[subject.train]], subject.holdout[known[subject.holdout]]
    if len(train) < 10 or len(test) < 5:
        return row | {
            "reason": f"{len(train)} training and {len(test)} held-out sets have a value; 10 and 5 are needed."
        }
    if target[test].std() == 0 or target[train].std() == 0:
        return row | {"reason": "The value does not vary among these sets."}
    row["n_train"], row["n_holdout"] = len(train), len(test)
    draws, row["resampled"] = resamples(subject.groups[test], subject.rng(5))
    guesses = {which: _fitted(x[train], target[train], x[test]) for which, x in inputs.items()}

    def score(which: str, d: npt.NDArray[np.int64]) -> float:
        return _pooled(kind, target[test][d], guesses[which][d])

    everyone = np.arange(len(test))
    for which in inputs:
        row[which] = score(which, everyone)
        row[f"{which}_low"], row[f"{which}_high"] = interval(partial(score, which), draws)
    row["latent_predictions"] = np.round(_scores(kind, target[test], guesses["latent"]), 6).tolist()
    row["difference"] = row["latent"] - row["mean"]
    row["difference_low"], row["difference_high"] = interval(lambda d: score("latent", d) - score("mean", d), draws)
    # What the latent scores when latents and targets of the training sets do not belong together.
    rng, x = subject.rng(13), inputs["latent"]
    shuffled = [_fitted(x[train], target[rng.permutation(train)], x[test]) for _ in range(PERMUTATIONS)]
    row["null"] = float(np.quantile([_pooled(kind, target[test], guess) for guess in shuffled], 0.95))
    row["chance"] = float(target[test].mean(axis=0).max()) if kind == "classification" else 0.0
    row["holdout_sets"] = [str(v) for v in subject.sets.set_id[test]]
    row["observed"] = (target[test][:, 0] if kind == "regression" else target[test].argmax(axis=1)).tolist()
    return row


def _fitted(x: Array, y: Array, new: Array) -> Array:
    weights, intercept, _ = ridge(x, y)
    return new @ weights + intercept


def _scores(kind: str, target: Array, guess: Array) -> Array:
    return guess[:, 0] if kind == "regression" else guess.argmax(axis=1).astype(np.float64)


def _pooled(kind: str, target: Array, guess: Array) -> float:
    if kind == "classification":
        return float((target.argmax(axis=1) == guess.argmax(axis=1)).mean())
    total = np.square(target - target.mean(axis=0)).sum()
    return float(1 - np.square(target - guess).sum() / total) if total > 0 else float("nan")


def _moments(subject: Subject, i: int) -> Array:
    x = subject.space(subject.observations(i))
    return np.concatenate([x.mean(axis=0), np.log(x.var(axis=0) + 1e-3)])
