"""Which cohort is compared with which in a report: the value, its null, its ceiling, and both at the ceiling's size.

    with a holdout      value: synthetic → holdout          ceiling: training individuals → holdout
    without             value: synthetic → real             ceiling: half the real → the other half

Metrics that are `pooled` take all real individuals for reference, as if there were no holdout.
The null is drawn at the frequencies of the training individuals (of the real ones without a holdout). Halves are
smaller than the whole and some metrics move with size, so without a holdout the value and the null are measured
once more at the size of the ceiling ("matched"): only those three may be set in proportion.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from core.config.evaluation import EvaluationConfig
from core.data.genotypes import Genotypes
from core.errors import InputError
from core.evaluation.context import Cohort, Comparison, Panel

# Variants of the null drawn at once.
_COLUMNS = 1024


@dataclass(frozen=True)
class Setting:
    """What the comparisons of a report have in common. `real` are the training individuals where a holdout is given."""

    real: Cohort
    synthetic: Cohort
    holdout: Cohort | None

    @property
    def reference(self) -> Cohort:
        """The individuals to judge by."""
        return self.real if self.holdout is None else self.holdout

    @property
    def train(self) -> Cohort | None:
        """The training individuals where they are not the reference."""
        return None if self.holdout is None else self.real

    def compare(self, reference: Cohort, candidate: Cohort, train: Cohort | None = None, draws: int = 0) -> Comparison:
        """A comparison with this report's settings."""
        real = self.real
        return Comparison(reference, candidate, train, draws, real.seed, real.config, real.device)


def setting(
    real: Genotypes,
    synthetic: Genotypes,
    holdout: Genotypes | None,
    *,
    seed: int,
    config: EvaluationConfig,
    device: str,
) -> Setting:
    """Cohorts of harmonised matrices. Raises InputError where one is empty."""
    named = {"real": real, "synthetic": synthetic} | ({} if holdout is None else {"holdout": holdout})
    for name, genotypes in named.items():
        if 0 in genotypes.calls.shape:
            raise InputError(
                f"The {name} matrix is {genotypes.n} individuals × {genotypes.m} variants; at least one of each is "
                "needed."
            )
    cohorts = {
        name: Cohort(genotypes, name, seed=seed, config=config, device=device) for name, genotypes in named.items()
    }
    return Setting(cohorts["real"], cohorts["synthetic"], cohorts.get("holdout"))


def value(here: Setting) -> Comparison:
    """The synthetic individuals against the reference, with bootstrap draws."""
    return here.compare(here.reference, here.synthetic, here.train, draws=here.real.config.bootstrap)


def null(here: Setting) -> Comparison:
    """Independent sites, as many as there are synthetic individuals, against the reference."""
    drawn = independent_sites(here.real, here.synthetic.genotypes, here.real.seed)
    return here.compare(here.reference, replace(here.real, genotypes=drawn, name="null", exchangeable=True), here.train)


def ceiling(here: Setting) -> Comparison | None:
    """Real individuals against the reference, or half the real against the other half; None below four of them."""
    if here.holdout is not None:
        size = min(here.synthetic.n, here.real.n)
        return here.compare(here.holdout, _subset(here.real, here.real.near_index(size)))
    if here.real.n < 4:
        return None
    first, second = _halves(here.real)
    second = np.sort(second[: here.synthetic.n])
    return here.compare(_subset(here.real, np.sort(first)), _subset(here.real, second))


def everyone(here: Setting) -> Setting:
    """The same without a holdout: its individuals are among the real ones, whose halves are the ceiling."""
    if here.holdout is None:
        return here
    sides = (here.real.genotypes, here.holdout.genotypes)
    pooled = replace(
        sides[0],
        calls=np.concatenate([side.calls for side in sides]),
        sample_id=np.concatenate([side.sample_id for side in sides]),
        labels=_stacked(*(side.labels for side in sides)),
        phenotypes=_stacked(*(side.phenotypes for side in sides)),
    )
    return Setting(replace(here.real, genotypes=pooled), here.synthetic, None)


def _stacked(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    return {name: np.concatenate([first[name], second[name]]) for name in first if name in second}


def privacy_ceiling(here: Setting) -> Comparison | None:
    """One half of the training individuals judged as if made by a model that was trained on the other half.

    What privacy metrics give for individuals that were not copied; None without a holdout or with few individuals.
    """
    if here.holdout is None or here.real.n < 4:
        return None
    first, second = _halves(here.real)
    return here.compare(here.holdout, _subset(here.real, first), _subset(here.real, second))


def matched(here: Setting, of: Panel) -> dict[str, Comparison]:
    """ "value" and "null" against one real half, at its size; empty with a holdout, where sizes match already."""
    if here.holdout is not None or of.ceiling is None:
        return {}
    half, size = of.ceiling.reference, of.ceiling.candidate.n
    cohorts = {"value": here.synthetic, "null": of.null.candidate}
    return {name: here.compare(half, _subset(one, one.near_index(size))) for name, one in cohorts.items()}


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


def _halves(cohort: Cohort) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    order, half = np.random.default_rng([cohort.seed, 19]).permutation(cohort.n), cohort.n // 2
    return order[:half], order[half : 2 * half]


def _subset(cohort: Cohort, index: npt.NDArray[np.int64]) -> Cohort:
    if len(index) == cohort.n:
        return cohort
    # Of exchangeable individuals the first ones: a view, not a copy.
    rows = slice(len(index)) if cohort.exchangeable else index
    return replace(cohort, genotypes=cohort.genotypes.individuals(rows))
