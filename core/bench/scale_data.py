"""Large files for `bench scale`, and a step of training on what was imported from them, in a process of its own."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from core.training.stored import Shelf

CONTIG = 1000  # variants of the demo, which each contig repeats
STEPS, WARM_UP = 30, 5
LARGE, PART = 4_000_000_000, 20_000  # calls, of which only so many individuals are trained on for a whole epoch
_MISSING_SHARE = 0.001
_ROWS = 100_000  # observations written at a time


def write_bed(path: Path, n: int, m: int) -> None:
    """A PLINK fileset of n individuals and m variants, one call in a thousand missing.

    Each contig of an individual is that of a random individual of its population in the demo: linkage within contigs,
    structure across them, and no two individuals alike.
    """
    from core.data.library import Library

    demo = Library().open("demo").genotypes()
    rng = np.random.default_rng(0)
    code = demo.population_code
    population = rng.choice(code, n)
    own = [np.flatnonzero(code == one) for one in range(int(code.max()) + 1)]
    # A call of 2, 1, 0 or -1 alternate alleles as PLINK 1.9 writes it, variant by variant.
    byte = np.array([3, 2, 0, 1], dtype=np.uint8)
    with path.open("wb") as bed, path.with_suffix(".bim").open("w") as bim:
        bed.write(b"\x6c\x1b\x01")
        for first in range(0, m, CONTIG):
            contig = first // CONTIG + 1
            who = _members(rng, own, population)
            for j in range(min(CONTIG, m - first)):
                codes = np.zeros(-(-n // 4) * 4, dtype=np.uint8)
                codes[:n] = byte[demo.calls[:, j]][who]
                codes[rng.integers(0, n, rng.binomial(n, _MISSING_SHARE))] = byte[-1]
                bed.write((codes[::4] | codes[1::4] << 2 | codes[2::4] << 4 | codes[3::4] << 6).tobytes())
                bim.write(f"{contig}\tv{first + j + 1}\t0\t{100 * (j + 1)}\tA\tG\n")
    names = np.array([f"p{one}" for one in range(len(own))])[population]
    lines = (f"{name} i{i + 1} 0 0 0 -9\n" for i, name in enumerate(names))
    path.with_suffix(".fam").write_text("".join(lines), encoding="ascii")


def _members(rng: np.random.Generator, own: list[Any], population: Any) -> Any:
    """(n,) a random individual of each one's population."""
    sizes = np.array([len(one) for one in own])
    place = (rng.random(len(population)) * sizes[population]).astype(np.int64)
    padded = np.zeros((len(own), sizes.max()), dtype=np.int64)
    for i, one in enumerate(own):
        padded[i, : len(one)] = one
    return padded[population, place]


def write_h5ad(path: Path, k: int, d: int, sets: int) -> None:
    """An AnnData file of k cells × d features, each set normal around a mean of its own, written by blocks."""
    import anndata
    import h5py
    import pandas as pd

    rng = np.random.default_rng(0)
    member = rng.integers(0, sets, k)
    obs = pd.DataFrame(
        {"sample": pd.Categorical(np.array([f"s{i}" for i in range(sets)])[member])}, index=np.arange(k).astype(str)
    )
    anndata.AnnData(obs=obs, var=pd.DataFrame(index=[f"g{i}" for i in range(d)])).write_h5ad(path)
    mean = rng.normal(size=(sets, d)).astype(np.float32)
    with h5py.File(path, "a") as file:
        x = file.create_dataset("X", (k, d), dtype="f4")
        x.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
        for first in range(0, k, _ROWS):
            some = member[first : first + _ROWS]
            x[first : first + _ROWS] = mean[some] + rng.standard_normal((len(some), d), dtype=np.float32)


def main(kind: str, way: str) -> int:
    """Train for a few steps on the one dataset of this home, read from disk; prints seconds of the median step.

    way: "alone", or "turns" with as many steps on the same data in memory, one after the other, so that what else the
    machine does disturbs both alike. Of more than `LARGE` calls `PART` individuals are in memory.
    """
    from core.config.home import home
    from core.training.stored import Shelf

    take = {"disk": _stepper(kind, Shelf(home() / "scratch"))}
    if way == "turns":
        take["memory"] = _stepper(kind, None)
    times: dict[str, list[float]] = {name: [] for name in take}
    for _ in range(WARM_UP + STEPS):
        for name, step in take.items():
            began = time.perf_counter()
            step()
            times[name].append(time.perf_counter() - began)
    print(json.dumps({"steps": {name: float(np.median(each[WARM_UP:])) for name, each in times.items()}}))
    return 0


def _stepper(kind: str, shelf: Shelf | None) -> Callable[[], object]:
    """A step of a fresh model on random individuals or sets of the dataset."""
    import torch

    from core.config.experiments import load
    from core.config.schema import from_dict
    from core.config.training import TrainingConfig
    from core.data.library import Library
    from core.data.split import Split
    from core.models.registry import build
    from core.runs.set_work import settings_of
    from core.training.clock import TrainingClock
    from core.training.data import prepare_split
    from core.training.set_data import load_sets

    config = load("vae" if kind == "genotypes" else "mvn")
    training = from_dict(TrainingConfig, config["training"], where="training")
    torch.manual_seed(0)
    settings: dict[str, Any] = config["model"]
    data: Any
    if kind == "genotypes":
        dataset = Library().open("cohort")
        genotypes, split = dataset.genotypes(), dataset.split()
        if shelf is None and genotypes.calls.size > LARGE:
            split = Split(split.train[:PART], split.holdout[:PART])
        data, _ = prepare_split(genotypes, split, training, shelf)
    else:
        dataset = Library().open("cells")
        settings = settings_of(config)
        data, _ = load_sets(dataset.collection(), dataset.split(), settings, shelf)
    model = build(settings["name"], settings, data.spec, training)
    model.prepare(data)
    model.train()
    size = min(training.batch_size, len(data))
    clock = TrainingClock(1, WARM_UP + STEPS)
    return lambda: (model.steps(data.index(torch.randint(len(data), (size,))), clock), clock.tick())


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
