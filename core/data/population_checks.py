"""What a population has to be to become a dataset."""

from __future__ import annotations

import numpy as np

from core.data.dataset import Population
from core.data.genotypes import MISSING
from core.data.sets import SetCollection
from core.errors import InputError


def check_population(population: Population) -> None:
    """Nothing for what can be a dataset. Raises InputError for calls, observations or names that cannot be."""
    if isinstance(population, SetCollection):
        if population.s < 2:
            raise InputError(f"The collection has {population.s} set; at least 2 sets are needed.")
        _check_observations(population)
        return
    n, m = population.n, population.m
    if n < 2 or m < 1:
        raise InputError(
            f"The cohort has {n} individuals and {m} variants; at least 2 individuals and 1 variant are needed."
        )
    low = min(int(population.calls[i : i + 256].min()) for i in range(0, n, 256))
    high = max(int(population.calls[i : i + 256].max()) for i in range(0, n, 256))
    if low < MISSING or high > population.ploidy:
        raise InputError(
            f"The calls run from {low} to {high}; counts 0 to {population.ploidy} and -1 for missing are expected."
        )
    if high == MISSING:
        raise InputError("Every call is missing; a file with at least some genotypes is expected.")
    ids, counts = np.unique(population.sample_id, return_counts=True)
    if len(ids) < n:
        raise InputError(
            f"The individual {str(ids[counts.argmax()])[:80]!r} appears {counts.max()} times; ids must be unique."
        )


def _check_observations(sets: SetCollection) -> None:
    """Every observation is finite, every letter one of the alphabet, every name of a set its own; or InputError."""
    if len(set(sets.set_id.tolist())) < sets.s:
        raise InputError("Two sets have one name; give sets names that differ.")
    for start in range(0, sets.k, 4096):
        block = np.asarray(sets.observations[start : start + 4096])
        if sets.modality == "vector" and not np.isfinite(block).all():
            raise InputError(
                "Some features are not finite after they were prepared; leave out the scaling or features."
            )
        if sets.modality == "sequence" and not -1 <= int(block.min()) <= int(block.max()) < len(sets.alphabet):
            raise InputError("Some sequences hold letters outside their alphabet; check the file.")
