"""The embedded demo cohort, made again bit for bit by `make demo` (python -m core.data.demo)."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from core.config.home import ASSETS
from core.config.schema import to_dict
from core.data.dataset import DatasetMeta
from core.data.digest import content_digest
from core.data.genotypes import Genotypes
from core.data.library import Library, describe, store
from core.data.simulate import SimulationConfig, simulate

NAME = "demo"

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
        created="2026-01-01T00:00:00+00:00",  # fixed: the time of making is no property of the data
        notes=["Simulated: an out-of-Africa history over 2 Mb with recombination hotspots; no person's genotypes."],
        import_options=to_dict(CONFIG),
    )
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root, prefix=".unfinished-") as draft:
        folder = Path(draft) / meta.id
        folder.mkdir()
        meta = store(folder, genotypes, meta, compressed=True)
        for older in Library(root, embedded=root).list():
            if older.name == NAME:
                shutil.rmtree(root / older.id)
        folder.rename(root / meta.id)
    return meta


if __name__ == "__main__":
    made = write_demo(ASSETS / "datasets")
    sys.stdout.write(f"{made.name}: {made.individuals} individuals x {made.variants} variants, {made.id}\n")
