"""Population histories for msprime."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import msprime

OUT_OF_AFRICA = ("YRI", "CEU", "CHB")


def constant(size: float) -> msprime.Demography:
    """One population of `size` diploids at all times."""
    import msprime

    demography = msprime.Demography()
    demography.add_population(name="POP", initial_size=size)
    return demography


def bottleneck(size: float, start: float, end: float, strength: float) -> msprime.Demography:
    """One population of `size` that had `size` × `strength` diploids from `start` to `end` generations ago."""
    demography = constant(size)
    demography.add_population_parameters_change(time=end, initial_size=size * strength, population="POP")
    demography.add_population_parameters_change(time=start, initial_size=size, population="POP")
    return demography


def out_of_africa() -> msprime.Demography:
    """Three populations (YRI, CEU, CHB) with the parameters of Gutenkunst et al. 2009, table 1.

    Sizes in diploids, growth and migration per generation of 25 years. The African population grew from 7,300 to 12,300
    220,000 years ago; Eurasians left it as 2,100 140,000 years ago; Europeans (1,000, growing 0.4 % a generation) and
    East Asians (510, growing 0.55 %) parted 21,200 years ago; all exchange migrants since.
    """
    import msprime

    generation = 25
    europe_growth, asia_growth = 0.004, 0.0055
    split_eurasia, out, africa_growth = 21.2e3 / generation, 140e3 / generation, 220e3 / generation
    demography = msprime.Demography()
    demography.add_population(name="YRI", initial_size=12_300)
    demography.add_population(
        name="CEU", initial_size=1_000 * math.exp(europe_growth * split_eurasia), growth_rate=europe_growth
    )
    demography.add_population(
        name="CHB", initial_size=510 * math.exp(asia_growth * split_eurasia), growth_rate=asia_growth
    )
    demography.add_population(name="OOA", initial_size=2_100)
    demography.add_population(name="AMH", initial_size=12_300)
    demography.add_population(name="ANC", initial_size=7_300)
    for pair, rate in ((["YRI", "CEU"], 3e-5), (["YRI", "CHB"], 1.9e-5), (["CEU", "CHB"], 9.6e-5)):
        demography.set_symmetric_migration_rate(pair, rate)
    demography.add_population_split(time=split_eurasia, derived=["CEU", "CHB"], ancestral="OOA")
    demography.add_symmetric_migration_rate_change(time=split_eurasia, populations=["YRI", "OOA"], rate=25e-5)
    demography.add_population_split(time=out, derived=["YRI", "OOA"], ancestral="AMH")
    demography.add_population_split(time=africa_growth, derived=["AMH"], ancestral="ANC")
    return demography
