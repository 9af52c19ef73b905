"""The cheap scores by which a training is watched: a few metrics on a few hundred individuals."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from core.config.evaluation import EvaluationConfig
from core.data.genotypes import Calls, from_calls

METRICS = ("precision", "recall", "allele_frequency_rmse", "ld_r")
MOST = 500  # individuals a side; keeps a validation near a second on two cores


def validator(seed: int, device: str) -> Callable[[Calls, Calls], Mapping[str, float]]:
    """A function (samples, holdout calls) → value of each of `METRICS`, NaN where it has none; calls are complete int8.

    Precision and recall take k = 5. The same holdout individuals are used every time.
    """
    from core.evaluation.context import Cohort, Comparison
    from core.evaluation.registry import metrics

    config = EvaluationConfig(bootstrap=0)

    def cohort(calls: Calls, name: str, ploidy: int) -> Cohort:
        chosen = np.sort(np.random.default_rng(seed).permutation(len(calls))[:MOST])
        return Cohort(from_calls(calls[chosen], ploidy=ploidy), name, seed=seed, config=config, device=device)

    def validate(samples: Calls, holdout: Calls) -> Mapping[str, float]:
        ploidy = 2 if max(samples.max(), holdout.max()) > 1 else 1
        comparison = Comparison(
            cohort(holdout, "holdout", ploidy),
            cohort(samples, "synthetic", ploidy),
            seed=seed,
            config=config,
            device=device,
        )
        estimates = {name: metrics[name].value(comparison).value for name in METRICS}
        return {name: math.nan if value is None else value for name, value in estimates.items()}

    return validate
