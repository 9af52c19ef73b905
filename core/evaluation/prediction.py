"""Prediction: can what is learned from synthetic individuals be used on real ones, and do they keep what was asked?

Forward, a predictor is trained on the candidate and tested on the reference; its ceiling is the same predictor
trained on real individuals. Backward, a predictor trained on the reference reads the phenotype of the candidate from
its calls, beside the one that it was made under. The reference is the holdout where there is one: real individuals
that the model never saw.
"""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Calls
from core.evaluation.blup import fit, relationships
from core.evaluation.bootstrap import multinomial_weights, resampled_means
from core.evaluation.context import Cohort, Comparison, Panel, once
from core.evaluation.phenotypes import common_labels, mean_over, permuted, studied, values_of
from core.evaluation.registry import Estimate, Unmeasurable, metric

Floats = npt.NDArray[np.float64]

INDIVIDUALS = 2000  # of a side at most: equations grow with their cube
PERMUTATIONS = 5  # of the negative control: one alone is right or wrong about the populations by chance
LEADING = 100  # variants, those most correlated with the phenotype, that boosted trees see
_TSTR = "Esteban et al. 2017 (train on synthetic, test on real); VanRaden 2008 (GBLUP)"


@metric(
    label="Prediction R² from synthetic",
    family="Prediction",
    headline=True,
    direction="higher",
    bounds=(-np.inf, 1.0),
    help="Share of the phenotype's variance among real individuals that genomic prediction (GBLUP) trained on "
    "synthetic individuals explains; the ceiling was trained on real ones. Below 0: worse than saying the mean.",
    source=_TSTR,
)
def tstr_r2(comparison: Comparison) -> Estimate:
    """1 − SSE / SST on the reference, mean over phenotypes."""
    return mean_over(comparison, lambda name: scored(comparison, name, "tstr_r2"))


@metric(
    label="Boosted trees R² from synthetic",
    family="Prediction",
    direction="higher",
    bounds=(-np.inf, 1.0),
    help=f"The same for gradient-boosted trees on the {LEADING} variants most correlated with the phenotype among "
    "those trained on: a predictor that can use interactions and is misled by other faults.",
    source="Esteban et al. 2017; Ke et al. 2017 (histogram-based gradient boosting)",
)
def tstr_boosting_r2(comparison: Comparison) -> Estimate:
    """1 − SSE / SST on the reference, mean over phenotypes."""
    return mean_over(comparison, lambda name: scored(comparison, name, "tstr_boosting_r2"))


@metric(
    label="Negative control R²",
    family="Prediction",
    target=0.0,
    bounds=(-np.inf, 1.0),
    help=f"Prediction R² when the phenotypes of the individuals trained on are permuted, mean of {PERMUTATIONS}: "
    "nothing can be learned, so what clearly exceeds 0 would be a fault of the measurement.",
    source="permutation (Good 2005)",
)
def negative_control_r2(comparison: Comparison) -> Estimate:
    """1 − SSE / SST on the reference, mean over phenotypes."""
    return mean_over(comparison, lambda name: scored(comparison, name, "negative_control_r2"))


@metric(
    label="Population accuracy from synthetic",
    family="Prediction",
    direction="higher",
    bounds=(0.0, 1.0),
    help="Share of real individuals whose label a classifier trained on synthetic individuals names rightly (GBLUP on "
    "indicators of the first label column); the ceiling was trained on real ones.",
    source=_TSTR,
)
def tstr_accuracy(comparison: Comparison) -> Estimate:
    """Accuracy on the reference individuals whose label is known."""
    column, right, chance = classified(comparison)
    draws = resampled_means(right, comparison.draws, comparison.generator(454)) if comparison.draws else None
    stated = {"column": column, "commonest": chance, "n": len(right), "n_trained": _near(comparison.candidate)}
    return Estimate(float(right.mean()), draws, stated)


@metric(
    label="Condition correlation",
    family="Prediction",
    direction="higher",
    bounds=(-1.0, 1.0),
    help="Correlation between the phenotype that synthetic individuals were asked for and the one that genomic "
    "prediction, trained on real individuals, reads in their calls. The ceiling is the same for real individuals; "
    "above it, the model overstates what calls say of the phenotype.",
    source="VanRaden 2008 (GBLUP)",
)
def condition_r(comparison: Comparison) -> Estimate:
    """Pearson correlation over candidates, mean over phenotypes."""
    return mean_over(comparison, lambda name: scored(comparison, name, "condition_r"))


@metric(
    label="Condition slope",
    family="Prediction",
    target=1.0,
    help="Slope of the phenotype asked for on the predicted one. Genomic prediction is calibrated to a slope of 1 in "
    "real individuals: below 1, calls follow the condition less than they should, above 1 more.",
    source="Henderson 1975 (E[y | prediction] = prediction)",
)
def condition_slope(comparison: Comparison) -> Estimate:
    """Least-squares slope over candidates, mean over phenotypes."""
    return mean_over(comparison, lambda name: scored(comparison, name, "condition_slope"))


