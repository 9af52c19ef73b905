"""What latents predict of labels and covariates on held-out sets, beside what the mean of the observations predicts."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.sets.resampling import framed, resamples
from core.evaluation.sets.space import Subject
from core.modalities.profiles import position_counts, position_shares, word_shares

Array = npt.NDArray[np.float64]

PENALTIES = np.logspace(-3, 4, 15)
CLASSES = 30  # a label with more values is a name, not a class
PERMUTATIONS = 40
POSITIONS = 20_000_000  # numbers of all sets, letters at positions, that a probe reads


def probes(subject: Subject) -> list[dict[str, Any]]:
    """One row per covariate and label column: held-out score of the latent, of the mean, of mean and variance.

    For sequences also of the mean shares of all k-mers ("words") and of the letters at each position ("positions",
    where they are at most `POSITIONS` numbers). Covariates have in "mae", "mean_mae", … and their "_low" and "_high"
    also the mean absolute error in their own unit; "null_mae" is the 5 % point when training targets are permuted.

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
    if subject.sets.modality == "sequence":
        inputs |= _letters(subject)
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


def ridge(x: Array, y: Array, new: Array) -> Array:
    """What ridge regression of y (n, q) on standardised x (n, p) predicts for `new` (k, p), (k, q).

    The penalty minimises the leave-one-out error in closed form (Hastie et al. 2009, eq. 7.64).
    """
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    fitted = make_pipeline(StandardScaler(), RidgeCV(PENALTIES)).fit(x, y)
    return np.asarray(fitted.predict(new), dtype=np.float64).reshape(len(new), -1)


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
    guesses = {which: ridge(x[train], target[train], x[test]) for which, x in inputs.items()}

    def score(which: str, d: npt.NDArray[np.int64]) -> float:
        return _pooled(kind, target[test][d], guesses[which][d])

    for which in inputs:
        row |= framed(which, partial(score, which), len(test), draws)
    row |= framed("difference", lambda d: score("latent", d) - score("mean", d), len(test), draws)
    row["latent_predictions"] = np.round(_said(kind, guesses["latent"]).astype(np.float64), 6).tolist()
    # What the latent scores when latents and targets of the training sets do not belong together.
    rng, x = subject.rng(13), inputs["latent"]
    shuffled = [ridge(x[train], target[rng.permutation(train)], x[test]) for _ in range(PERMUTATIONS)]
    row["null"] = float(np.quantile([_pooled(kind, target[test], guess) for guess in shuffled], 0.95))
    if kind == "regression":

        def error(which: str, d: npt.NDArray[np.int64]) -> float:
            return float(np.abs(target[test][d] - guesses[which][d]).mean())

        for which in inputs:
            row |= framed("mae" if which == "latent" else f"{which}_mae", partial(error, which), len(test), draws)
        row["null_mae"] = float(np.quantile([np.abs(target[test] - guess).mean() for guess in shuffled], 0.05))
    row["chance"] = float(target[test].mean(axis=0).max()) if kind == "classification" else 0.0
    row["holdout_sets"] = [str(v) for v in subject.sets.set_id[test]]
    row["observed"] = _said(kind, target[test]).tolist()
    return row


def _said(kind: str, values: Array) -> npt.NDArray[Any]:
    """(n,) the number itself, or the class with the highest indicator."""
    return values[:, 0] if kind == "regression" else values.argmax(axis=1)


def _pooled(kind: str, target: Array, guess: Array) -> float:
    if kind == "classification":
        return float((_said(kind, target) == _said(kind, guess)).mean())
    total = np.square(target - target.mean(axis=0)).sum()
    return float(1 - np.square(target - guess).sum() / total) if total > 0 else float("nan")


def _moments(subject: Subject, i: int) -> Array:
    x = subject.space(subject.observations(i))
    return np.concatenate([x.mean(axis=0), np.log(x.var(axis=0) + 1e-3)])


def _letters(subject: Subject) -> dict[str, Array]:
    """Mean shares of k-mers (s, words), and shares of letters at positions (s, l · letters) where they are not too
    many."""
    sets, letters = subject.sets, len(subject.sets.alphabet)
    each = [subject.observations(i) for i in range(sets.s)]
    inputs = {"words": np.stack([word_shares(x, letters) for x in each])}
    if sets.s * sets.observation.stored[0] * letters <= POSITIONS:
        shares = [position_shares(position_counts(x, letters)).ravel() for x in each]
        inputs["positions"] = np.stack(shares)
    return inputs
