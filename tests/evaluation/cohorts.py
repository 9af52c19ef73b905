"""Cohorts whose structure is known, for tests of metrics."""

from __future__ import annotations

import numpy as np

from core.config.evaluation import EvaluationConfig
from core.data.genotypes import Calls, Genotypes, from_calls
from core.evaluation.context import Cohort, Comparison


def mosaic(n: int, m: int, seed: int, founders: int = 60, switch: float = 0.02) -> Genotypes:
    """Individuals whose two haplotypes are copied in long pieces from the same founders, so that neighbours are linked.

    The founders depend on m alone: cohorts of different seeds are samples of one population.
    """
    source = np.random.default_rng(m)
    haplotypes = (source.random((founders, m)) < source.uniform(0.1, 0.9, m)).astype(np.int8)
    rng = np.random.default_rng([seed, m])
    calls = np.zeros((n, m), dtype=np.int8)
    for _ in range(2):
        start = rng.random((n, m)) < switch
        start[:, 0] = True
        chosen = rng.integers(0, founders, (n, m))
        copied = np.take_along_axis(chosen, np.maximum.accumulate(np.where(start, np.arange(m), 0), axis=1), axis=1)
        calls += haplotypes[copied, np.arange(m)]
    return from_calls(calls)


def noise(n: int, m: int, seed: int, ploidy: int = 2) -> Calls:
    """(n, m) calls without any structure."""
    return np.random.default_rng(seed).integers(0, ploidy + 1, (n, m)).astype(np.int8)


def cohort(genotypes: Genotypes | Calls, name: str = "reference", **settings: object) -> Cohort:
    """A cohort of genotypes or of a bare matrix."""
    known = genotypes if isinstance(genotypes, Genotypes) else from_calls(genotypes)
    return Cohort(known, name, seed=0, config=EvaluationConfig(**settings))  # type: ignore[arg-type]


def comparison(
    reference: Genotypes | Calls,
    candidate: Genotypes | Calls,
    train: Genotypes | Calls | None = None,
    draws: int = 0,
    **settings: object,
) -> Comparison:
    """A comparison of genotypes or bare matrices."""
    sides = [cohort(reference, "reference", **settings), cohort(candidate, "candidate", **settings)]
    seen = None if train is None else cohort(train, "train", **settings)
    return Comparison(sides[0], sides[1], seen, draws, 0, EvaluationConfig(**settings))  # type: ignore[arg-type]
