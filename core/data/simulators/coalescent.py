"""Cohorts whose truth is known: coalescent genotypes, and a phenotype made of their causal variants."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.config.schema import setting, to_dict
from core.data.genotypes import Calls, Genotypes
from core.data.simulators import demography
from core.errors import InputError

if TYPE_CHECKING:
    import msprime
    import tskit

HISTORIES = ("constant", "bottleneck", "out_of_africa")
_HAPLOTYPE_BASES_MAX = 2e12  # haplotypes × base pairs: minutes and a few GB

_HOTSPOT_SPACING = 100_000  # bp; of the order of the human genome's 25,000 hotspots (Myers et al. 2005)
_HOTSPOT_WIDTH = 2_000


@dataclass(frozen=True)
class SimulationConfig:
    """A cohort drawn from the coalescent with recombination (msprime), and its additive phenotype."""

    history: str = setting(
        "out_of_africa",
        "Population history: constant size, a bottleneck, or the three populations (YRI, CEU, CHB) of Gutenkunst 2009.",
        choices=HISTORIES,
    )
    individuals: tuple[int, ...] = setting(
        (700,), "Diploid individuals in each population; one number serves all populations.", low=1, high=200_000
    )
    length: float = setting(1.5e6, "Length of the region.", unit="bp", low=1e3, high=3e8)
    recombination_rate: float = setting(1e-8, "Crossovers in a generation.", unit="per bp", low=0.0, high=1e-5)
    hotspots: float = setting(
        0.0,
        "Share of the crossovers that fall in hotspots of 2 kb, one in 100 kb on average (0: even rate, no LD blocks).",
        low=0.0,
        high=0.99,
    )
    mutation_rate: float = setting(1.5e-8, "Mutations in a generation.", unit="per bp", low=1e-12, high=1e-5)
    maf_min: float = setting(0.05, "Variants with a smaller minor-allele frequency are left out.", low=0.0, high=0.5)
    variants: int = setting(
        1000, "Variants kept, evenly spaced along the region like those of an array (0: all).", low=0, high=5_000_000
    )
    population_size: float = setting(
        10_000.0, "Diploids of the constant and the bottleneck history.", low=1, high=1e9, advanced=True
    )
    bottleneck_start: float = setting(
        1000.0, "When the bottleneck began.", unit="generations ago", low=0, high=1e7, advanced=True
    )
    bottleneck_end: float = setting(
        600.0, "When the bottleneck ended.", unit="generations ago", low=0, high=1e7, advanced=True
    )
    bottleneck_strength: float = setting(
        0.05,
        "Population size during the bottleneck, as a share of the size before and after.",
        low=1e-6,
        high=1.0,
        advanced=True,
    )
    phenotype: str = setting("", "Name of an additive phenotype to simulate (empty: none).")
    heritability: float = setting(
        0.5, "Share of the phenotype's variance that the causal variants explain.", low=0.0, high=1.0
    )
    causal: int = setting(20, "Causal variants, drawn from those kept.", low=1, high=1_000_000)
    seed: int = setting(42, "Seed of ancestry, mutations and phenotype.", low=1, high=2**31 - 1)


def simulate(config: SimulationConfig) -> Genotypes:
    """A diploid cohort, one contig "1", biallelic variants in order; label column "population".

    `truth["simulation"]` holds the settings; with a phenotype, `truth["phenotype"]` its name, `causal_index` (into the
    variants, sorted), `effect` (per alternate allele), `heritability` and `genetic_value` (n,). Raises InputError for
    settings that contradict each other or leave too few variants.
    """
    if config.history == "bottleneck" and config.bottleneck_start <= config.bottleneck_end:
        raise InputError(
            f"The bottleneck starts {config.bottleneck_start:g} and ends {config.bottleneck_end:g} generations ago; "
            "the start must lie further back than the end."
        )
    names, history = _history(config)
    counts = dict(zip(names, _per_population(config, names), strict=True))
    *tree_seeds, phenotype_seed = np.random.SeedSequence(config.seed).generate_state(4).tolist()
    trees = _mutated_trees(config, history, counts, tree_seeds)
    calls, position, allele = _common_variants(trees, config)
    population = np.repeat(np.array(names, dtype=np.str_), list(counts.values()))
    number = np.concatenate([np.arange(1, count + 1) for count in counts.values()])
    genotypes = Genotypes(
        calls=calls,
        sample_id=np.array([f"{p}{i:0{len(str(number.max()))}d}" for p, i in zip(population, number, strict=True)]),
        variant_id=np.array([f"1:{p}" for p in position], dtype=np.str_),
        variant_contig=np.full(len(position), "1", dtype=np.str_),
        variant_position=position,
        variant_allele=allele,
        labels={"population": population},
        truth={"simulation": to_dict(config)},
    )
    return with_phenotype(genotypes, config, phenotype_seed) if config.phenotype else genotypes


def with_phenotype(genotypes: Genotypes, config: SimulationConfig, seed: int) -> Genotypes:
    """The same cohort with the additive phenotype y = Σ_j effect_j x_j + ε, of mean 0 and variance about 1.

    Effects are normal per standardised genotype, so a rare causal variant has a larger effect per allele (GCTA's model,
    Yang et al. 2011); scaled so that the genetic values have variance h² in this cohort, ε normal with variance 1 - h².
    Differences between populations are part of both, as in nature.
    """
    if config.causal > genotypes.m:
        raise InputError(
            f"{config.causal} causal variants were asked for, but the cohort has {genotypes.m}; "
            "lower the number of causal variants or keep more variants."
        )
    rng = np.random.default_rng(seed)
    causal = np.sort(rng.choice(genotypes.m, size=config.causal, replace=False)).astype(np.int64)
    x = np.asarray(genotypes.calls[:, causal], dtype=np.float64)
    effect = rng.normal(size=config.causal) / np.maximum(x.std(axis=0), 1e-9)
    value = (x - x.mean(axis=0)) @ effect
    scale = np.sqrt(config.heritability) / max(float(value.std()), 1e-12)
    noise = rng.normal(scale=np.sqrt(1 - config.heritability), size=genotypes.n)
    # Rounded, so that processors that sum in another order make the same cohort, to the bit.
    truth = {
        "name": config.phenotype,
        "causal_index": causal,
        "effect": (effect * scale).round(9),
        "heritability": config.heritability,
        "genetic_value": (value * scale).round(9),
    }
    return replace(
        genotypes,
        phenotypes={**genotypes.phenotypes, config.phenotype: (value * scale + noise).round(6)},
        truth={**genotypes.truth, "phenotype": truth},
    )


def _history(config: SimulationConfig) -> tuple[tuple[str, ...], msprime.Demography]:
    if config.history == "out_of_africa":
        return demography.OUT_OF_AFRICA, demography.out_of_africa()
    if config.history == "bottleneck":
        return ("POP",), demography.bottleneck(
            config.population_size, config.bottleneck_start, config.bottleneck_end, config.bottleneck_strength
        )
    return ("POP",), demography.constant(config.population_size)


def _per_population(config: SimulationConfig, names: tuple[str, ...]) -> tuple[int, ...]:
    counts = config.individuals * len(names) if len(config.individuals) == 1 else config.individuals
    if len(counts) != len(names):
        raise InputError(
            f"{len(counts)} cohort sizes were given for the {len(names)} population(s) {', '.join(names)}; "
            "give one for each, or one for all."
        )
    if 2 * sum(counts) * config.length > _HAPLOTYPE_BASES_MAX:
        raise InputError(
            f"{sum(counts):,} individuals over {config.length:,.0f} bp are too much for one simulation; "
            f"at most {_HAPLOTYPE_BASES_MAX / 2 / sum(counts):,.0f} bp are possible with so many."
        )
    return counts


def _mutated_trees(
    config: SimulationConfig, history: msprime.Demography, counts: dict[str, int], seeds: list[int]
) -> tskit.TreeSequence:
    import msprime

    map_seed, ancestry_seed, mutation_seed = seeds
    trees = msprime.sim_ancestry(
        samples=[msprime.SampleSet(count, population=name, ploidy=2) for name, count in counts.items()],
        demography=history,
        sequence_length=round(config.length),
        recombination_rate=_recombination_map(config, map_seed),
        random_seed=_msprime_seed(ancestry_seed),
    )
    return msprime.sim_mutations(trees, rate=config.mutation_rate, random_seed=_msprime_seed(mutation_seed))


def _recombination_map(config: SimulationConfig, seed: int) -> msprime.RateMap:
    """A map whose mean is the given rate; hotspots lie at random places and have exponential strengths."""
    import msprime

    end = round(config.length)
    count = round(end / _HOTSPOT_SPACING) if config.hotspots else 0
    if not count or not config.recombination_rate:
        return msprime.RateMap.uniform(sequence_length=end, rate=config.recombination_rate)
    rng = np.random.default_rng(seed)
    slots = np.arange(1, end // _HOTSPOT_WIDTH)  # so that no two overlap and none touches an end
    start = np.sort(rng.choice(slots, size=count, replace=False)) * _HOTSPOT_WIDTH
    strength = rng.exponential(size=count)
    crossovers = config.recombination_rate * end
    edges = np.unique(np.concatenate([[0, end], start, start + _HOTSPOT_WIDTH]))
    rate = np.full(len(edges) - 1, crossovers * (1 - config.hotspots) / end)
    rate[np.searchsorted(edges, start)] += crossovers * config.hotspots * strength / strength.sum() / _HOTSPOT_WIDTH
    return msprime.RateMap(position=edges, rate=rate)


def _msprime_seed(seed: int) -> int:
    return seed % (2**31 - 1) + 1  # msprime takes 1 to 2^32 - 1; a signed range is safe on every platform


def _common_variants(
    trees: tskit.TreeSequence, config: SimulationConfig
) -> tuple[Calls, npt.NDArray[np.int64], npt.NDArray[np.str_]]:
    """Calls, positions (1-based) and alleles of the biallelic variants that pass the filters."""
    samples = trees.individuals_nodes  # (n, 2) the two haplotypes of each individual
    floor = max(config.maf_min * trees.num_samples, 1)
    columns: list[Calls] = []
    rows: list[tuple[int, str, str]] = []
    for variant in trees.variants(samples=samples.reshape(-1)):
        alternate = variant.genotypes != 0
        count = int(alternate.sum())
        if variant.num_alleles != 2 or not floor <= count <= trees.num_samples - floor:
            continue
        columns.append(alternate.reshape(-1, 2).sum(axis=1, dtype=np.int8))
        rows.append((int(variant.site.position) + 1, variant.alleles[0], variant.alleles[1]))
    if len(rows) < max(2, config.variants):
        raise InputError(
            f"The simulated region has {len(rows):,} variants of minor-allele frequency {config.maf_min:g} or more, "
            f"and {max(2, config.variants):,} are wanted; choose a longer region, a lower frequency, or fewer variants."
        )
    kept = np.linspace(0, len(rows) - 1, config.variants or len(rows)).round().astype(np.int64)
    calls = np.ascontiguousarray(np.stack([columns[j] for j in kept], axis=1))
    position = np.array([rows[j][0] for j in kept], dtype=np.int64)
    return calls, position, np.array([rows[j][1:] for j in kept], dtype=np.str_)