SCORES = ("tstr_r2", "tstr_boosting_r2", "negative_control_r2", "condition_r", "condition_slope")


@once
def scored(comparison: Comparison, name: str, which: str) -> Estimate:
    """One of SCORES for one phenotype."""
    stream = 451 + SCORES.index(which)
    if which == "tstr_r2":
        return _explained(comparison, name, forward(comparison, name)[:, :1], stream)
    if which == "tstr_boosting_r2":
        return _explained(comparison, name, boosted(comparison, name)[:, None], stream)
    if which == "negative_control_r2":
        return _explained(comparison, name, forward(comparison, name)[:, 1:], stream)
    return _tied(comparison, name, which == "condition_slope", stream)


@once
def forward(comparison: Comparison, name: str) -> Floats:
    """(t, 1 + PERMUTATIONS) predictions for the reference, trained on the candidate: its phenotype, then permuted."""
    candidate = comparison.candidate
    control = [permuted(candidate, name, draw) for draw in range(PERMUTATIONS)]
    targets = np.column_stack([values_of(candidate, name), *control])[_index(candidate)]
    among, between = _forward_kernel(comparison)
    return fit(among, targets).predict(between)


@once
def backward(comparison: Comparison, name: str) -> Floats:
    """(c,) predictions for the candidate by what was trained on the reference."""
    reference = comparison.reference
    among, between = _backward_kernel(comparison)
    return fit(among, values_of(reference, name)[_index(reference), None]).predict(between)[:, 0]


@once
def boosted(comparison: Comparison, name: str) -> Floats:
    """(t,) predictions for the reference by gradient-boosted trees that were trained on the candidate."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    candidate = comparison.candidate
    y = values_of(candidate, name)[_index(candidate)]
    known = np.isfinite(y)
    calls = _calls(candidate)[known]
    columns = _most_correlated(calls, y[known])
    trees = HistGradientBoostingRegressor(
        max_iter=100, learning_rate=0.08, max_leaf_nodes=8, early_stopping=False, random_state=comparison.seed
    )
    trees.fit(calls[:, columns], y[known])
    return np.asarray(trees.predict(_calls(comparison.reference)[:, columns]), dtype=np.float64)


@once
def classified(comparison: Comparison) -> tuple[str, npt.NDArray[np.float64], float]:
    """The label column, (t,) whether each reference individual with a label is named rightly, the commonest's share."""
    column = next(iter(common_labels(comparison)), None)
    if column is None:
        raise Unmeasurable("Needs a label column with two values or more that both sides have.")
    made, real = (c.genotypes.labels[column][_index(c)] for c in (comparison.candidate, comparison.reference))
    names = np.array(sorted(set(made.tolist()) - {""}))
    if len(names) < 2:
        raise Unmeasurable(f"Fewer than two values of {column} stand among the individuals to train on.")
    known = real != ""
    if known.sum() < 2:
        raise Unmeasurable(f"Hardly any real individual has a {column}.")
    targets = np.where((made != "")[:, None], made[:, None] == names, np.nan).astype(np.float64)
    among, between = _forward_kernel(comparison)
    answer = names[fit(among, targets, shares=(0.5,)).predict(between).argmax(axis=1)]
    commonest = np.unique(real[known], return_counts=True)[1].max() / known.sum()
    return column, (answer == real)[known].astype(np.float64), float(commonest)


def curves(panel: Panel) -> dict[str, list[dict[str, Any]]]:
    """`prediction`: a row a phenotype with every score, its null_ and its ceiling_, or the reason why there is none."""
    rows: list[dict[str, Any]] = []
    for name, reason in studied(panel.value).items():
        row: dict[str, Any] = {"phenotype": name} | ({"reason": reason} if reason else {})
        for key, comparison in {} if reason else panel.comparisons.items():
            prefix = "" if key == "value" else f"{key}_"
            for score in SCORES:
                with contextlib.suppress(Unmeasurable, KeyError):
                    row[prefix + score] = scored(comparison, name, score).value
        if not reason:
            row |= {"n": _near(panel.value.candidate), "n_real": _near(panel.value.reference)}
        rows.append(row)
    return {"prediction": rows}


