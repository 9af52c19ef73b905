"""What latents predict of labels and covariates on held-out sets, beside what the mean of the observations predicts."""

from __future__ import annotations

from dataclasses import dataclass
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
    inputs = probed(subject)
    rows = []
    for target in targets(subject):
        row: dict[str, Any] = {"target": target.name}
        row |= {"classes": target.classes} if target.classes else {}
        rows.append(row | _row(subject, inputs, target))
    return rows


@dataclass(frozen=True)
class Target:
    """What is read off a latent.

    Attributes:
        name: of the covariate or label column.
        known: (s,) which sets have it.
        values: (s, 1) numbers, or (s, classes) indicators of the classes that training sets have.
        classes: their names; empty for a number.
    """

    name: str
    known: npt.NDArray[np.bool_]
    values: Array
    classes: list[str]

    @property
    def kind(self) -> str:
        """ "regression" or "classification"."""
        return "classification" if self.classes else "regression"

    def said(self, values: Array) -> npt.NDArray[Any]:
        """(n,) of (n, q) `values`: the number itself, or the class with the highest indicator."""
        return values.argmax(axis=1) if self.classes else values[:, 0]

    def score(self, truth: Array, guess: Array) -> float:
        """R² or accuracy of guesses (n, q)."""
        if self.classes:
            return float((self.said(truth) == self.said(guess)).mean())
        total = np.square(truth - truth.mean(axis=0)).sum()
        return float(1 - np.square(truth - guess).sum() / total) if total > 0 else float("nan")


def targets(subject: Subject) -> list[Target]:
    """Each covariate, and each label with 2 to `CLASSES` values among the training sets."""
    rows = [
        Target(name, np.isfinite(covariate), np.nan_to_num(covariate)[:, None], [])
        for name, covariate in subject.sets.covariates.items()
    ]
    for name, label in subject.sets.labels.items():
        classes = sorted(set(label[subject.train].tolist()) - {""})
        if 2 <= len(classes) <= CLASSES:
            indicators = (label[:, None] == np.array(classes)).astype(np.float64)
            rows.append(Target(name, np.isin(label, classes), indicators, classes))
    return rows


def probed(subject: Subject) -> dict[str, Array]:
    """What predicts, name → (s, numbers): the latent and what needs no training."""
    inputs = {
        "latent": subject.latents.astype(np.float64),
        "mean": np.stack([subject.space(subject.observations(i)).mean(axis=0) for i in range(subject.sets.s)]),
        "mean_variance": np.stack([_moments(subject, i) for i in range(subject.sets.s)]),
    }
    return inputs | _letters(subject) if subject.sets.modality == "sequence" else inputs


def ridge(x: Array, y: Array, new: Array) -> Array:
    """What ridge regression of y (n, q) on standardised x (n, p) predicts for `new` (k, p), (k, q).

    The penalty minimises the leave-one-out error in closed form (Hastie et al. 2009, eq. 7.64).
    """
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    fitted = make_pipeline(StandardScaler(), RidgeCV(PENALTIES)).fit(x, y)
    return np.asarray(fitted.predict(new), dtype=np.float64).reshape(len(new), -1)


def _row(subject: Subject, inputs: dict[str, Array], target: Target) -> dict[str, Any]:
    row: dict[str, Any] = {"kind": target.kind}
    known, values = target.known, target.values
    train, test = subject.train[known[subject.train]], subject.holdout[known[subject.holdout]]
    if len(train) < 10 or len(test) < 5:
        shared = " that training sets have" if target.classes else ""
        return row | {
            "reason": f"{len(train)} training and {len(test)} held-out sets have a value{shared}; 10 and 5 are needed."
        }
    if values[test].std() == 0 or values[train].std() == 0:
        return row | {"reason": "The value does not vary among these sets."}
    row["n_train"], row["n_holdout"] = len(train), len(test)
    draws, row["resampled"] = resamples(subject.groups[test], subject.rng(5))
    guesses = {which: ridge(x[train], values[train], x[test]) for which, x in inputs.items()}

    def score(which: str, d: npt.NDArray[np.int64]) -> float:
        return target.score(values[test][d], guesses[which][d])

    for which in inputs:
        row |= framed(which, partial(score, which), len(test), draws)
    row |= framed("difference", lambda d: score("latent", d) - score("mean", d), len(test), draws)
    row["latent_predictions"] = np.round(target.said(guesses["latent"]).astype(np.float64), 6).tolist()
    # What the latent scores when latents and targets of the training sets do not belong together.
    rng, x = subject.rng(13), inputs["latent"]
    shuffled = [ridge(x[train], values[rng.permutation(train)], x[test]) for _ in range(PERMUTATIONS)]
    row["null"] = float(np.quantile([target.score(values[test], guess) for guess in shuffled], 0.95))
    if target.kind == "regression":

        def error(which: str, d: npt.NDArray[np.int64]) -> float:
            return float(np.abs(values[test][d] - guesses[which][d]).mean())

        for which in inputs:
            row |= framed("mae" if which == "latent" else f"{which}_mae", partial(error, which), len(test), draws)
        row["null_mae"] = float(np.quantile([np.abs(values[test] - guess).mean() for guess in shuffled], 0.05))
    row["chance"] = float(values[test].mean(axis=0).max()) if target.classes else 0.0
    row["holdout_sets"] = [str(v) for v in subject.sets.set_id[test]]
    row["observed"] = target.said(values[test]).tolist()
    return row


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
