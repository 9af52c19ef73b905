"""Precision, recall, density and coverage: k-nearest-neighbour balls around real and synthetic individuals.

Around each real individual lies a ball that reaches to its k-th nearest real neighbour; likewise around each
synthetic one. Small k (3–5) discriminates; at k = 60 even a generator without linkage reaches a recall near 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.bootstrap import resampled_means
from core.evaluation.context import Comparison, Panel
from core.evaluation.neighbours import Neighbours, neighbours, params
from core.evaluation.registry import Estimate, Unmeasurable, metric

_PRECISION_RECALL = "Kynkäänniemi et al. 2019, eq. 1–3"
_DENSITY_COVERAGE = "Naeem et al. 2020, eq. 3–4"
NAMES = ("precision", "recall", "density", "coverage")


@metric(
    label="Precision",
    family="Fidelity and diversity",
    headline=True,
    direction="higher",
    bounds=(0.0, 1.0),
    help="Share of synthetic individuals that lie inside a ball around a real individual: are they realistic?",
    source=_PRECISION_RECALL,
)
def precision(comparison: Comparison) -> Estimate:
    """Share of candidates in any reference ball at the configured k."""
    return _estimate(comparison, "precision", stream=101)


@metric(
    label="Recall",
    family="Fidelity and diversity",
    headline=True,
    direction="higher",
    bounds=(0.0, 1.0),
    help="Share of real individuals that lie inside a ball around a synthetic individual: is all variety there?",
    source=_PRECISION_RECALL,
)
def recall(comparison: Comparison) -> Estimate:
    """Share of the reference in any candidate ball at the configured k."""
    return _estimate(comparison, "recall", stream=102)


@metric(
    label="Density",
    family="Fidelity and diversity",
    target=1.0,
    bounds=(0.0, np.inf),
    help="Real balls that hold a synthetic individual, over k: like precision, but one outlying real "
    "individual with a wide ball counts little. Above 1, the synthetic crowd where real ones are dense.",
    source=_DENSITY_COVERAGE,
)
def density(comparison: Comparison) -> Estimate:
    """Mean number of reference balls on a candidate, over k."""
    return _estimate(comparison, "density", stream=103)


@metric(
    label="Coverage",
    family="Fidelity and diversity",
    direction="higher",
    bounds=(0.0, 1.0),
    help="Share of real individuals whose own ball holds a synthetic individual: like recall, but balls around "
    "synthetic outliers cannot inflate it.",
    source=_DENSITY_COVERAGE,
)
def coverage(comparison: Comparison) -> Estimate:
    """Share of the reference with a candidate inside its own ball."""
    return _estimate(comparison, "coverage", stream=104)


def indicators(found: Neighbours, name: str, k: int) -> npt.NDArray[np.float64]:
    """(n,) float64, one number an individual, whose mean is the metric `name` at `k`.

    Precision and density have one a candidate, recall and coverage one a reference individual.
    """
    j = found.column(k)
    if name == "precision":
        return np.asarray(found.balls_on_candidate[:, j] > 0, dtype=np.float64)
    if name == "density":
        return found.balls_on_candidate[:, j] / k
    if name == "recall":
        return np.asarray(found.covered[:, j], dtype=np.float64)
    return np.asarray(found.reference_other <= found.reference_radius[:, j], dtype=np.float64)


def curves(panel: Panel) -> dict[str, list[dict[str, Any]]]:
    """`precision_recall` over k, and `precision_recall_by_population` at the configured k."""
    named = [("", panel.value), ("null_", panel.null), ("ceiling_", panel.ceiling)]
    rows: list[dict[str, Any]] = []
    for k in sorted({panel.value.config.k, *panel.value.config.neighbours}):
        row: dict[str, Any] = {"k": k}
        for prefix, comparison in named:
            for name in NAMES:
                row[prefix + name] = None if comparison is None else _value(comparison, name, k)
        rows.append(row)
    return {"precision_recall": rows, "precision_recall_by_population": _by_population(panel.value)}


def _estimate(comparison: Comparison, name: str, stream: int) -> Estimate:
    k = comparison.config.k
    each = indicators(neighbours(comparison), name, k)
    draws = resampled_means(each, comparison.draws, comparison.generator(stream))
    return Estimate(float(each.mean()), draws, {"k": k} | params(comparison))


def _value(comparison: Comparison, name: str, k: int) -> float | None:
    try:
        return float(indicators(neighbours(comparison), name, k).mean())
    except Unmeasurable:
        return None


def _by_population(comparison: Comparison) -> list[dict[str, Any]]:
    """One row a population and label column: means of the same indicators over its members.

    Balls are those of the whole cohorts. Precision and density need synthetic individuals that carry the label;
    they are None where these do not.
    """
    try:
        found = neighbours(comparison)
        each = {name: indicators(found, name, comparison.config.k) for name in NAMES}
    except Unmeasurable:
        return []
    real, made = comparison.reference, comparison.candidate
    rows: list[dict[str, Any]] = []
    for column, labels in real.genotypes.labels.items():
        of_real = labels[real.near_index(comparison.n_near)]
        made_labels = made.genotypes.labels.get(column)
        of_made = None if made_labels is None else made_labels[made.near_index(comparison.n_near)]
        for population in sorted(set(of_real.tolist()) - {""}):
            here = of_real == population
            if here.sum() < comparison.config.population_minimum:
                continue
            there = None if of_made is None else of_made == population
            row: dict[str, Any] = {"column": column, "population": population, "n": int(here.sum())}
            row["n_synthetic"] = None if there is None else int(there.sum())
            row["k"] = comparison.config.k
            for name in NAMES:
                chosen = here if name in ("recall", "coverage") else there
                row[name] = None if chosen is None or not chosen.any() else float(each[name][chosen].mean())
            rows.append(row)
    return rows