def arrays(panel: Panel) -> dict[str, dict[str, npt.NDArray[Any]]]:
    """`prediction`: what was predicted and what is true, per phenotype k of `phenotype` (p,), float32, NaN unknown.

    actual_k, by_synthetic_k, by_real_k (t,) of the reference; requested_k, read_k (c,) of synthetic individuals and
    real_requested_k, real_read_k of the ceiling's, read by what was trained on the reference.
    """
    names = [name for name, reason in studied(panel.value).items() if not reason]
    stored: dict[str, npt.NDArray[Any]] = {}
    for k, name in enumerate(names):
        stored[f"actual_{k}"] = values_of(panel.value.reference, name)[_index(panel.value.reference)]
        for key, comparison in panel.comparisons.items():
            if key == "null" or name not in comparison.candidate.genotypes.phenotypes:
                continue
            real = key == "ceiling"
            if comparison.reference is panel.value.reference:
                stored[f"by_{'real' if real else 'synthetic'}_{k}"] = forward(comparison, name)[:, 0]
            prefix = "real_" if real else ""
            stored[f"{prefix}requested_{k}"] = values_of(comparison.candidate, name)[_index(comparison.candidate)]
            stored[f"{prefix}read_{k}"] = backward(comparison, name)
    kept = {key: values.astype(np.float32) for key, values in stored.items()}
    return {"prediction": kept | {"phenotype": np.array(names, dtype=np.str_)}} if names else {}


def _explained(comparison: Comparison, name: str, predicted: Floats, stream: int) -> Estimate:
    """R² of predictions (t, p), mean over p, on those with the phenotype; they are drawn again for the interval."""
    actual = values_of(comparison.reference, name)[_index(comparison.reference)]
    known = np.isfinite(actual)
    y, wrong = actual[known], np.square(actual[:, None] - predicted)[known].mean(axis=1)
    r = _correlation(y, predicted[known, 0])
    stated = {"n": len(y), "n_trained": _near(comparison.candidate), "correlation": r}
    weights = np.ones((1, len(y)))
    if comparison.draws:
        drawn = multinomial_weights(len(y), comparison.draws, comparison.generator(stream))
        weights = np.concatenate([weights, drawn])
    centred = y - y.mean()
    total = weights @ np.square(centred) - np.square(weights @ centred) / len(y)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = 1 - weights @ wrong / total
    return Estimate(float(values[0]), values[1:] if comparison.draws else None, stated)


def _tied(comparison: Comparison, name: str, slope: bool, stream: int) -> Estimate:
    """Correlation or slope of the phenotype asked for (y) with, and on, the predicted one (x), over candidates."""
    asked = values_of(comparison.candidate, name)[_index(comparison.candidate)]
    known = np.isfinite(asked)
    y, x = asked[known], backward(comparison, name)[known]
    x = x - x.mean()
    if x.std() < 1e-6 * y.std():
        raise Unmeasurable("What was trained on real individuals predicts the same for everybody: nothing can be read.")
    weights = np.ones((1, len(y)))
    if comparison.draws:
        drawn = multinomial_weights(len(y), comparison.draws, comparison.generator(stream)).astype(np.float64)
        weights = np.concatenate([weights, drawn])
    n = len(y)
    mean_x, mean_y = weights @ x / n, weights @ y / n
    covariance = weights @ (x * y) / n - mean_x * mean_y
    variance_x, variance_y = weights @ (x * x) / n - mean_x**2, weights @ (y * y) / n - mean_y**2
    with np.errstate(divide="ignore", invalid="ignore"):
        values = covariance / (variance_x if slope else np.sqrt(variance_x * variance_y))
    stated = {"n": n, "n_trained": _near(comparison.reference)}
    return Estimate(float(values[0]), values[1:] if comparison.draws else None, stated)


def _correlation(x: Floats, y: Floats) -> float | None:
    return float(np.corrcoef(x, y)[0, 1]) if len(x) > 2 and x.std() > 0 and y.std() > 0 else None


@once
def _forward_kernel(comparison: Comparison) -> tuple[Floats, Floats]:
    return relationships(_calls(comparison.candidate), _calls(comparison.reference))


@once
def _backward_kernel(comparison: Comparison) -> tuple[Floats, Floats]:
    return relationships(_calls(comparison.reference), _calls(comparison.candidate))


def _most_correlated(calls: Calls, y: Floats) -> npt.NDArray[np.int64]:
    """The LEADING columns with the largest squared correlation with y, in their order."""
    x = calls.astype(np.float32)
    x -= x.mean(axis=0)
    norm = np.square(x).sum(axis=0)
    squared = np.square((y - y.mean()).astype(np.float32) @ x) / np.where(norm > 0, norm, np.inf)
    return np.sort(np.argsort(-squared, kind="stable")[:LEADING])


def _index(cohort: Cohort) -> npt.NDArray[np.int64]:
    return cohort.near_index(INDIVIDUALS)


def _calls(cohort: Cohort) -> Calls:
    return cohort.near(INDIVIDUALS)


def _near(cohort: Cohort) -> int:
    return min(cohort.n, INDIVIDUALS)
