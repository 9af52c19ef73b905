"""Lesson 1: two cohorts with equal allele frequencies, one with its linkage, one without."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.data.genotypes import Calls
from core.evaluation.pairs import r_squared

Floats = npt.NDArray[np.float64]

LENGTH = 5_000_000  # bp
VARIANTS = 60
INDIVIDUALS = 60  # in each of the two populations
FOUNDERS, FOUNDING = 3, 1  # diploids of whom a population descends, and the generations that it stayed so few
_ANCESTRAL, _LATER = 1_000, 20_000  # diploids: few ancestors, so that the founders bring most of the linkage
_MUTATION_RATE = 1.5e-8
_MAF_MIN = 0.1
BINS = 12  # of distance


@dataclass(frozen=True)
class Cohort:
    """One of the two cohorts, measured.

    Attributes:
        calls: (n, m) int8, copies of the alternate allele.
        frequency: (m,) of the alternate allele.
        r2: (m, m) squared correlation of calls.
        decay: (BINS,) mean r² of pairs by distance, NaN where no pair is.
        scores: (n, 2) on the first two principal components.
        share: of the variance on the first component.
    """

    calls: Calls
    frequency: Floats
    r2: Floats
    decay: Floats
    scores: Floats
    share: float

    @property
    def neighbours(self) -> float:
        """Mean r² of variants that are neighbours."""
        return float(np.nanmean(np.diagonal(self.r2, 1)))


@dataclass(frozen=True)
class Pair:
    """The real cohort and the same one with every variant shuffled over individuals.

    Attributes:
        real, shuffled: of the same variants and individuals.
        position: (m,) bp.
        distance: (BINS,) bp, middle of each bin of the decay.
        population: (n,) "North" or "South" of the real individuals; of the shuffled it means nothing.
        real_first: whether the real one is shown as cohort A; chance decides by the seed.
    """

    real: Cohort
    shuffled: Cohort
    position: npt.NDArray[np.int64]
    distance: Floats
    population: npt.NDArray[np.str_]
    real_first: bool

    @property
    def shown(self) -> tuple[Cohort, Cohort]:
        """Cohort A and cohort B."""
        return (self.real, self.shuffled) if self.real_first else (self.shuffled, self.real)


def simulate(rate: float, generations: int, seed: int) -> Pair:
    """Two populations founded by a few each, drawn from the coalescent with recombination (msprime).

    Args:
        rate: crossovers for each 10⁸ base pairs and generation (1 is the human average).
        generations: since the founding; crossovers of all of them have broken what the founders brought.
        seed: of ancestry, mutations, shuffling and which cohort is A.
    """
    import msprime

    history = msprime.Demography()
    history.add_population(name="before", initial_size=_ANCESTRAL)
    for name in ("North", "South"):
        history.add_population(name=name, initial_size=_LATER)
        history.add_population_parameters_change(time=generations, population=name, initial_size=FOUNDERS)
    history.add_population_split(time=generations + FOUNDING, derived=["North", "South"], ancestral="before")
    rng = np.random.default_rng(seed)
    seeds = rng.integers(1, 2**31 - 1, size=2)
    trees = msprime.sim_ancestry(
        samples={"North": INDIVIDUALS, "South": INDIVIDUALS}, demography=history, sequence_length=LENGTH,
        recombination_rate=rate * 1e-8, random_seed=int(seeds[0]),
    )  # fmt: skip
    trees = msprime.sim_mutations(
        trees, rate=_MUTATION_RATE, model=msprime.BinaryMutationModel(), random_seed=int(seeds[1])
    )
    calls, position = _common(trees.genotype_matrix(), trees.sites_position)
    shuffled = rng.permuted(calls, axis=0)
    edges = np.linspace(0, LENGTH, BINS + 1)
    cohorts = [_measured(one, position, edges) for one in (calls, shuffled)]
    return Pair(
        real=cohorts[0],
        shuffled=cohorts[1],
        position=position,
        distance=(edges[1:] + edges[:-1]) / 2,
        population=np.repeat(np.array(["North", "South"]), INDIVIDUALS),
        real_first=bool(rng.integers(2)),
    )


def _common(haplotypes: npt.NDArray[np.int32], place: Floats) -> tuple[Calls, npt.NDArray[np.int64]]:
    """Calls (n, m) of at most VARIANTS common variants, evenly spaced among all, and their positions."""
    alternate = np.minimum(haplotypes, 1).astype(np.int8)
    frequency = alternate.mean(axis=1)
    common = np.flatnonzero(np.minimum(frequency, 1 - frequency) >= _MAF_MIN)
    chosen = common[np.unique(np.linspace(0, len(common) - 1, VARIANTS).round().astype(int))]
    return (alternate[chosen, 0::2] + alternate[chosen, 1::2]).T, place[chosen].astype(np.int64)


def _measured(calls: Calls, position: npt.NDArray[np.int64], edges: Floats) -> Cohort:
    r2 = np.asarray(r_squared(calls), dtype=np.float64)
    i, j = np.triu_indices(len(position), 1)
    bins = np.digitize(position[j] - position[i], edges) - 1
    known = np.isfinite(r2[i, j])
    sums = np.bincount(bins[known], r2[i, j][known], BINS)
    counts = np.bincount(bins[known], minlength=BINS)
    centred = calls - calls.mean(axis=0)
    left, singular, _ = np.linalg.svd(centred / (centred.std(axis=0) + 1e-9), full_matrices=False)
    return Cohort(
        calls=calls,
        frequency=calls.mean(axis=0) / 2,
        r2=r2,
        decay=np.where(counts > 0, sums / np.maximum(counts, 1), np.nan),
        scores=left[:, :2] * singular[:2],
        share=float(singular[0] ** 2 / np.square(singular).sum()),
    )
