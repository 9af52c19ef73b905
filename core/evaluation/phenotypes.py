"""Which phenotypes of a cohort can be studied, and in plain words why the others cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.context import Cohort, Comparison, once
from core.evaluation.registry import Estimate, Unmeasurable

Floats = npt.NDArray[np.float64]

STUDIED = 6  # phenotypes of a report that names none: each costs seconds
KNOWN = 20  # individuals with a value on each side below which nothing is estimated

NO_PHENOTYPE = "The real individuals have no phenotype: import the cohort with a table that gives each one a number."


@once
def studied(comparison: Comparison) -> dict[str, str]:
    """Phenotype of the reference → why it cannot be studied, "" where it can."""
    reference, config = comparison.reference.genotypes, comparison.config
    chosen = config.phenotypes or tuple(reference.phenotypes)[:STUDIED]
    reasons = {}
    for name in dict.fromkeys([*config.phenotypes, *reference.phenotypes]):
        if name not in reference.phenotypes:
            reasons[name] = "The real individuals have no such phenotype."
        elif name not in chosen:
            reasons[name] = (
                f"Left out: the report studies {len(chosen)} of {len(reference.phenotypes)} phenotypes; "
                "name it in evaluation.phenotypes."
            )
        else:
            reasons[name] = _obstacle(comparison, name)
    return reasons


def usable(comparison: Comparison) -> tuple[str, ...]:
    """The phenotypes that can be studied. Raises Unmeasurable where there is none."""
    reasons = studied(comparison)
    names = tuple(name for name, reason in reasons.items() if not reason)
    if not names:
        raise Unmeasurable(next((f"{name}: {reason}" for name, reason in reasons.items()), NO_PHENOTYPE))
    return names


def mean_over(comparison: Comparison, measure: Callable[[str], Estimate], **params: Any) -> Estimate:
    """The mean of a measurement over the phenotypes that have it; `params["phenotypes"]` holds each.

    Raises Unmeasurable with the reason of the first where none has it.
    """
    estimates: dict[str, Estimate] = {}
    reason = ""
    for name in usable(comparison):
        try:
            one = measure(name)
        except Unmeasurable as obstacle:
            reason = reason or f"{name}: {obstacle}"
            continue
        if one.value is not None and np.isfinite(one.value):
            estimates[name] = one
        else:
            reason = reason or f"{name}: {one.reason or 'the value is undefined'}"
    if not estimates:
        raise Unmeasurable(reason)
    draws = [one.draws for one in estimates.values() if one.draws is not None]
    value = float(np.mean([one.value for one in estimates.values() if one.value is not None]))
    stated: dict[str, Any] = {"phenotypes": {name: one.value for name, one in estimates.items()}}
    if len(estimates) == 1:
        stated |= {"phenotype": next(iter(estimates))} | next(iter(estimates.values())).params
    return Estimate(value, np.mean(draws, axis=0) if draws else None, stated | params)


def values_of(cohort: Cohort, name: str) -> Floats:
    """(n,) float64 values of a phenotype, NaN unknown."""
    return np.asarray(cohort.genotypes.phenotypes[name], dtype=np.float64)


def permuted(cohort: Cohort, name: str, draw: int = 0) -> Floats:
    """(n,) the known values of a phenotype in a random order: the negative control, associated with nothing."""
    values = values_of(cohort, name).copy()
    known = np.flatnonzero(np.isfinite(values))
    values[known] = values[np.random.default_rng([cohort.seed, 401, draw]).permutation(known)]
    return values


def common_labels(comparison: Comparison) -> tuple[str, ...]:
    """Label columns that both sides have, with more than one value: what a phenotype may be stratified by."""
    real, made = comparison.reference.genotypes.labels, comparison.candidate.genotypes.labels
    return tuple(name for name in real if name in made and len(set(real[name].tolist())) > 1)


def _obstacle(comparison: Comparison, name: str) -> str:
    for cohort, who in ((comparison.reference, "real"), (comparison.candidate, "synthetic")):
        if name not in cohort.genotypes.phenotypes:
            return f"The {who} individuals carry no value of it: the model was not conditioned on it."
        values = values_of(cohort, name)
        values = values[np.isfinite(values)]
        if len(values) < KNOWN:
            return f"{len(values)} of the {who} individuals have a value; {KNOWN} are needed."
        if values.std() <= 1e-9 * max(1.0, float(np.abs(values).max())):
            return f"It is the same for all {who} individuals that have a value."
    return ""
