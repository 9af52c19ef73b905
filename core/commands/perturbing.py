"""unseen: the effects of perturbations that nobody has tried, from a table that describes them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from core.commands.answer import Answer, Command
from core.commands.tables import number, table
from core.errors import InputError
from core.evaluation.sets.unseen import descriptions, named_features, unseen_effects
from core.latents.lens import open_lens
from core.runs.store import RunStore


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="id of a run on sets, or its first six letters or more")
    parser.add_argument(
        "table", type=Path, metavar="TABLE",
        help="CSV or TSV: the first column names perturbations, the others describe them (targets, dose, embeddings)",
    )  # fmt: skip
    parser.add_argument("--column", default="", help="label column of the perturbations (default: that of the names)")
    parser.add_argument(
        "--control", default="", help="its value without a perturbation (default: the run's, else NT, control, DMSO, …)"
    )
    parser.add_argument("--n", type=int, default=500, help="observations generated of each new one (default 500)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write what is generated of the new ones as .npz")


def _unseen(options: argparse.Namespace) -> Answer:
    from core.runs.set_work import control_of_run, sets_of
    from core.runs.work import dataset_of

    if options.out is not None and options.out.suffix != ".npz":
        raise InputError(f"--out {options.out.name!r} does not end in .npz; sets are written as a NumPy archive.")
    if options.n < 1:
        raise InputError(f"--n is {options.n}; at least 1 is expected.")
    run = RunStore().get(options.run)
    lens = open_lens(run.checkpoints)
    sets, split = sets_of(run, dataset_of(run))
    subject = lens.subject(sets, split, int(run.config["seed"]), control_of_run(run.config))
    described = descriptions(options.table, options.table.name)
    found = unseen_effects(subject, described, column=options.column, control=options.control)
    lines = [scores(found)]
    for name, shift in found["new"].items():
        moved = named_features(sets.feature, subject.space.axes, shift)
        lines.append(f"{name}: " + ", ".join(f"{feature} {value:+.2f}" for feature, value in moved) + " deviations")
    if options.out is not None:
        if not found["new"]:
            raise InputError("Every described perturbation is among the sets; there is none to generate.")
        made = lens.generate(np.stack(list(found["latents"].values())), options.n, 0)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        with options.out.open("wb") as file:
            np.savez_compressed(file, X=made.reshape(-1, *made.shape[2:]), set=np.repeat(list(found["new"]), options.n))
        lines.append(f"{options.n} observations of each of {len(found['new'])} new ones written to {options.out}.")
    value: dict[str, Any] = {key: found[key] for key in ("column", "control", "n", "features", "rows", "pooled")}
    return Answer(value | {"run": run.id, "new": {k: v.tolist() for k, v in found["new"].items()}}, "\n".join(lines))


def scores(found: dict[str, Any]) -> str:
    """The pooled scores as a table, with the sentence that they mean."""
    pooled = found["pooled"]
    titles = {"latent": "features → latent", "direct": "features → shift", "mean": "mean shift of the others"}
    rows = [
        [title, number(pooled[key]), f"{number(pooled[f'{key}_low'])} to {number(pooled[f'{key}_high'])}",
         number(pooled[f"{key}_mse"])]
        for key, title in titles.items()
    ]  # fmt: skip
    return (
        f"{found['n']} perturbations left out one by one, {found['features']} features, shift from "
        f"{found['control']}; features at random: R² {number(pooled['null'])}.\n"
        + table(["prediction", "R²", "interval", "MSE"], rows)
    )


COMMANDS: dict[str, Command] = {"unseen": (_arguments, _unseen)}
