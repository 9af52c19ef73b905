"""interpolate: what lies between two sets, as files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from core.commands.answer import Answer, Command
from core.errors import InputError
from core.latents.lens import open_lens
from core.latents.walk import OBSERVATIONS, STEPS, walk_between
from core.runs.store import RunStore


def _interpolate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="id of a run on sets, or its first six letters or more")
    parser.add_argument("--from", dest="start", required=True, metavar="SET", help="name of the first set")
    parser.add_argument("--to", dest="end", required=True, metavar="SET", help="name of the last set")
    parser.add_argument(
        "--steps", type=int, default=STEPS, help=f"points on the way, both ends counted (default {STEPS})"
    )
    parser.add_argument(
        "--n", type=int, default=OBSERVATIONS, help=f"observations generated at each point (default {OBSERVATIONS})"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the noise, the same at each point (default 0)")
    parser.add_argument(
        "--genes", action="store_true", help="write generated cells as genes too, by the loadings that the file had"
    )
    parser.add_argument("--out", type=Path, required=True, help="file ending in .npz")


def _interpolate(options: argparse.Namespace) -> Answer:
    from core.runs.set_work import sets_of
    from core.runs.work import dataset_of

    if options.out.suffix != ".npz":
        raise InputError(f"--out {options.out.name!r} does not end in .npz; the path is written as a NumPy archive.")
    if options.steps < 2 or options.n < 1:
        raise InputError(f"--steps is {options.steps} and --n is {options.n}; at least 2 and 1 are expected.")
    run = RunStore().get(options.run)
    lens = open_lens(run.checkpoints)
    sets, _ = sets_of(run, dataset_of(run))
    if options.genes and sets.loadings is None:
        raise InputError(
            f"The dataset of run {run.id} has no loadings, so nothing leads back to genes; import an h5ad with "
            "--layer obsm:X_pca whose varm holds them."
        )
    walk = walk_between(lens, sets, options.start, options.end, n=options.n, seed=options.seed)
    straying = walk.straying(options.steps)
    arrays = straying.arrays(sets.loadings if options.genes else None)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with options.out.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    value: dict[str, Any] = {
        "run": run.id,
        "from": options.start,
        "to": options.end,
        "steps": options.steps,
        "n": options.n,
        "path_length": straying.length,
        "distance": straying.distance,
        "deviation": straying.deviation,
        "file": str(options.out),
    }
    strays = (
        f"strays from the optimal-transport path by {straying.deviation:.1%} of the distance of its ends at most"
        if straying.deviation >= 0.0005
        else "is nowhere further from the optimal-transport path than the model's own error at the ends"
    )
    text = (
        f"{options.steps} points with {options.n} observations each written to {options.out}. The generated path is "
        f"{straying.length:.4g} long, the ends are {straying.distance:.4g} apart (W2 in {straying.space}); it {strays}."
    )
    if options.genes and sets.loadings is not None:
        value["genes"] = len(sets.loadings.gene)
        text += f" {len(sets.loadings.gene):,} genes of each generated cell stand beside, {sets.loadings.units}."
    return Answer(value, text)


COMMANDS: dict[str, Command] = {"interpolate": (_interpolate_arguments, _interpolate)}
