"""The embedded demo data, made again bit for bit by `make demo` (python -m core.data.simulators.demo)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.config.home import ASSETS
from core.config.schema import to_dict
from core.data.dataset import DatasetMeta, Population
from core.data.description import size_of
from core.data.library import Library
from core.data.simulators.clones import ClonesConfig, simulate_clones
from core.data.simulators.coalescent import SimulationConfig, simulate
from core.data.simulators.digits import DigitsConfig, digit_sets
from core.data.simulators.families import FamilyConfig, simulate_family
from core.data.simulators.sequences import (
    SyntheticDnaConfig,
    SyntheticProteinConfig,
    simulate_synthetic_dna,
    simulate_synthetic_protein,
)

NAME = "demo"
_COHORT_NOTE = "Simulated: an out-of-Africa history over 2 Mb with recombination hotspots; no person's genotypes."
CREATED = "2026-01-01T00:00:00+00:00"  # fixed: the time of making is no property of the data

# 2 Mb with hotspots show blocks of linkage; 1,000 variants of it still part the three populations in two components.
CONFIG = SimulationConfig(
    history="out_of_africa",
    individuals=(667, 667, 666),
    length=2e6,
    recombination_rate=1e-8,
    hotspots=0.8,
    mutation_rate=1.5e-8,
    maf_min=0.05,
    variants=1000,
    phenotype="trait",
    heritability=0.5,
    causal=20,
    seed=4,
)


def populations() -> Iterator[tuple[Population, dict[str, Any]]]:
    """The demo cohort and the demo collections of sets, each with its name and origin."""
    yield (
        simulate(CONFIG),
        {
            "name": NAME,
            "source": "simulated with msprime",
            "notes": [_COHORT_NOTE],
            "import_options": to_dict(CONFIG),
        },
    )
    for name, sets, note in (
        (
            "demo-gaussians",
            simulate_family(FamilyConfig(family="mvn", sets=240, observations=120, dimension=2, seed=11)),
            "Simulated: Gaussians in the plane with random mean and covariance; distances are known exactly.",
        ),
        (
            "demo-digits",
            digit_sets(DigitsConfig()),
            "Handwritten digits of 8 x 8 pixels (Alpaydin & Kaynak 1998, from scikit-learn) in sets of 30.",
        ),
        (
            "demo-clones",
            simulate_clones(ClonesConfig()),
            "Simulated: clones seen on days 2, 4 and 6 of a differentiation into four fates, which are known.",
        ),
        (
            "demo-promoters",
            simulate_synthetic_dna(SyntheticDnaConfig(sets=150, observations=50, letters=60)),
            "Simulated: DNA in which a known share of the sequences of each set carries a motif, its strength.",
        ),
        (
            "demo-proteins",
            simulate_synthetic_protein(SyntheticProteinConfig(places=10, observations=24, letters=90)),
            "Simulated: proteins of a population in ten places over twelve months, in which mutations sweep.",
        ),
    ):
        yield sets, {"name": name, "source": "made by Popscape", "notes": [note]}


def write_demo(root: Path) -> Iterator[DatasetMeta]:
    """Write the demo datasets into `root`/<digest> in the compressed form, in place of older ones of their names."""
    library = Library(root, embedded=root / "none")
    for population, known in populations():
        for older in library.list():
            if older.name == known["name"]:
                library.remove(older.id)
        yield library.add(population, created=CREATED, compressed=True, **known)


if __name__ == "__main__":
    for dataset in write_demo(ASSETS / "datasets"):
        sys.stdout.write(f"{dataset.name}: {size_of(dataset)}, {dataset.id}\n")
