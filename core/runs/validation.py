"""The cheap scores by which a training is watched: a few metrics on a few hundred individuals."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from core.config.evaluation import EvaluationConfig
from core.data.genotypes import Calls, from_calls

METRICS = ("precision", "recall", "allele_frequency_rmse", "ld_r")
MOST = 500  # individuals a side; keeps a validation near a second on two cores


def validator(seed: int, device: str) -> Callable[[Any, Any, Any], Mapping[str, float]]:
    """A function (model, holdout, noise) → value of each of `METRICS` on as many samples as there are held out, or NaN.

    Precision and recall take k = 5. The same holdout individuals are used every time.
    """
    from core.evaluation.context import Cohort, Comparison
    from core.evaluation.registry import metrics

    config = EvaluationConfig(bootstrap=0)

    def cohort(calls: Calls, name: str, ploidy: int) -> Cohort:
        chosen = np.sort(np.random.default_rng(seed).permutation(len(calls))[:MOST])
        return Cohort(from_calls(calls[chosen], ploidy=ploidy), name, seed=seed, config=config, device=device)

    def validate(model: Any, holdout: Any, noise: Any) -> Mapping[str, float]:
        samples = model.sample(len(holdout), holdout.condition.to(noise.device), noise).cpu().numpy()
        ploidy = model.spec.ploidy
        comparison = Comparison(
            cohort(holdout.calls.cpu().numpy(), "holdout", ploidy),
            cohort(samples, "synthetic", ploidy),
            seed=seed,
            config=config,
            device=device,
        )
        estimates = {name: metrics[name].value(comparison).value for name in METRICS}
        return {name: math.nan if value is None else value for name, value in estimates.items()}

    return validate
