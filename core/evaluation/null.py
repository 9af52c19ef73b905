"""The null that every metric is measured against: individuals drawn site by site, with no linkage at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.data.genotypes import Genotypes
from core.evaluation.context import Cohort

_COLUMNS = 1024


def independent_sites(real: Cohort, like: Genotypes, seed: int) -> Genotypes:
    """As many individuals as `like`, each call drawn by itself from the genotype frequencies of `real`.

    Right in every frequency, wrong in all linkage and structure: what a metric gives for it is what the metric
    gives for nothing. Labels and phenotypes are those of `like`, and the calls know nothing of them. No missing
    calls; a variant without any call in `real` becomes 0.
    """
    n = like.n
    generator = np.random.default_rng([seed, 17])
    calls = np.empty((n, real.m), dtype=np.int8)
    counts = real.genotype_counts.astype(np.float32)
    cumulative = counts.T.cumsum(axis=0) / np.maximum(real.called, 1).astype(np.float32)
    for start in range(0, real.m, _COLUMNS):
        columns = slice(start, min(start + _COLUMNS, real.m))
        uniform = generator.random((n, columns.stop - columns.start), dtype=np.float32)
        drawn = np.zeros(uniform.shape, dtype=np.int8)
        for genotype in range(real.ploidy):
            drawn += (uniform >= cumulative[genotype, columns]) & (real.called[columns] > 0)
        calls[:, columns] = drawn
    return replace(
        real.genotypes,
        calls=calls,
        sample_id=np.array([f"null_{i + 1}" for i in range(n)], dtype=np.str_),
        labels=like.labels,
        phenotypes=like.phenotypes,
        truth={},
    )
