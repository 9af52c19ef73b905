"""forecast: the next sets of a set, as a file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from core.commands.answer import Answer, Command
from core.errors import InputError
from core.latents.lens import open_lens
from core.latents.next_sets import next_sets
from core.reports.forecasts import flow_words, verdict
from core.runs.store import RunStore


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="id of a run on sets, or its first six letters or more")
    parser.add_argument("--from", dest="start", required=True, metavar="SET", help="name of the set that is followed")
    parser.add_argument("--steps", type=int, default=1, help="how many sets follow (default 1)")
    parser.add_argument("--n", type=int, default=500, help="observations generated of each (default 500)")
    parser.add_argument("--seed", type=int, default=0, help="of the noise, the same for each (default 0)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="file ending in .npz")


def _forecast(options: argparse.Namespace) -> Answer:
    from core.runs.set_work import control_of_run, sets_of
    from core.runs.work import dataset_of

    if options.out.suffix != ".npz":
        raise InputError(f"--out {options.out.name!r} does not end in .npz; sets are written as a NumPy archive.")
    if options.steps < 1 or options.n < 1:
        raise InputError(f"--steps is {options.steps} and --n is {options.n}; at least 1 is expected of each.")
    run = RunStore().get(options.run)
    lens = open_lens(run.checkpoints)
    sets, split = sets_of(run, dataset_of(run))
    subject = lens.subject(sets, split, int(run.config["seed"]), control_of_run(run.config))
    coming = next_sets(subject, options.start, options.steps)
    made = lens.generate(coming.latents, options.n, options.seed)
    flat = made.reshape(-1, *made.shape[2:])
    options.out.parent.mkdir(parents=True, exist_ok=True)
    stage = np.repeat(coming.stage, options.n)
    arrays: dict[str, Any] = {"X": flat, coming.order: stage, "latents": coming.latents}
    arrays |= sets.observation.spelled(flat)
    with options.out.open("wb") as file:
        np.savez_compressed(file, **arrays)
    found = _of_report(run)
    lines = [
        f"{options.n} observations at each of {coming.order} {', '.join(f'{t:g}' for t in coming.stage)}, after "
        f"{options.start} ({coming.order} {coming.begin:g}), written to {options.out}; the step was learned from "
        f"{coming.n_train} training pairs.",
        *(f"Warning: {sentence}" for sentence in coming.warnings),
        f"{flow_words(found)} {verdict(found)}"
        if "rows" in found
        else f"How good such forecasts are is not known: {found['reason']}",
    ]
    value = {
        "run": run.id,
        "from": options.start,
        "order": coming.order,
        "stage": coming.stage.tolist(),
        "outside": coming.outside.tolist(),
        "warnings": coming.warnings,
        "n": options.n,
        "n_train": coming.n_train,
        "file": str(options.out),
    }
    return Answer(value, "\n".join(lines))


def _of_report(run: Any) -> dict[str, Any]:
    """The analysis "forecast" of the run's report, or the reason why there is none."""
    report = run.report()
    found = None if report is None else report.analysis("forecast")
    return dict(found) if found else {"reason": "the report of this run was made without this analysis."}


COMMANDS: dict[str, Command] = {"forecast": (_arguments, _forecast)}
