"""The embedded demo data, made again bit for bit by `make demo` (python -m core.data.simulators.demo)."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from core.config.home import ASSETS
from core.config.schema import to_dict
from core.data.dataset import DatasetMeta
from core.data.digest import content_digest
from core.data.genotypes import Genotypes
from core.data.library import Library, describe, store
from core.data.set_dataset import describe_sets, sets_digest, store_sets
from core.data.sets import SetCollection
from core.data.simulators.clones import ClonesConfig, simulate_clones
from core.data.simulators.coalescent import SimulationConfig, simulate
from core.data.simulators.digits import DigitsConfig, digit_sets
from core.data.simulators.families import FamilyConfig, simulate_family

NAME = "demo"
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


def demo_cohort() -> Genotypes:
    """2,000 individuals of three populations × 1,000 variants in 2 Mb, one phenotype with known effects."""
    return simulate(CONFIG)


def write_demo(root: Path) -> DatasetMeta:
    """Write the demo into `root`/<digest> in the compressed form, in place of an older demo there."""
    genotypes = demo_cohort()
    meta = describe(
        genotypes,
        id=content_digest(genotypes),
        name=NAME,
        source="simulated with msprime",
        created=CREATED,
        notes=["Simulated: an out-of-Africa history over 2 Mb with recombination hotspots; no person's genotypes."],
        import_options=to_dict(CONFIG),
    )
    return _replace(root, meta, lambda folder: store(folder, genotypes, meta, compressed=True))


def demo_sets() -> dict[str, tuple[SetCollection, str]]:
    """The demo collections of sets by name, each with what it is: Gaussians, digits, simulated clones."""
    return {
        "demo-gaussians": (
            simulate_family(FamilyConfig(family="mvn", sets=240, observations=120, dimension=2, seed=11)),
            "Simulated: Gaussians in the plane with random mean and covariance; distances are known exactly.",
        ),
        "demo-digits": (
            digit_sets(DigitsConfig()),
            "Handwritten digits of 8 x 8 pixels (Alpaydin & Kaynak 1998, from scikit-learn) in sets of 30.",
        ),
        "demo-clones": (
            simulate_clones(ClonesConfig()),
            "Simulated: clones seen on days 2, 4 and 6 of a differentiation into four fates, which are known.",
        ),
    }


def write_demo_sets(root: Path) -> list[DatasetMeta]:
    """Write the demo collections into `root`, in place of older ones of the same names."""
    written = []
    for name, (sets, note) in demo_sets().items():
        meta = describe_sets(
            sets, id=sets_digest(sets), name=name, source="made by Popscape", created=CREATED, notes=[note]
        )
        write = partial(store_sets, sets=sets, meta=meta, compressed=True)
        written.append(_replace(root, meta, write))
    return written


def _replace(root: Path, meta: DatasetMeta, write: Callable[[Path], DatasetMeta]) -> DatasetMeta:
    """Let `write` fill a folder, and put it in place of the dataset of the same name."""
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root, prefix=".unfinished-") as draft:
        folder = Path(draft) / meta.id
        folder.mkdir()
        meta = write(folder)
        for older in Library(root, embedded=root).list():
            if older.name == meta.name:
                shutil.rmtree(root / older.id)
        folder.rename(root / meta.id)
    return meta


if __name__ == "__main__":
    made = write_demo(ASSETS / "datasets")
    sys.stdout.write(f"{made.name}: {made.individuals} individuals x {made.variants} variants, {made.id}\n")
    for made in write_demo_sets(ASSETS / "datasets"):
        sys.stdout.write(f"{made.name}: {made.sets} sets, {made.observations} observations, {made.id}\n")
